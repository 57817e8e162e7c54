/**
 * Tensors as plain data, and how they are stored in ONNX files.
 *
 * Element types carry the names ONNX Runtime uses (`new ort.Tensor(dtype, data, dims)`).
 */

import { create } from "@bufbuild/protobuf";
import {
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType as Code,
  TensorProtoSchema,
} from "./onnx_pb.ts";

/** The element types this project uses, by ONNX Runtime's names. */
export type DataType =
  | "float32"
  | "float64"
  | "float16"
  | "int64"
  | "int32"
  | "int16"
  | "int8"
  | "uint16"
  | "uint8"
  | "bool";

/** The typed arrays that hold tensor elements. `bool` is kept as `Uint8Array` of 0 and 1. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Float16Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint16Array
  | Uint8Array;

/** A tensor at rest: element type, sizes (row major) and elements. */
export interface TensorData {
  readonly dtype: DataType;
  /** One entry per axis; empty for a scalar. */
  readonly shape: readonly number[];
  /** Length is exactly the product of `shape`. */
  readonly data: TypedArray;
}

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Float16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

const codes: Record<DataType, Code> = {
  float32: Code.FLOAT,
  float64: Code.DOUBLE,
  float16: Code.FLOAT16,
  int64: Code.INT64,
  int32: Code.INT32,
  int16: Code.INT16,
  int8: Code.INT8,
  uint16: Code.UINT16,
  uint8: Code.UINT8,
  bool: Code.BOOL,
};

const names = new Map<number, DataType>(
  Object.entries(codes).map(([name, code]) => [code, name as DataType]),
);

/** The number that stands for an element type in ONNX files. */
export function dataTypeCode(dtype: DataType): number {
  return codes[dtype];
}

/** The element type a number in an ONNX file stands for; `TypeError` for those not used here. */
export function dataTypeFromCode(code: number): DataType {
  const dtype = names.get(code);
  if (!dtype) throw new TypeError(`Cannot use ONNX element type ${Code[code] ?? code}`);
  return dtype;
}

/** The element type a typed array holds (`Uint8Array` counts as `uint8`, not `bool`). */
export function dataTypeOf(data: TypedArray): DataType {
  for (const [dtype, array] of Object.entries(arrays)) {
    if (data instanceof array) return dtype as DataType;
  }
  throw new TypeError(`Cannot hold tensor elements in ${Object.prototype.toString.call(data)}`);
}

/** Whether the elements are floating-point numbers. */
export function isFloat(dtype: DataType): boolean {
  return dtype === "float32" || dtype === "float64" || dtype === "float16";
}

/**
 * Makes a tensor from elements and sizes, converting plain numbers to `dtype`.
 *
 * @throws {TypeError} when the number of elements does not fit `shape`, or `dtype` does not fit
 * the typed array given.
 */
export function tensorData(
  data: TypedArray | readonly number[],
  shape: readonly number[],
  dtype?: DataType,
): TensorData {
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (data.length !== size) {
    throw new TypeError(`Cannot shape ${data.length} elements as [${shape}]: it holds ${size}`);
  }
  if (Array.isArray(data)) return fromNumbers(data, shape, dtype ?? "float32");
  const elements = data as TypedArray;
  const held = dataTypeOf(elements);
  const type = dtype ?? held;
  if (held !== type && !(held === "uint8" && type === "bool")) {
    throw new TypeError(`Cannot use ${held} elements as ${type}`);
  }
  return { dtype: type, shape: [...shape], data: elements };
}

function fromNumbers(data: readonly number[], shape: readonly number[], dtype: DataType) {
  const elements = dtype === "int64"
    ? BigInt64Array.from(data, BigInt)
    : new arrays[dtype](data as number[]);
  return { dtype, shape: [...shape], data: elements };
}

/** The elements as plain numbers; int64 beyond 2⁵³ loses precision. */
export function toNumbers(tensor: TensorData): number[] {
  return Array.from<number | bigint, number>(tensor.data, Number);
}

/** The elements of a floating-point tensor as `Float32Array` (the very array where it is one). */
export function toFloat32(tensor: TensorData): Float32Array {
  if (tensor.data instanceof Float32Array) return tensor.data;
  if (!isFloat(tensor.dtype)) throw new TypeError(`Cannot read ${tensor.dtype} as float32`);
  return new Float32Array(tensor.data as Float64Array | Float16Array);
}

/**
 * The same tensor with float16 elements, each rounded to the nearest (ties to even); magnitudes
 * of 65520 and above become infinite.
 */
export function toFloat16(tensor: TensorData): TensorData {
  if (!isFloat(tensor.dtype)) throw new TypeError(`Cannot convert ${tensor.dtype} to float16`);
  return { ...tensor, dtype: "float16", data: new Float16Array(tensor.data as Float32Array) };
}

/** The bytes behind a typed array, without a copy. */
export function bytesOf(data: TypedArray): Uint8Array<ArrayBuffer> {
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
}

/** A tensor as an ONNX message, elements in `raw_data`. The elements are not copied. */
export function encodeTensor(tensor: TensorData, name = ""): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: tensor.shape.map(BigInt),
    dataType: codes[tensor.dtype],
    rawData: bytesOf(tensor.data),
  });
}

/**
 * Reads a tensor of an ONNX file, whichever of the format's storage forms it uses.
 *
 * @throws {TypeError} for element types not used here and for tensors kept in a second file.
 * @throws {SyntaxError} when the number of elements does not fit the sizes.
 */
export function decodeTensor(proto: TensorProto): TensorData {
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL) {
    throw new TypeError(`Cannot read tensor "${proto.name}": its elements are in another file`);
  }
  const dtype = dataTypeFromCode(proto.dataType);
  const shape = proto.dims.map(Number);
  const size = shape.reduce((product, dim) => product * dim, 1);
  const data = proto.rawData.length > 0 ? fromRaw(proto.rawData, dtype) : fromLists(proto, dtype);
  if (data.length !== size) {
    throw new SyntaxError(
      `Cannot read tensor "${proto.name}": ${data.length} elements for shape [${shape}]`,
    );
  }
  return { dtype, shape, data };
}

function fromRaw(raw: Uint8Array, dtype: DataType): TypedArray {
  const array = arrays[dtype];
  // A copy, because elements in a file are rarely aligned to their size.
  const copy = raw.slice();
  if (copy.byteLength % array.BYTES_PER_ELEMENT !== 0) {
    throw new SyntaxError(`Cannot read ${copy.byteLength} bytes as ${dtype}`);
  }
  return new array(copy.buffer);
}

function fromLists(proto: TensorProto, dtype: DataType): TypedArray {
  switch (dtype) {
    case "float32":
      return Float32Array.from(proto.floatData);
    case "float64":
      return Float64Array.from(proto.doubleData);
    case "int64":
      return BigInt64Array.from(proto.int64Data);
    case "float16": // the bits, one half-word per list entry
      return new Float16Array(Uint16Array.from(proto.int32Data).buffer);
    default:
      return arrays[dtype].from(proto.int32Data);
  }
}
