/** Writes pickles opcode by opcode, and archives field by field, the damaged kinds included. */

import { crc32, deflateRawSync } from "node:zlib";

/** A piece of a pickle: raw bytes, an opcode, or its text. */
export type Piece = Uint8Array | number | string;

/** Joins pieces; strings stand for their UTF-8 bytes, numbers for one byte. */
export function bytes(...pieces: Piece[]): Uint8Array {
  const parts = pieces.map((piece) =>
    typeof piece === "string"
      ? new TextEncoder().encode(piece)
      : typeof piece === "number"
      ? Uint8Array.of(piece)
      : piece
  );
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Little-endian 16, 32 and 64-bit numbers. */
export function le16(value: number): Uint8Array {
  return Uint8Array.of(value & 255, value >> 8);
}

export function le32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

export function le64(value: number | bigint): Uint8Array {
  return new Uint8Array(BigInt64Array.of(BigInt(value)).buffer);
}

export const PROTO = bytes(0x80, 2);
export const STOP = ".";
export const MARK = "(";

/** BINUNICODE */
export function text(value: string): Uint8Array {
  const encoded = new TextEncoder().encode(value);
  return bytes("X", le32(encoded.length), encoded);
}

/** BININT */
export function int(value: number): Uint8Array {
  return bytes("J", le32(value));
}

/** GLOBAL */
export function global(module: string, name: string): Uint8Array {
  return bytes(`c${module}\n${name}\n`);
}

/** The storage `key` through BINPERSID. */
export function storage(key: string, length: number, type = "FloatStorage"): Uint8Array {
  return bytes(
    MARK,
    text("storage"),
    global("torch", type),
    text(key),
    text("cpu"),
    int(length),
    "tQ",
  );
}

/** A call of `_rebuild_tensor_v2`. */
export function tensor(
  from: Uint8Array,
  shape: readonly number[],
  strides: readonly number[],
  offset = 0,
): Uint8Array {
  const tuple = (sizes: readonly number[]) => bytes(MARK, ...sizes.map(int), "t");
  return bytes(
    global("torch._utils", "_rebuild_tensor_v2"),
    MARK,
    from,
    int(offset),
    tuple(shape),
    tuple(strides),
    0x89,
    global("collections", "OrderedDict"),
    ")R",
    "tR",
  );
}

/** How one file goes into an archive; sizes may lie. */
export interface ZipFile {
  data: Uint8Array;
  deflate?: boolean;
  zip64?: boolean;
  size?: number;
  compressedSize?: number;
  crc?: number;
  flags?: number;
  method?: number;
}

/** Writes a ZIP archive. */
export function zip(files: Record<string, ZipFile | Uint8Array>): Uint8Array {
  const local: Piece[] = [];
  const central: Piece[] = [];
  let offset = 0;
  for (const [name, given] of Object.entries(files)) {
    const file = given instanceof Uint8Array ? { data: given } : given;
    const packed = file.deflate ? deflateRawSync(file.data) : file.data;
    const size = file.size ?? file.data.length;
    const compressedSize = file.compressedSize ?? packed.length;
    const method = file.method ?? (file.deflate ? 8 : 0);
    const crc = file.crc ?? crc32(file.data);
    const nameBytes = new TextEncoder().encode(name);
    const header = bytes(
      "PK\x03\x04",
      le16(20),
      le16(file.flags ?? 0),
      le16(method),
      le32(0),
      le32(crc),
      le32(compressedSize),
      le32(size),
      le16(nameBytes.length),
      le16(5), // an extra field that the directory does not have, as PyTorch's padding is
      nameBytes,
      bytes("FB", le16(1), 0),
      packed,
    );
    const extra = file.zip64
      ? bytes("zz", le16(0), le16(1), le16(24), le64(size), le64(compressedSize), le64(offset))
      : new Uint8Array();
    central.push(
      bytes(
        "PK\x01\x02",
        le16(20),
        le16(20),
        le16(file.flags ?? 0),
        le16(method),
        le32(0),
        le32(crc),
        le32(file.zip64 ? 0xffffffff : compressedSize),
        le32(file.zip64 ? 0xffffffff : size),
        le16(nameBytes.length),
        le16(extra.length),
        le16(0),
        le16(0),
        le16(0),
        le32(0),
        le32(file.zip64 ? 0xffffffff : offset),
        nameBytes,
        extra,
      ),
    );
    local.push(header);
    offset += header.length;
  }
  const directory = bytes(...central);
  const count = Object.keys(files).length;
  const zip64 = Object.values(files).some((f) => !(f instanceof Uint8Array) && f.zip64);
  const end64 = bytes(
    "PK\x06\x06",
    le64(44),
    le16(45),
    le16(45),
    le32(0),
    le32(0),
    le64(count),
    le64(count),
    le64(directory.length),
    le64(offset),
    "PK\x06\x07",
    le32(0),
    le64(offset + directory.length),
    le32(1),
  );
  return bytes(
    ...local,
    directory,
    zip64 ? end64 : new Uint8Array(),
    "PK\x05\x06",
    le32(0),
    le16(zip64 ? 0xffff : count),
    le16(zip64 ? 0xffff : count),
    le32(zip64 ? 0xffffffff : directory.length),
    le32(zip64 ? 0xffffffff : offset),
    le16(0),
  );
}
