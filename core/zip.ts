/**
 * Zip archives in memory, as far as array files and model weights need them: entries stored or
 * deflated, ZIP64 on reading, no encryption, no spanning.
 *
 * Checksums and deflate come from `node:zlib`: on 5 MB they take a tenth of the time of a
 * JavaScript implementation, and inflating can be stopped at a size known beforehand.
 */

import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import { DecodeError, LimitError } from "./errors.ts";

/** One file of an archive, as its central directory declares it. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes when unpacked. */
  readonly size: number;
  /** Bytes in the archive. */
  readonly packedSize: number;
  readonly deflated: boolean;
  readonly crc32: number;
  /** Where the entry's own header begins. */
  readonly offset: number;
}

/** Options of {@linkcode listZip}. */
export interface ListZipOptions {
  /** Most bytes all entries together may declare when unpacked. Default: 1 GiB. */
  maxBytes?: number;
}

/** Options of {@linkcode encodeZip}. */
export interface EncodeZipOptions {
  /** Deflates the entries instead of storing them. Default: `false`. */
  compress?: boolean;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END64 = 0x06064b50;
const END64_LOCATOR = 0x07064b50;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const STORED = 0;
const DEFLATED = 8;
/** 1 January 1980, the earliest date a zip can hold: same input, same bytes out. */
const DATE = (1 << 5) | 1;
const UTF8_NAMES = 1 << 11;
const ENCRYPTED = 1;
const MAX32 = 0xffffffff;
const MAX16 = 0xffff;

function corrupt(why: string): DecodeError {
  return new DecodeError(`Cannot read zip archive: ${why}`);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function size64(view: DataView, offset: number): number {
  const value = Number(view.getBigUint64(offset, true));
  if (!Number.isSafeInteger(value)) throw corrupt("a 64-bit size is out of range");
  return value;
}

/** Where the central directory begins and how many entries it has. */
function findDirectory(view: DataView): { offset: number; count: number } {
  const lowest = Math.max(0, view.byteLength - END_BYTES - MAX16);
  let end = view.byteLength - END_BYTES;
  while (end >= lowest && view.getUint32(end, true) !== END) end--;
  if (end < lowest) throw corrupt("it has no central directory");
  const count = view.getUint16(end + 10, true);
  const offset = view.getUint32(end + 16, true);
  if (count !== MAX16 && offset !== MAX32) return { offset, count };
  const locator = end - 20;
  if (locator < 0 || view.getUint32(locator, true) !== END64_LOCATOR) return { offset, count };
  const end64 = size64(view, locator + 8);
  if (end64 + 56 > view.byteLength || view.getUint32(end64, true) !== END64) {
    throw corrupt("its ZIP64 directory is missing");
  }
  return { offset: size64(view, end64 + 48), count: size64(view, end64 + 32) };
}

/**
 * Sizes and offset of a central directory record. Those that do not fit 32 bits stand in an extra
 * field, in this order, each only when its short form is all ones.
 */
function entrySizes(view: DataView, record: number, extra: number, extraEnd: number): number[] {
  const values = [
    view.getUint32(record + 24, true),
    view.getUint32(record + 20, true),
    view.getUint32(record + 42, true),
  ];
  if (!values.includes(MAX32)) return values;
  for (let field = extra; field + 4 <= extraEnd;) {
    const bytes = view.getUint16(field + 2, true);
    if (view.getUint16(field, true) === 1) {
      let next = field + 4;
      for (const [i, value] of values.entries()) {
        if (value !== MAX32) continue;
        if (next + 8 > Math.min(field + 4 + bytes, extraEnd)) break;
        values[i] = size64(view, next);
        next += 8;
      }
      return values;
    }
    field += 4 + bytes;
  }
  return values;
}

/**
 * Lists the files of a zip archive without unpacking any.
 *
 * @throws {DecodeError} when `bytes` is no zip archive, is damaged, or uses encryption or a
 *   compression other than deflate
 * @throws {LimitError} when the entries declare more than `maxBytes` together
 */
export function listZip(bytes: Uint8Array, options: ListZipOptions = {}): ZipEntry[] {
  const { maxBytes = 2 ** 30 } = options;
  const view = viewOf(bytes);
  if (bytes.length < END_BYTES) throw corrupt(`${bytes.length} bytes are too few`);
  const { offset: first, count } = findDirectory(view);
  const entries: ZipEntry[] = [];
  const utf8 = new TextDecoder();
  let record = first;
  let total = 0;
  for (let i = 0; i < count; i++) {
    if (record + CENTRAL_BYTES > bytes.length || view.getUint32(record, true) !== CENTRAL) {
      throw corrupt(`its directory ends after ${i} of ${count} entries`);
    }
    const nameBytes = view.getUint16(record + 28, true);
    const extra = record + CENTRAL_BYTES + nameBytes;
    const extraEnd = extra + view.getUint16(record + 30, true);
    const next = extraEnd + view.getUint16(record + 32, true);
    if (next > bytes.length) throw corrupt("its directory is cut off");
    const name = utf8.decode(bytes.subarray(record + CENTRAL_BYTES, extra));
    const flags = view.getUint16(record + 8, true);
    const method = view.getUint16(record + 10, true);
    if ((flags & ENCRYPTED) !== 0) throw corrupt(`"${name}" is encrypted`);
    if (method !== STORED && method !== DEFLATED) {
      throw corrupt(`"${name}" uses compression method ${method}`);
    }
    const [size, packedSize, offset] = entrySizes(view, record, extra, extraEnd) as [
      number,
      number,
      number,
    ];
    total += size;
    if (total > maxBytes) {
      throw new LimitError(
        `Cannot read zip archive: its entries declare over ${total} bytes, limit is ${maxBytes}`,
      );
    }
    const crc = view.getUint32(record + 16, true);
    entries.push({ name, size, packedSize, deflated: method === DEFLATED, crc32: crc, offset });
    record = next;
  }
  return entries;
}

/**
 * Unpacks one file of an archive. A stored file is returned as a view into `bytes`.
 *
 * @param entry from {@linkcode listZip} on the same bytes
 * @throws {DecodeError} when the entry is damaged: cut off, of another size than declared, or of
 *   another checksum
 */
export function readZipEntry(bytes: Uint8Array, entry: ZipEntry): Uint8Array {
  const { name, size, packedSize, offset } = entry;
  const view = viewOf(bytes);
  if (offset + LOCAL_BYTES > bytes.length || view.getUint32(offset, true) !== LOCAL) {
    throw corrupt(`"${name}" is not where the directory says`);
  }
  const start = offset + LOCAL_BYTES + view.getUint16(offset + 26, true) +
    view.getUint16(offset + 28, true);
  if (start + packedSize > bytes.length) throw corrupt(`"${name}" is cut off`);
  const packed = bytes.subarray(start, start + packedSize);
  let data = packed;
  if (entry.deflated) {
    try {
      const inflated = inflateRawSync(packed, { maxOutputLength: Math.max(1, size) });
      // A plain view, since a Buffer's own slice() does not copy as an array's does.
      data = new Uint8Array(inflated.buffer, inflated.byteOffset, inflated.length);
    } catch (cause) {
      throw new DecodeError(`Cannot read zip archive: "${name}" does not inflate`, { cause });
    }
  }
  if (data.length !== size) throw corrupt(`"${name}" has ${data.length} bytes, not ${size}`);
  if (crc32(data) !== entry.crc32) throw corrupt(`"${name}" fails its checksum`);
  return data;
}

/**
 * Packs files into a zip archive. The same files give the same bytes: no times are stored.
 *
 * @throws {RangeError} when there are more than 65534 files or the archive would reach 4 GiB
 */
export function encodeZip(
  files: Readonly<Record<string, Uint8Array>>,
  options: EncodeZipOptions = {},
): Uint8Array {
  const { compress = false } = options;
  const utf8 = new TextEncoder();
  const entries = Object.entries(files).map(([name, data]) => ({
    name: utf8.encode(name),
    data,
    packed: compress ? deflateRawSync(data) : data,
    offset: 0,
  }));
  let total = END_BYTES;
  for (const { name, packed } of entries) {
    if (name.length > MAX16) throw new RangeError("Cannot write zip archive: a name is too long");
    total += LOCAL_BYTES + CENTRAL_BYTES + 2 * name.length + packed.length;
  }
  const raw = entries.reduce((largest, { data }) => Math.max(largest, data.length), 0);
  if (entries.length >= MAX16 || total >= MAX32 || raw >= MAX32) {
    throw new RangeError(
      `Cannot write zip archive: ${entries.length} files of ${total} bytes are too many`,
    );
  }

  const out = new Uint8Array(total);
  const view = viewOf(out);
  let at = 0;
  // The fields from "version needed" to "extra length", alike in both kinds of header.
  const writeShared = (entry: typeof entries[number], crc: number) => {
    const plain = entry.name.every((byte) => byte < 128);
    view.setUint16(at, 20, true);
    view.setUint16(at + 2, plain ? 0 : UTF8_NAMES, true);
    view.setUint16(at + 4, compress ? DEFLATED : STORED, true);
    view.setUint16(at + 8, DATE, true);
    view.setUint32(at + 10, crc, true);
    view.setUint32(at + 14, entry.packed.length, true);
    view.setUint32(at + 18, entry.data.length, true);
    view.setUint16(at + 22, entry.name.length, true);
    at += 26;
  };
  const sums = entries.map(({ data }) => crc32(data));
  for (const [i, entry] of entries.entries()) {
    entry.offset = at;
    view.setUint32(at, LOCAL, true);
    at += 4;
    writeShared(entry, sums[i]!);
    out.set(entry.name, at);
    out.set(entry.packed, at + entry.name.length);
    at += entry.name.length + entry.packed.length;
  }
  const directory = at;
  for (const [i, entry] of entries.entries()) {
    view.setUint32(at, CENTRAL, true);
    view.setUint16(at + 4, 20, true);
    at += 6;
    writeShared(entry, sums[i]!);
    // Comment length, disk, and attributes stay zero.
    view.setUint32(at + 10, entry.offset, true);
    out.set(entry.name, at + 14);
    at += 14 + entry.name.length;
  }
  view.setUint32(at, END, true);
  view.setUint16(at + 8, entries.length, true);
  view.setUint16(at + 10, entries.length, true);
  view.setUint32(at + 12, at - directory, true);
  view.setUint32(at + 16, directory, true);
  return out;
}
