/**
 * Reads and writes safetensors: a length, a JSON header that gives every tensor its type, shape and
 * place, and the values one after the other (https://github.com/huggingface/safetensors).
 */

import { DecodeError, LimitError, UnsupportedFormatError } from "../errors.ts";
import type { StateDict } from "./state_dict.ts";
import {
  bytesPerElement,
  rowMajorStrides,
  StoredTensor,
  type WeightData,
  type WeightDtype,
  WeightStorage,
  type WeightTensor,
} from "./tensor.ts";

/** Names of element types in the header. */
const DTYPES: ReadonlyMap<string, WeightDtype> = new Map([
  ["F64", "float64"],
  ["F32", "float32"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["I64", "int64"],
  ["I32", "int32"],
  ["I16", "int16"],
  ["I8", "int8"],
  ["U8", "uint8"],
  ["BOOL", "bool"],
]);
const NAMES = new Map([...DTYPES].map(([name, dtype]) => [dtype, name]));

/** Bytes of the header's length. */
const LENGTH_BYTES = 8;
const METADATA = "__metadata__";
/** More dimensions than any framework allows. */
const MAX_RANK = 64;

/** Options of {@linkcode readSafetensors}. */
export interface ReadSafetensorsOptions {
  /** Largest header, in bytes. Default 64 MiB; a network of 1000 tensors has 100 KB. */
  readonly maxHeaderBytes?: number;
}

/** What a file holds. */
export interface Safetensors {
  readonly tensors: Map<string, WeightTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Whether bytes may be a safetensors file: a header that starts as JSON where the length says.
 * Checkpoints of PyTorch never do.
 */
export function isSafetensors(bytes: Uint8Array): boolean {
  if (bytes.length < LENGTH_BYTES + 2) return false;
  const length = headerLength(bytes);
  return length >= 2n && length <= bytes.length - LENGTH_BYTES && bytes[LENGTH_BYTES] === 0x7b;
}

/**
 * The tensors of a file, in the order of its header. Most of them are views of `bytes`: keep the array
 * unchanged as long as they are in use.
 *
 * @throws {UnsupportedFormatError} when the bytes are no such file, or have elements of other types.
 * @throws {DecodeError} when the file is damaged: places that overlap, leave gaps, lie outside the file
 *   or do not fit the shapes.
 * @throws {LimitError} when the header is larger than the limit.
 */
export function readSafetensors(
  bytes: Uint8Array,
  { maxHeaderBytes = 64 * 2 ** 20 }: ReadSafetensorsOptions = {},
): Safetensors {
  if (!isSafetensors(bytes)) {
    throw new UnsupportedFormatError("Cannot read safetensors: not such a file, or cut off");
  }
  const length = Number(headerLength(bytes));
  if (length > maxHeaderBytes) {
    throw new LimitError(
      `Cannot read safetensors: its header is ${length} bytes, limit is ${maxHeaderBytes}`,
    );
  }
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
  const data = bytes.subarray(LENGTH_BYTES + length);
  const metadata = new Map<string, string>();
  const tensors = new Map<string, WeightTensor>();
  const places: (readonly [start: number, end: number])[] = [];
  for (const [name, entry] of header) {
    if (name === METADATA) {
      for (const [key, text] of Object.entries(asObject(entry, METADATA))) {
        if (typeof text !== "string") throw damaged(`its metadata ${quote(key)} is no text`);
        metadata.set(key, text);
      }
      continue;
    }
    const { dtype, shape, start, end } = readEntry(name, entry, data.length);
    places.push([start, end]);
    const storage = new WeightStorage(dtype, (end - start) / bytesPerElement(dtype));
    storage.attach(data.subarray(start, end), false);
    tensors.set(name, new StoredTensor(storage, 0, shape, rowMajorStrides(shape)));
  }
  checkPlaces(places, data.length);
  return { tensors, metadata };
}

function headerLength(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
}

function parseHeader(bytes: Uint8Array): [string, unknown][] {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new DecodeError("Cannot read safetensors: its header is no JSON", { cause });
  }
  return Object.entries(asObject(header, "its header"));
}

function readEntry(name: string, value: unknown, dataLength: number) {
  const entry = asObject(value, quote(name));
  const { dtype: type, shape, data_offsets: offsets } = entry;
  if (typeof type !== "string") throw damaged(`${quote(name)} has no dtype`);
  const dtype = DTYPES.get(type);
  if (dtype === undefined) {
    throw new UnsupportedFormatError(
      `Cannot read safetensors: ${quote(name)} has elements of type ${quote(type)}`,
    );
  }
  if (!isSizes(shape) || shape.length > MAX_RANK) throw damaged(`${quote(name)} has no shape`);
  if (!isSizes(offsets) || offsets.length !== 2) throw damaged(`${quote(name)} has no place`);
  const [start, end] = offsets as [number, number];
  if (start > end || end > dataLength) {
    throw damaged(`${quote(name)} lies at ${start}..${end} of ${dataLength} bytes`);
  }
  let size = bytesPerElement(dtype);
  for (const side of shape) size *= side;
  if (size !== end - start) {
    throw damaged(`${quote(name)} has ${end - start} bytes, its shape wants ${size}`);
  }
  return { dtype, shape, start, end };
}

/** The tensors must fill the data without gaps and without overlap, as the format demands. */
function checkPlaces(places: (readonly [number, number])[], length: number): void {
  places.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let reached = 0;
  for (const [start, end] of places) {
    if (start !== reached) {
      throw damaged(start < reached ? "tensors overlap" : `bytes ${reached}..${start} are unused`);
    }
    reached = end;
  }
  if (reached !== length) throw damaged(`bytes ${reached}..${length} are unused`);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw damaged(`${what} is no object`);
}

/** A name from a file, short enough for a message. */
function quote(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}

function damaged(what: string): DecodeError {
  return new DecodeError(`Cannot read safetensors: ${what}`);
}

/** Options of {@linkcode writeSafetensors}. */
export interface WriteSafetensorsOptions {
  /** Texts for the header. Default: `format: "pt"`, which Python's libraries look for. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Tensors as the bytes of a file; the same tensors in the same order give the same bytes. Types with
 * larger elements come first, so that all of them are aligned. A tensor under two names is written twice.
 *
 * @throws {TypeError} when a tensor is named like the metadata.
 */
export function writeSafetensors(
  tensors: StateDict,
  { metadata = { format: "pt" } }: WriteSafetensorsOptions = {},
): Uint8Array<ArrayBuffer> {
  if (tensors.has(METADATA)) {
    throw new TypeError(`Cannot write safetensors: "${METADATA}" is taken`);
  }
  const sorted = [...tensors].sort(([, a], [, b]) =>
    bytesPerElement(b.dtype) - bytesPerElement(a.dtype)
  );
  const entries: [string, unknown][] = [[METADATA, metadata]];
  let length = 0;
  for (const [name, { dtype, shape, data }] of sorted) {
    const end = length + data.byteLength;
    entries.push([name, { dtype: NAMES.get(dtype)!, shape, data_offsets: [length, end] }]);
    length = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerBytes = Math.ceil(text.length / LENGTH_BYTES) * LENGTH_BYTES;
  const file = new Uint8Array(LENGTH_BYTES + headerBytes + length);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  file.set(text, LENGTH_BYTES);
  let at = LENGTH_BYTES + headerBytes;
  for (const [, { data }] of sorted) {
    file.set(bytesOf(data), at);
    at += data.byteLength;
  }
  return file;
}

function bytesOf(data: WeightData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
