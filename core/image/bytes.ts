import { DecodeError, LimitError } from "../errors.ts";

/**
 * Most chunks (of PNG and WebP) or segments (of JPEG) in a file: 1 KiB each in one of 20 MiB, when
 * encoders write 8 KiB and more. A large file of nothing but empty chunks would keep its reader busy
 * for seconds.
 */
export const MAX_CHUNKS = 20_000;

/** The error every parser here throws for bytes that cannot be a whole, sound image. */
export function damaged(what: string): DecodeError {
  return new DecodeError(`Cannot decode image: ${what}`);
}

/**
 * Refuses a file that has reached its `count`-th chunk when those are too many.
 *
 * @throws {LimitError}
 */
export function requireFewChunks(count: number, format: string, kind = "chunks"): void {
  if (count > MAX_CHUNKS) {
    throw new LimitError(`Cannot decode image: ${format} has more than ${MAX_CHUNKS} ${kind}`);
  }
}

/** Throws a `TypeError` unless `bytes` is a `Uint8Array`. */
export function requireBytes(bytes: Uint8Array): void {
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError("Cannot decode image: the input must be a Uint8Array");
  }
}

/** True when `text` (ASCII) stands at `offset`. */
export function hasAscii(bytes: Uint8Array, offset: number, text: string): boolean {
  if (offset < 0 || offset + text.length > bytes.length) return false;
  for (let i = 0; i < text.length; i++) {
    if (bytes[offset + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/**
 * Integers out of a byte array; every read beyond the end is a {@link DecodeError} saying which
 * format was cut short, so no parser can run on past a truncated file.
 */
export class ByteReader {
  readonly #view: DataView;
  readonly #label: string;

  /** `label` is the name of the format for the error text; `littleEndian` the byte order. */
  constructor(readonly bytes: Uint8Array, label: string, readonly littleEndian = false) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#label = label;
  }

  get length(): number {
    return this.bytes.length;
  }

  u8(offset: number): number {
    this.require(offset, 1);
    return this.#view.getUint8(offset);
  }

  u16(offset: number): number {
    this.require(offset, 2);
    return this.#view.getUint16(offset, this.littleEndian);
  }

  u24(offset: number): number {
    this.require(offset, 3);
    const [a, b, c] = [offset, offset + 1, offset + 2].map((at) => this.#view.getUint8(at));
    return this.littleEndian ? a! | b! << 8 | c! << 16 : a! << 16 | b! << 8 | c!;
  }

  u32(offset: number): number {
    this.require(offset, 4);
    return this.#view.getUint32(offset, this.littleEndian);
  }

  /** Four bytes as the characters of a chunk's name. */
  fourCc(offset: number): string {
    const code = this.u32(offset);
    const [a, b, c, d] = [code & 255, code >>> 8 & 255, code >>> 16 & 255, code >>> 24];
    return this.littleEndian ? String.fromCharCode(a, b, c, d) : String.fromCharCode(d, c, b, a);
  }

  /** The bytes from `start` to `end`, not copied. */
  slice(start: number, end: number): Uint8Array {
    this.require(start, end - start);
    return this.bytes.subarray(start, end);
  }

  /** Throws unless `count` bytes lie at `offset`. */
  require(offset: number, count: number): void {
    if (!(offset >= 0 && count >= 0 && offset + count <= this.bytes.length)) {
      throw damaged(`${this.#label} file is truncated (${this.bytes.length} bytes)`);
    }
  }
}
