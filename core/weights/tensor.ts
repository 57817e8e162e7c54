/**
 * Tensors as files of weights hold them: a window (offset, sizes, strides) onto a storage, which
 * several tensors may share.
 */

import { DecodeError } from "../errors.ts";

/** Element types of stored tensors. */
export type WeightDtype =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int64"
  | "int32"
  | "int16"
  | "int8"
  | "uint8"
  | "bool";

/** What `WeightTensor.data` can be; `bfloat16` values are kept as their 16 bits, `bool` as 0 or 1. */
export type WeightData =
  | Float32Array
  | Float64Array
  | Float16Array
  | Uint16Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array;

/** A named parameter or buffer of a network. */
export interface WeightTensor {
  /** Sizes, slowest dimension first; `[]` for a scalar. */
  readonly shape: readonly number[];
  readonly dtype: WeightDtype;
  /**
   * The values in their stored type, row major, exactly as many as `shape` says. Tensors that share
   * a storage share memory, possibly that of the file itself: treat as read only.
   */
  readonly data: WeightData;
}

interface ArrayType {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): WeightData;
  new (length: number): WeightData;
}

const ARRAY_TYPES: Readonly<Record<WeightDtype, ArrayType>> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Float16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

/** Bytes per element of a type. */
export function bytesPerElement(dtype: WeightDtype): number {
  return ARRAY_TYPES[dtype].BYTES_PER_ELEMENT;
}

/**
 * A tensor's values as float32: the array itself where they are float32 already, else a copy.
 * float16 and bfloat16 convert exactly; float64 and integers round to the nearest float32.
 */
export function toFloat32(tensor: WeightTensor): Float32Array {
  const { data, dtype } = tensor;
  if (data instanceof Float32Array) return data;
  if (data instanceof BigInt64Array) return Float32Array.from(data, Number);
  if (dtype !== "bfloat16") return Float32Array.from(data);
  // A bfloat16 is the upper half of a float32.
  const bits = new Uint32Array(data.length);
  for (let i = 0; i < bits.length; i++) bits[i] = (data as Uint16Array)[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** A run of elements of one type, of which tensors are windows. */
export class WeightStorage {
  #bytes: Uint8Array | undefined;
  #values: WeightData | undefined;
  #bigEndian = false;

  constructor(readonly dtype: WeightDtype, readonly length: number) {}

  get byteLength(): number {
    return this.length * bytesPerElement(this.dtype);
  }

  /** Whether `attach` has been called. */
  get attached(): boolean {
    return this.#bytes !== undefined;
  }

  /** Gives the storage its bytes, `byteLength` of them. */
  attach(bytes: Uint8Array, bigEndian: boolean): void {
    if (bytes.length !== this.byteLength) {
      throw new RangeError(`Cannot attach ${bytes.length} bytes, not ${this.byteLength}`);
    }
    this.#bytes = bytes;
    this.#bigEndian = bigEndian;
  }

  /** All elements: a view of the attached bytes where alignment and byte order permit. */
  get values(): WeightData {
    if (this.#values === undefined) {
      if (this.#bytes === undefined) throw new TypeError("Cannot read a storage without bytes");
      const type = ARRAY_TYPES[this.dtype];
      const size = type.BYTES_PER_ELEMENT;
      const swap = this.#bigEndian && size > 1;
      const bytes = swap || this.#bytes.byteOffset % size !== 0
        ? Uint8Array.from(this.#bytes)
        : this.#bytes;
      if (swap) reverseEach(bytes, size);
      this.#values = new type(bytes.buffer, bytes.byteOffset, this.length);
    }
    return this.#values;
  }
}

/** Reverses every group of `size` bytes in place. */
function reverseEach(bytes: Uint8Array, size: number): void {
  for (let start = 0; start < bytes.length; start += size) {
    bytes.subarray(start, start + size).reverse();
  }
}

/** A window onto a storage. Its values are looked up, and gathered if need be, when first read. */
export class StoredTensor implements WeightTensor {
  readonly #storage: WeightStorage;
  readonly #offset: number;
  readonly #strides: readonly number[];
  #data: WeightData | undefined;

  /** Whether the values lie in the storage one after the other. */
  readonly contiguous: boolean;
  /** Number of elements. */
  readonly length: number;

  /**
   * @param shape Sizes; `strides` (in elements) and `offset` are PyTorch's.
   * @throws {DecodeError} when the window does not lie inside the storage.
   */
  constructor(
    storage: WeightStorage,
    offset: number,
    readonly shape: readonly number[],
    strides: readonly number[],
  ) {
    this.#storage = storage;
    this.#offset = offset;
    this.#strides = strides;
    const extent = measure(shape, strides);
    if (offset + extent.span > storage.length) {
      throw new DecodeError(
        `Cannot read checkpoint: a tensor of shape [${shape.join(", ")}] reaches element ` +
          `${offset + extent.span} of a storage of ${storage.length}`,
      );
    }
    this.length = extent.length;
    this.contiguous = extent.contiguous;
  }

  get dtype(): WeightDtype {
    return this.#storage.dtype;
  }

  get data(): WeightData {
    this.#data ??= this.contiguous
      ? this.#storage.values.subarray(this.#offset, this.#offset + this.length)
      : this.#gather();
    return this.#data;
  }

  #gather(): WeightData {
    const source = this.#storage.values;
    const target = new ARRAY_TYPES[this.dtype](this.length);
    const rank = this.shape.length;
    const index = new Array<number>(rank).fill(0);
    let from = this.#offset;
    for (let to = 0; to < target.length; to++) {
      target[to] = source[from]!;
      for (let d = rank - 1; d >= 0; d--) {
        from += this.#strides[d]!;
        if (++index[d]! < this.shape[d]!) break;
        from -= this.#strides[d]! * this.shape[d]!;
        index[d] = 0;
      }
    }
    return target;
  }
}

/** Distances of a row-major tensor's neighbours along each dimension, in elements. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= Math.max(1, shape[axis]!);
  }
  return strides;
}

/** Element count, distance from the first to behind the last element, and whether it has no holes. */
function measure(
  shape: readonly number[],
  strides: readonly number[],
): { length: number; span: number; contiguous: boolean } {
  let length = 1;
  let last = 0;
  let contiguous = true;
  for (let d = shape.length - 1; d >= 0; d--) {
    const size = shape[d]!;
    if (size > 1 && strides[d] !== length) contiguous = false;
    last += (size - 1) * strides[d]!;
    length *= size;
  }
  return length === 0
    ? { length: 0, span: 0, contiguous: true }
    : { length, span: last + 1, contiguous };
}
