/**
 * NumPy's array files: `.npy` (one array) and `.npz` (a zip archive of them), as `numpy.load` reads
 * and `numpy.save`, `savez` and `savez_compressed` write them. Arrays of Python objects, which would
 * be pickles, are refused.
 */

import { Buffer } from "node:buffer";
import { DecodeError } from "./errors.ts";
import { encodeZip, listZip, readZipEntry } from "./zip.ts";

/** The typed arrays an `.npy` file can hold. */
export type NpyData =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array;

/** The element types that are written, in NumPy's notation. */
export type NpyDtype =
  | "<f4"
  | "<f8"
  | "|u1"
  | "|i1"
  | "|b1"
  | "<u2"
  | "<i2"
  | "<u4"
  | "<i4"
  | "<u8"
  | "<i8";

/** An array of any number of dimensions, row major. */
export interface NpyArray {
  /** `[]` is a single number. The product is the length of `data`. */
  readonly shape: readonly number[];
  readonly data: NpyData;
  /**
   * Element type. Needed only to tell booleans (`"|b1"`, kept as 0 and 1 in a `Uint8Array`) from
   * bytes. Default: the one that goes with the class of `data`.
   */
  readonly dtype?: NpyDtype;
}

/** Options of {@linkcode encodeNpz}. */
export interface EncodeNpzOptions {
  /** Deflates the arrays, as `savez_compressed`. Default: `false`. */
  compress?: boolean;
}

/** Options of {@linkcode decodeNpz}. */
export interface DecodeNpzOptions {
  /** Most bytes all arrays together may take when unpacked. Default: 1 GiB. */
  maxBytes?: number;
}

type Constructor = {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): NpyData;
  new (buffer: ArrayBuffer): NpyData;
};

const CONSTRUCTORS: Readonly<Record<NpyDtype, Constructor>> = {
  "<f4": Float32Array,
  "<f8": Float64Array,
  "|u1": Uint8Array,
  "|i1": Int8Array,
  "|b1": Uint8Array,
  "<u2": Uint16Array,
  "<i2": Int16Array,
  "<u4": Uint32Array,
  "<i4": Int32Array,
  "<u8": BigUint64Array,
  "<i8": BigInt64Array,
};

const MAGIC = "\x93NUMPY";
/** NumPy refuses more dimensions, too. */
const MAX_DIMENSIONS = 64;
/** Headers of plain arrays are below 1 kB. */
const MAX_HEADER_BYTES = 1 << 16;

function corrupt(why: string): DecodeError {
  return new DecodeError(`Cannot decode npy: ${why}`);
}

function dtypeOf(data: NpyData): NpyDtype {
  for (const [dtype, constructor] of Object.entries(CONSTRUCTORS)) {
    if (data instanceof constructor) return dtype as NpyDtype;
  }
  throw new TypeError("Cannot encode npy: data is not one of the supported typed arrays");
}

function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * The header text. NumPy leaves room for the first dimension to grow to 21 digits, then fills up so
 * that the data begins at a multiple of 64 bytes.
 */
function headerText(dtype: NpyDtype, shape: readonly number[]): string {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const growth = shape.length === 0 ? 0 : 21 - String(shape[0]).length;
  const text = `{'descr': '${dtype}', 'fortran_order': False, 'shape': ${tuple}, }` +
    " ".repeat(growth);
  const unpadded = MAGIC.length + 4 + text.length + 1;
  return text + " ".repeat(64 - unpadded % 64) + "\n";
}

/**
 * The dtype of an array and its elements as NumPy has them in memory, row by row: as a rule the array's
 * own bytes, not copied.
 *
 * @throws {TypeError} when the shape does not fit the data, or the dtype does not
 */
export function npyElements(array: NpyArray): { dtype: NpyDtype; elements: Uint8Array } {
  const { shape, data } = array;
  const natural = dtypeOf(data);
  const dtype = array.dtype ?? natural;
  if (!(dtype in CONSTRUCTORS) || !(data instanceof CONSTRUCTORS[dtype])) {
    throw new TypeError(`Cannot encode npy: a dtype of ${natural} was expected, not "${dtype}"`);
  }
  const valid = shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!valid || shape.length > MAX_DIMENSIONS || elementCount(shape) !== data.length) {
    throw new TypeError(`Cannot encode npy: ${data.length} values do not fill (${shape})`);
  }
  const elements = dtype === "|b1"
    ? Uint8Array.from(data as Uint8Array, (value) => value ? 1 : 0)
    : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { dtype, elements };
}

