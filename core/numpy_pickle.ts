/**
 * `.npy` files that hold a pickled dictionary of arrays, as `np.save(path, {"keys": …, "cam": …})` writes
 * them: the form in which IRN, Puzzle-CAM and SILOP's published code keep CAMs. Their `cam` is a PyTorch
 * tensor, beside arrays.
 *
 * A pickle can make Python do anything; here it is read by the restricted machine of `weights/pickle.ts`,
 * which is told only how NumPy rebuilds arrays and numbers, and PyTorch tensors. Written are the same
 * few operations.
 */

import { Buffer } from "node:buffer";
import { DecodeError } from "./errors.ts";
import { decodeNpy, type NpyArray, npyElements } from "./npz.ts";
import { readCheckpoint } from "./weights/checkpoint.ts";
import { PickleGlobal, type PickleHost, readPickle } from "./weights/pickle.ts";
import { PickleWriter } from "./weights/pickle_writer.ts";
import { StoredTensor, WeightStorage } from "./weights/tensor.ts";
import { TorchHost } from "./weights/torch_host.ts";

/** Files of this kind are small programs: opcodes allowed. */
const MAX_OPERATIONS = 100_000;
const MAX_RANK = 64;
/** First byte of ZIP archives. */
const ZIP_START = 0x50;
/** PyTorch's function that wraps an array into a tensor, as pickles name it. */
const FROM_NUMPY = ["torch", "from_numpy"] as const;

/**
 * Reads a pickled dictionary of arrays and tensors. Other values are refused; so are arrays of objects.
 *
 * @returns the arrays by name; the record has no prototype, so any name is safe
 * @throws {DecodeError} when the bytes are something else, or damaged, or mention anything but NumPy's
 *   arrays and PyTorch's tensors
 */
export function decodePickledDict(bytes: Uint8Array): Record<string, NpyArray> {
  const start = pickleStart(bytes);
  const { value } = readPickle(bytes, start, new NumpyHost(bytes.length));
  // np.save wraps the dictionary into an array of no dimensions.
  const dict = value instanceof Rebuilt ? value.item : value;
  if (!(dict instanceof Map)) throw corrupt("it does not hold one dictionary");
  const arrays: Record<string, NpyArray> = Object.create(null);
  for (const [name, array] of dict) {
    if (typeof name !== "string") throw corrupt("a key is no string");
    const read = array instanceof StoredTensor ? arrayOfTensor(array) : arrayIn(array);
    if (read === null) throw corrupt(`"${name}" is no array`);
    arrays[name] = read;
  }
  return arrays;
}

function corrupt(why: string): DecodeError {
  return new DecodeError(`Cannot decode npy: ${why}`);
}

