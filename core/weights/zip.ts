/**
 * Reads ZIP archives held in memory: PyTorch's checkpoints and Python wheels are such.
 *
 * Entries are found through the central directory at the end of the file, never by scanning, and
 * every size the archive declares is checked against the bytes that are there before memory is
 * asked for. Stored entries are handed out as views without a copy. Follows PKWARE's APPNOTE 6.3,
 * with zip64; no encryption, no archives in several parts.
 */

import { crc32, inflateRawSync } from "node:zlib";
import { DecodeError, LimitError } from "../errors.ts";
import { printable } from "./printable.ts";

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_OF_DIRECTORY = 0x06054b50;
const END_OF_DIRECTORY_64 = 0x06064b50;
const DIRECTORY_LOCATOR_64 = 0x07064b50;
const ZIP64_EXTRA = 0x0001;
const STORED = 0;
const DEFLATED = 8;

/** One file of an archive. Sizes are those declared, already checked to fit into the archive. */
export interface ZipEntry {
  readonly name: string;
  /** Uncompressed size in bytes. */
  readonly size: number;
  /** Bytes it takes in the archive. */
  readonly compressedSize: number;
  /** Whether it is stored without compression. */
  readonly stored: boolean;
  readonly crc32: number;
  /** Offset of its data in the archive. */
  readonly offset: number;
}

/** Whether `bytes` start like a ZIP archive. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && viewOf(bytes).getUint32(0, true) === LOCAL_HEADER;
}

/**
 * Lists an archive. Of entries with the same name the last counts, as in Python's zipfile.
 *
 * @param options.maxEntries Default 100 000.
 * @throws {DecodeError} when the archive is damaged or its sizes do not fit together.
 * @throws {LimitError} when it has more entries than allowed.
 */
export function listZip(
  bytes: Uint8Array,
  options: { maxEntries?: number } = {},
): Map<string, ZipEntry> {
  const { maxEntries = 100_000 } = options;
  const view = viewOf(bytes);
  const directory = findDirectory(bytes, view);
  if (directory.count > maxEntries) {
    throw new LimitError(
      `Cannot read archive: it has ${directory.count} entries, limit is ${maxEntries}`,
    );
  }
  const decoder = new TextDecoder();
  const entries = new Map<string, ZipEntry>();
  let at = directory.offset;
  for (let i = 0; i < directory.count; i++) {
    if (at + 46 > directory.end || view.getUint32(at, true) !== CENTRAL_HEADER) {
      throw damaged("its directory is damaged");
    }
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const commentLength = view.getUint16(at + 32, true);
    const next = at + 46 + nameLength + extraLength + commentLength;
    if (next > directory.end) throw damaged("its directory is damaged");
    const name = decoder.decode(bytes.subarray(at + 46, at + 46 + nameLength));
    entries.set(name, readEntryHeader(bytes, view, at, name, directory.offset));
    at = next;
  }
  return entries;
}

/**
 * The bytes of one entry: a view for a stored entry, else a new array of exactly `entry.size`.
 *
 * @param options.maxSize The most bytes to inflate to. Default 2^31 - 1.
 * @param options.checkCrc Whether to compare the CRC-32. Default true.
 * @throws {DecodeError} when the data is damaged. @throws {LimitError} when it is too large.
 */
export function readZipEntry(
  bytes: Uint8Array,
  entry: ZipEntry,
  options: { maxSize?: number; checkCrc?: boolean } = {},
): Uint8Array {
  const { maxSize = 2 ** 31 - 1, checkCrc = true } = options;
  const packed = bytes.subarray(entry.offset, entry.offset + entry.compressedSize);
  const data = entry.stored ? packed : inflate(packed, entry, maxSize);
  if (checkCrc && crc32(data) !== entry.crc32) {
    throw damaged(`entry ${printable(entry.name)} is damaged (its checksum differs)`);
  }
  return data;
}

function inflate(packed: Uint8Array, entry: ZipEntry, maxSize: number): Uint8Array {
  if (entry.size > maxSize) {
    throw new LimitError(
      `Cannot read archive: entry ${
        printable(entry.name)
      } is ${entry.size} bytes, limit is ${maxSize}`,
    );
  }
  let data: Uint8Array;
  try {
    // The limit makes an entry that inflates to more than it declares fail at that point.
    data = inflateRawSync(packed, { maxOutputLength: Math.max(1, entry.size) });
  } catch (error) {
    throw new DecodeError(`Cannot read archive: entry ${printable(entry.name)} does not inflate`, {
      cause: error,
    });
  }
  if (data.length !== entry.size) {
    throw damaged(`entry ${printable(entry.name)} has ${data.length} bytes, not ${entry.size}`);
  }
  return data;
}