/**
 * Encodes an array as an `.npy` file, equal in every byte to `numpy.save`'s.
 *
 * @throws {TypeError} when the shape does not fit the data, or the dtype does not
 */
export function encodeNpy(array: NpyArray): Uint8Array {
  const { dtype, elements } = npyElements(array);
  const header = new TextEncoder().encode(headerText(dtype, array.shape));
  const start = MAGIC.length + 4 + header.length;
  const out = new Uint8Array(start + elements.length);
  for (let i = 0; i < MAGIC.length; i++) out[i] = MAGIC.charCodeAt(i);
  out[6] = 1;
  out[8] = header.length & 255;
  out[9] = header.length >> 8;
  out.set(header, 10);
  out.set(elements, start);
  return out;
}

interface Header {
  /** As in {@linkcode NpyDtype} or `"<f2"`. */
  readonly dtype: NpyDtype | "<f2";
  readonly bigEndian: boolean;
  readonly fortranOrder: boolean;
  readonly shape: number[];
}

/** Reads the header's Python dictionary, in whatever order its three keys stand. */
function parseHeader(text: string): Header {
  const descr = /['"]descr['"]\s*:\s*(?:'([^']*)'|"([^"]*)"|(\[))/.exec(text);
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text);
  const tuple = /['"]shape['"]\s*:\s*\(([\dL,\s]*)\)/.exec(text);
  if (!descr || !order || !tuple) throw corrupt("its header lacks descr, fortran_order or shape");
  const kind = descr[1] ?? descr[2];
  if (kind === undefined) throw corrupt("it holds records (a structured dtype)");
  if (/^[|<>=]?O/.test(kind)) {
    throw corrupt("it holds Python objects (a pickle), which are never read");
  }
  const bigEndian = kind.startsWith(">");
  const code = kind.replace(/^[|<>=]/, "");
  const dtype = (code.endsWith("1") ? "|" : "<") + code as Header["dtype"];
  if (dtype !== "<f2" && !Object.hasOwn(CONSTRUCTORS, dtype)) {
    throw corrupt(`its dtype "${kind}" is not supported`);
  }
  const sizes = tuple[1]!.split(",").map((size) => size.trim());
  // One dimension is written with a comma behind it, as Python does.
  if (sizes.at(-1) === "") sizes.pop();
  const shape = sizes.map((size) => {
    const value = /^\d+L?$/.test(size) ? parseInt(size, 10) : NaN;
    if (!Number.isSafeInteger(value)) throw corrupt(`its shape (${tuple[1]}) is not valid`);
    return value;
  });
  if (shape.length > MAX_DIMENSIONS) throw corrupt(`it has ${shape.length} dimensions`);
  return { dtype, bigEndian, fortranOrder: order[1] === "True", shape };
}

/** Half precision as numbers: 1 sign bit, 5 exponent bits, 10 fraction bits. */
function halvesToFloats(halves: Uint16Array): Float32Array {
  const out = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    let value: number;
    if (exponent === 0) value = fraction * 2 ** -24;
    else if (exponent === 31) value = fraction === 0 ? Infinity : NaN;
    else value = (1 + fraction / 1024) * 2 ** (exponent - 15);
    out[i] = (half & 0x8000) === 0 ? value : -value;
  }
  return out;
}

/** Reorders column-major data to row major. */
function toRowMajor<T extends NpyData>(data: T, shape: readonly number[]): T {
  const out = data.slice() as T;
  const source = data as unknown as number[];
  const target = out as unknown as number[];
  const position = new Array<number>(shape.length).fill(0);
  const strides = shape.map((_, axis) => elementCount(shape.slice(0, axis)));
  let s = 0;
  for (let o = 0; o < out.length; o++) {
    target[o] = source[s]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      s += strides[axis]!;
      if (++position[axis]! < shape[axis]!) break;
      s -= strides[axis]! * shape[axis]!;
      position[axis] = 0;
    }
  }
  return out;
}

/**
 * Decodes an `.npy` file of format version 1, 2 or 3. Column-major arrays are reordered to row
 * major, big-endian ones swapped, half-precision ones widened to `Float32Array`; `dtype` tells what
 * `data` then is.
 *
 * @throws {DecodeError} when `bytes` is no `.npy` file, is cut off or too long, holds Python
 *   objects, or has an element type without a typed array
 */
export function decodeNpy(bytes: Uint8Array): NpyArray & { readonly dtype: NpyDtype } {
  const magic = String.fromCharCode(...bytes.subarray(0, MAGIC.length));
  if (magic !== MAGIC || bytes.length < 12) throw corrupt("it does not begin as an npy file");
  const version = bytes[6]!;
  if (version < 1 || version > 3) throw corrupt(`format version ${version} is unknown`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const headerStart = version === 1 ? 10 : 12;
  const start = headerStart + headerBytes;
  if (headerBytes > MAX_HEADER_BYTES || start > bytes.length) {
    throw corrupt(`a header of ${headerBytes} bytes is too long`);
  }
  const text = new TextDecoder().decode(bytes.subarray(headerStart, start));
  const { dtype: stored, bigEndian, fortranOrder, shape } = parseHeader(text);
  const constructor = stored === "<f2" ? Uint16Array : CONSTRUCTORS[stored];
  const wanted = elementCount(shape) * constructor.BYTES_PER_ELEMENT;
  if (wanted !== bytes.length - start) {
    throw corrupt(
      `shape (${shape}) of ${stored} takes ${wanted} bytes, not ${bytes.length - start}`,
    );
  }

  // A copy in any case: data may begin at an address that a typed array cannot.
  const copy = new Uint8Array(bytes.subarray(start)).buffer;
  if (bigEndian && constructor.BYTES_PER_ELEMENT > 1) {
    const swapped = Buffer.from(copy);
    if (constructor.BYTES_PER_ELEMENT === 2) swapped.swap16();
    else if (constructor.BYTES_PER_ELEMENT === 4) swapped.swap32();
    else swapped.swap64();
  }
  let data: NpyData = new constructor(copy);
  if (stored === "<f2") data = halvesToFloats(data as Uint16Array);
  if (fortranOrder && shape.length > 1) data = toRowMajor(data, shape);
  return { shape, data, dtype: stored === "<f2" ? "<f4" : stored };
}

/**
 * Encodes named arrays as an `.npz` archive, loadable with `numpy.load`. Same arrays, same bytes.
 *
 * @throws {TypeError} as {@linkcode encodeNpy}
 * @throws {RangeError} when the archive would reach 4 GiB
 */
export function encodeNpz(
  arrays: Readonly<Record<string, NpyArray>>,
  options: EncodeNpzOptions = {},
): Uint8Array {
  const files: [string, Uint8Array][] = Object.entries(arrays)
    .map(([name, array]) => [`${name}.npy`, encodeNpy(array)]);
  return encodeZip(Object.fromEntries(files), options);
}

/**
 * Decodes an `.npz` archive, compressed or not.
 *
 * @returns the arrays by name; the record has no prototype, so any name is safe
 * @throws {DecodeError} when the archive or one of its arrays cannot be read, or a name comes twice
 * @throws {LimitError} when the arrays declare more than `maxBytes`, before any is unpacked
 */
export function decodeNpz(
  bytes: Uint8Array,
  options: DecodeNpzOptions = {},
): Record<string, NpyArray & { readonly dtype: NpyDtype }> {
  const arrays: ReturnType<typeof decodeNpz> = Object.create(null);
  for (const entry of listZip(bytes, options)) {
    if (!entry.name.endsWith(".npy")) {
      throw new DecodeError(`Cannot decode npz: "${entry.name}" is not an array`);
    }
    const name = entry.name.slice(0, -".npy".length);
    if (name in arrays) throw new DecodeError(`Cannot decode npz: "${name}" is there twice`);
    arrays[name] = decodeNpy(readZipEntry(bytes, entry));
  }
  return arrays;
}