/** Where the pickle begins, behind a header that must announce one object. */
function pickleStart(bytes: Uint8Array): number {
  const version = bytes[6];
  if (String.fromCharCode(...bytes.subarray(0, 6)) !== "\x93NUMPY" || bytes.length < 12) {
    throw corrupt("it does not begin as an npy file");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [first, length] = version === 1
    ? [10, view.getUint16(8, true)]
    : [12, view.getUint32(8, true)];
  const header = new TextDecoder("latin1").decode(bytes.subarray(first, first + length));
  if (!/'descr':\s*'\|O'/.test(header) || !/'shape':\s*\(\)/.test(header)) {
    throw corrupt("it does not hold one object");
  }
  return first + length;
}

/** An array under construction: NumPy makes it empty and then gives it a state. */
class Rebuilt {
  /** An array of numbers. */
  array: NpyArray | null = null;
  /** The one object in an array of no dimensions. */
  item: unknown;
}

function arrayIn(value: unknown): NpyArray | null {
  return value instanceof Rebuilt ? value.array : null;
}

/** `null` where NumPy has no such type. */
function arrayOfTensor({ shape, dtype, data }: StoredTensor): NpyArray | null {
  return dtype === "bfloat16" || data instanceof Float16Array ? null : { shape, data };
}

/** `numpy.dtype('f4', False, True)`; byte order comes as a state. */
class Dtype {
  order = "<";
  constructor(readonly code: string) {}

  /** In `.npy` notation; `null` for objects. */
  get descr(): string | null {
    return this.code.startsWith("O") ? null : (this.order === ">" ? ">" : "<") + this.code;
  }
}

/** Knows how NumPy 1 and 2 rebuild arrays, how PyTorch rebuilds tensors, and nothing else. */
class NumpyHost implements PickleHost {
  readonly maxOperations = MAX_OPERATIONS;
  readonly #globals: ReadonlyMap<string, PickleGlobal>;
  readonly #torch: TorchHost;
  /** Bytes that may still be copied out of the file. */
  #budget: number;

  /**
   * @param length Of the file. Honest files copy every byte twice at most (text of protocol 2 to bytes, bytes to
   *   an array); without a limit a few that are named again and again would ask for any amount of memory.
   */
  constructor(length: number) {
    this.#budget = 2 * length;
    this.#torch = new TorchHost(length);
    const reconstruct = () => new Rebuilt();
    const scalar = ([dtype, data]: readonly unknown[]) => this.#scalar(dtype, data);
    const calls: [string, ((args: readonly unknown[]) => unknown) | undefined][] = [
      ["numpy.ndarray", undefined],
      ["numpy.dtype", ([code]) => new Dtype(textIn(code))],
      ["numpy.core.multiarray._reconstruct", reconstruct],
      ["numpy._core.multiarray._reconstruct", reconstruct],
      ["numpy.core.multiarray.scalar", scalar],
      ["numpy._core.multiarray.scalar", scalar],
      [FROM_NUMPY.join("."), ([array]) => arrayIn(array) === null ? null : array],
      // A tensor's elements are a file of `torch.save` inside of the pickle.
      ["torch.storage._load_from_bytes", ([file]) => this.#storage(file)],
      // How protocol 2 keeps bytes in text.
      ["_codecs.encode", ([text]) => this.#spend(Buffer.from(textIn(text), "latin1"))],
    ];
    this.#globals = new Map(calls.map(([name, call]) => [name, new PickleGlobal(name, call)]));
  }

  resolveGlobal(module: string, name: string): PickleGlobal | undefined {
    return this.#globals.get(`${module}.${name}`) ?? this.#torch.resolveGlobal(module, name);
  }

  resolvePersistentId(): never {
    throw corrupt("it refers to something outside");
  }

  ignoresState(): boolean {
    return false;
  }

  /** `(version, shape, dtype, column-major, bytes)` for arrays, `(version, order, …)` for dtypes. */
  setState(value: unknown, state: unknown): boolean {
    if (!Array.isArray(state)) return false;
    if (value instanceof Dtype) {
      value.order = textIn(state[1]);
      return true;
    }
    if (!(value instanceof Rebuilt)) return false;
    const [, shape, dtype, fortran, data] = state;
    if (!(dtype instanceof Dtype) || !isShape(shape)) throw corrupt("an array has no valid state");
    if (dtype.descr !== null) {
      if (!(data instanceof Uint8Array)) throw corrupt("an array has no bytes");
      value.array = arrayOf(dtype, shape, fortran === true, this.#spend(data));
    } else if (shape.length === 0 && Array.isArray(data)) {
      value.item = data[0];
    } else throw corrupt("it holds an array of objects");
    return true;
  }

  #scalar(dtype: unknown, data: unknown): Rebuilt {
    if (!(dtype instanceof Dtype) || dtype.descr === null || !(data instanceof Uint8Array)) {
      throw corrupt("a number has no valid type");
    }
    return Object.assign(new Rebuilt(), { array: arrayOf(dtype, [], false, this.#spend(data)) });
  }

  /** PyTorch pickles a storage as a file of its format before 1.6, which needs no inflating. */
  #storage(file: unknown): WeightStorage {
    if (!(file instanceof Uint8Array)) throw corrupt("a tensor has no bytes");
    if (file[0] === ZIP_START) throw corrupt("a tensor's bytes are compressed");
    const value: unknown = readCheckpoint(this.#spend(file), { maxOperations: 1000 });
    if (!(value instanceof WeightStorage)) throw corrupt("a tensor's bytes are no storage");
    return value;
  }

  #spend(bytes: Uint8Array): Uint8Array {
    this.#budget -= bytes.length;
    if (this.#budget < 0) throw corrupt("it uses the same bytes again and again");
    return bytes;
  }
}

/** Lists are not made texts of: one that holds itself many times over would take for ever. */
function textIn(value: unknown): string {
  if (typeof value !== "string") throw corrupt("a text is none");
  return value;
}

function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= MAX_RANK &&
    value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/** By way of an `.npy` file, whose reader knows types, byte orders and column-major arrays. */
function arrayOf(dtype: Dtype, shape: number[], fortran: boolean, data: Uint8Array): NpyArray {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${dtype.descr}', 'fortran_order': ${fortran ? "True" : "False"}, ` +
    `'shape': (${sizes}), }`;
  if (text.length > 4096 || !/^[\x20-\x7e]*$/.test(text)) throw corrupt("a type has no valid name");
  const header = new TextEncoder().encode(text);
  const prefix = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0);
  const length = Uint8Array.of(header.length & 255, header.length >> 8);
  return decodeNpy(Buffer.concat([prefix, length, header, data]));
}

/** Options of {@linkcode encodePickledDict}. */
export interface EncodePickledDictOptions {
  /** Names of arrays that Python is to get as PyTorch tensors. Default: none. */
  readonly tensors?: readonly string[];
}

/**
 * Writes a dictionary of arrays as `np.save` would: `np.load(path, allow_pickle=True).item()` gives it
 * back, in any NumPy since 1.0; tensors need PyTorch beside it.
 *
 * @throws {TypeError} when a shape does not fit its data
 */
export function encodePickledDict(
  arrays: Readonly<Record<string, NpyArray>>,
  { tensors = [] }: EncodePickledDictOptions = {},
): Uint8Array {
  const pickle = new PickleWriter(3);
  writeArray(pickle, "O8", "|", [], () => {
    pickle.opcodes("]}(");
    for (const [name, array] of Object.entries(arrays)) {
      pickle.text(name);
      const { dtype, elements } = npyElements(array);
      const isTensor = tensors.includes(name);
      if (isTensor) pickle.global(...FROM_NUMPY);
      const [order, code] = [dtype[0]!, dtype.slice(1)];
      writeArray(pickle, code, order, array.shape, () => pickle.content(elements));
      if (isTensor) pickle.opcodes("\x85R");
    }
    pickle.opcodes("ua");
  });
  const header = "{'descr': '|O', 'fortran_order': False, 'shape': (), }";
  const room = 118 - 1;
  const start = Buffer.from(`\x93NUMPY\x01\x00\x76\x00${header.padEnd(room)}\n`, "latin1");
  return pickle.finish(start);
}

/** An array of a type, whose elements `content` writes. */
function writeArray(
  pickle: PickleWriter,
  code: string,
  order: string,
  shape: readonly number[],
  content: () => void,
): void {
  pickle.global("numpy.core.multiarray", "_reconstruct");
  pickle.global("numpy", "ndarray");
  pickle.integers([0]);
  pickle.opcodes("C\x01b\x87R");
  // The state: version, shape, type, order, elements.
  pickle.opcodes("(");
  pickle.integer(1);
  pickle.integers(shape);
  pickle.global("numpy", "dtype");
  pickle.text(code);
  pickle.opcodes("\x89\x88\x87R(");
  pickle.integer(3);
  pickle.text(order);
  pickle.opcodes("NNN");
  pickle.integer(-1);
  pickle.integer(-1);
  pickle.integer(order === "|" && code.startsWith("O") ? 63 : 0);
  pickle.opcodes("tb\x89");
  content();
  pickle.opcodes("tb");
}