interface Directory {
  readonly offset: number;
  readonly end: number;
  readonly count: number;
}

function findDirectory(bytes: Uint8Array, view: DataView): Directory {
  // The end record is 22 bytes plus a comment of at most 65535.
  const lowest = Math.max(0, bytes.length - 22 - 0xffff);
  let at = bytes.length - 22;
  while (at >= lowest && view.getUint32(at, true) !== END_OF_DIRECTORY) at--;
  if (at < lowest) throw damaged("it has no directory; the file may be cut off");

  let count = view.getUint16(at + 10, true);
  let size = view.getUint32(at + 12, true);
  let offset = view.getUint32(at + 16, true);
  const locator = at - 20;
  if (locator >= 0 && view.getUint32(locator, true) === DIRECTORY_LOCATOR_64) {
    const end64 = uint64(view, locator + 8);
    if (end64 + 56 > locator || view.getUint32(end64, true) !== END_OF_DIRECTORY_64) {
      throw damaged("its zip64 directory is damaged");
    }
    count = uint64(view, end64 + 32);
    size = uint64(view, end64 + 40);
    offset = uint64(view, end64 + 48);
  }
  // 46 bytes are the least a directory entry takes.
  if (offset + size > at || count * 46 > size) throw damaged("its directory is damaged");
  return { offset, end: offset + size, count };
}

function readEntryHeader(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  name: string,
  directoryOffset: number,
): ZipEntry {
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  if ((flags & 1) !== 0) throw damaged(`entry ${printable(name)} is encrypted`);
  if (method !== STORED && method !== DEFLATED) {
    throw damaged(`entry ${printable(name)} is compressed in an unknown way (${method})`);
  }
  const sizes = readSizes(bytes, view, at);
  const { size, compressedSize, header } = sizes;
  if (header + 30 > directoryOffset || view.getUint32(header, true) !== LOCAL_HEADER) {
    throw damaged(`entry ${printable(name)} has no header`);
  }
  // The lengths of name and extra field may differ from those in the directory.
  const offset = header + 30 + view.getUint16(header + 26, true) +
    view.getUint16(header + 28, true);
  if (offset + compressedSize > directoryOffset) {
    throw damaged(`entry ${printable(name)} claims ${compressedSize} bytes, more than there are`);
  }
  if (method === STORED && size !== compressedSize) {
    throw damaged(`entry ${printable(name)} is stored, but claims two different sizes`);
  }
  return {
    name,
    size,
    compressedSize,
    stored: method === STORED,
    crc32: view.getUint32(at + 16, true),
    offset,
  };
}

/** Sizes and header offset of a directory entry; those too large for 32 bits stand in its extra field. */
function readSizes(
  bytes: Uint8Array,
  view: DataView,
  at: number,
): { size: number; compressedSize: number; header: number } {
  let compressedSize = view.getUint32(at + 20, true);
  let size = view.getUint32(at + 24, true);
  let header = view.getUint32(at + 42, true);
  const MAX = 0xffffffff;
  if (size !== MAX && compressedSize !== MAX && header !== MAX) {
    return { size, compressedSize, header };
  }
  let field = at + 46 + view.getUint16(at + 28, true);
  const end = Math.min(bytes.length, field + view.getUint16(at + 30, true));
  while (field + 4 <= end && view.getUint16(field, true) !== ZIP64_EXTRA) {
    field += 4 + view.getUint16(field + 2, true);
  }
  let value = field + 4;
  const take = (): number => {
    if (value + 8 > end) throw damaged("a zip64 size is missing");
    value += 8;
    return uint64(view, value - 8);
  };
  if (size === MAX) size = take();
  if (compressedSize === MAX) compressedSize = take();
  if (header === MAX) header = take();
  return { size, compressedSize, header };
}

/** A 64-bit number; beyond 2^53 it is rounded, and larger than any file all the same. */
function uint64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(what: string): DecodeError {
  return new DecodeError(`Cannot read archive: ${what}`);
}
