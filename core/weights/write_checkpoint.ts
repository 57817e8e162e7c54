/**
 * Writes tensors as `torch.save` would write a network's `state_dict()`: a ZIP archive of one pickle and
 * the values, which `torch.load` reads, with `weights_only` too.
 */

import { encodeZip } from "../zip.ts";
import type { StateDict } from "./state_dict.ts";
import { rowMajorStrides, type WeightDtype, type WeightTensor } from "./tensor.ts";

/** PyTorch's classes of storages. */
const STORAGE_CLASSES: Readonly<Record<WeightDtype, string>> = {
  float32: "FloatStorage",
  float64: "DoubleStorage",
  float16: "HalfStorage",
  bfloat16: "BFloat16Storage",
  int64: "LongStorage",
  int32: "IntStorage",
  int16: "ShortStorage",
  int8: "CharStorage",
  uint8: "ByteStorage",
  bool: "BoolStorage",
};

/**
 * A `.pth` file of a dictionary of tensors, in their order; the same tensors give the same bytes. A
 * tensor under several names (the same object, or another of the same values in memory) is stored once,
 * and PyTorch shares it again.
 *
 * @throws {RangeError} when the file would reach 4 GiB.
 */
export function writeCheckpoint(tensors: StateDict): Uint8Array {
  const keys = new Map<ArrayBufferLike, Map<string, number>>();
  const storages: Uint8Array[] = [];
  const pickle = new PickleWriter();
  pickle.start();
  for (const [name, tensor] of tensors) {
    const { data: values } = tensor;
    const sameBuffer = keys.get(values.buffer) ?? new Map<string, number>();
    keys.set(values.buffer, sameBuffer);
    const place = `${values.byteOffset}+${values.byteLength} ${tensor.dtype}`;
    let key = sameBuffer.get(place);
    if (key === undefined) {
      key = storages.length;
      sameBuffer.set(place, key);
      storages.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
    pickle.tensor(name, tensor, String(key));
  }
  const utf8 = new TextEncoder();
  return encodeZip({
    "archive/data.pkl": pickle.finish(),
    "archive/byteorder": utf8.encode("little"),
    ...Object.fromEntries(storages.map((bytes, key) => [`archive/data/${key}`, bytes])),
    "archive/version": utf8.encode("3\n"),
  });
}

/** Opcodes of pickle protocol 2. */
const PROTO = 0x80;
const GLOBAL = 0x63;
const EMPTY_TUPLE = 0x29;
const MARK = 0x28;
const TUPLE = 0x74;
const REDUCE = 0x52;
const BINUNICODE = 0x58;
const BINPERSID = 0x51;
const LONG1 = 0x8a;
const BININT = 0x4a;
const NEWFALSE = 0x89;
const SETITEMS = 0x75;
const BINPUT_LONG = 0x72;
const BINGET_LONG = 0x6a;
const STOP = 0x2e;

/** Writes the one shape of pickle there is here: an OrderedDict from names to tensors. */
class PickleWriter {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;
  /** Names of globals already written, and where they are kept. */
  readonly #memo = new Map<string, number>();

  start(): void {
    this.#byte(PROTO, 2);
    this.#global("collections", "OrderedDict");
    this.#byte(EMPTY_TUPLE, REDUCE, MARK);
  }

  /** An entry of the dictionary; `key` names the storage, which the tensor fills. */
  tensor(name: string, { shape, dtype, data }: WeightTensor, key: string): void {
    this.#text(name);
    this.#global("torch._utils", "_rebuild_tensor_v2");
    this.#byte(MARK, MARK);
    this.#text("storage");
    this.#global("torch", STORAGE_CLASSES[dtype]);
    this.#text(key);
    this.#text("cpu");
    this.#integer(data.length);
    this.#byte(TUPLE, BINPERSID);
    this.#integer(0);
    this.#integers(shape);
    this.#integers(rowMajorStrides(shape));
    this.#byte(NEWFALSE);
    this.#global("collections", "OrderedDict");
    this.#byte(EMPTY_TUPLE, REDUCE, TUPLE, REDUCE);
  }

  finish(): Uint8Array {
    this.#byte(SETITEMS, STOP);
    return this.#bytes.slice(0, this.#length);
  }

  #integers(values: readonly number[]): void {
    this.#byte(MARK);
    for (const value of values) this.#integer(value);
    this.#byte(TUPLE);
  }

  #integer(value: number): void {
    if (value < 2 ** 31) {
      this.#byte(BININT);
      this.#uint32(value);
      return;
    }
    // Little endian, with room for the sign.
    this.#byte(LONG1, 8);
    this.#uint32(value % 2 ** 32);
    this.#uint32(Math.floor(value / 2 ** 32));
  }

  #text(value: string): void {
    const utf8 = new TextEncoder().encode(value);
    this.#byte(BINUNICODE);
    this.#uint32(utf8.length);
    this.#byte(...utf8);
  }

  #global(module: string, name: string): void {
    const text = `${module}\n${name}\n`;
    const known = this.#memo.get(text);
    if (known !== undefined) {
      this.#byte(BINGET_LONG);
      this.#uint32(known);
      return;
    }
    this.#byte(GLOBAL, ...new TextEncoder().encode(text), BINPUT_LONG);
    this.#uint32(this.#memo.size);
    this.#memo.set(text, this.#memo.size);
  }

  #uint32(value: number): void {
    this.#byte(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
  }

  #byte(...values: number[]): void {
    if (this.#length + values.length > this.#bytes.length) {
      const larger = new Uint8Array(2 * (this.#bytes.length + values.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(values, this.#length);
    this.#length += values.length;
  }
}
