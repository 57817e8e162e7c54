/**
 * The part of PyTorch that a checkpoint may mention: storages, and the functions that rebuild
 * tensors from them. Nothing else is known by name, so nothing else can be asked for.
 */

import { DecodeError, LimitError } from "../errors.ts";
import { PickleGlobal, type PickleHost } from "./pickle.ts";
import { bytesPerElement, StoredTensor, type WeightDtype, WeightStorage } from "./tensor.ts";

const STORAGE_DTYPES: ReadonlyMap<string, WeightDtype> = new Map([
  ["FloatStorage", "float32"],
  ["DoubleStorage", "float64"],
  ["HalfStorage", "float16"],
  ["BFloat16Storage", "bfloat16"],
  ["LongStorage", "int64"],
  ["IntStorage", "int32"],
  ["ShortStorage", "int16"],
  ["CharStorage", "int8"],
  ["ByteStorage", "uint8"],
  ["BoolStorage", "bool"],
]);

const STORAGE_MODULES: ReadonlySet<string> = new Set(["torch", "torch.cuda"]);

/** More dimensions than PyTorch itself allows. */
const MAX_RANK = 64;

/** A storage class such as `torch.FloatStorage`; mentioned in persistent ids, never called. */
class StorageClass extends PickleGlobal {
  constructor(name: string, readonly dtype: WeightDtype) {
    super(name);
  }
}

/**
 * Resolves the names and persistent ids of one checkpoint, and remembers every storage on the way.
 * The storages get their bytes afterwards: in the legacy format these stand behind the pickle.
 */
export class TorchHost implements PickleHost {
  /** Storages by their key in the file. */
  readonly storages = new Map<string, WeightStorage>();
  readonly maxOperations?: number;
  readonly #globals: ReadonlyMap<string, PickleGlobal>;
  #gatherBudget: number;

  /**
   * @param gatherBudget Bytes that all tensors together may take which are not plain runs of their
   *   storage. Without it a few bytes repeated with stride 0 could ask for any amount of memory.
   */
  constructor(gatherBudget: number, maxOperations?: number) {
    this.#gatherBudget = gatherBudget;
    this.maxOperations = maxOperations;
    const functions: [string, (args: readonly unknown[]) => unknown][] = [
      ["collections.OrderedDict", orderedDict],
      ["torch.Size", (args) => sizes(args[0], "a torch.Size")],
      ["torch._utils._rebuild_tensor", (args) => this.#tensor(args)],
      ["torch._utils._rebuild_tensor_v2", (args) => this.#tensor(args)],
      ["torch._utils._rebuild_parameter", parameter],
      ["torch._utils._rebuild_parameter_with_state", parameter],
    ];
    this.#globals = new Map(functions.map(([name, call]) => [name, new PickleGlobal(name, call)]));
  }

  resolveGlobal(module: string, name: string): PickleGlobal | undefined {
    const dtype = STORAGE_MODULES.has(module) ? STORAGE_DTYPES.get(name) : undefined;
    const full = `${module}.${name}`;
    return dtype === undefined ? this.#globals.get(full) : new StorageClass(full, dtype);
  }

  ignoresState(value: unknown): boolean {
    // OrderedDict's `_metadata`, and attributes set on parameters.
    return value instanceof Map || value instanceof StoredTensor;
  }

  /** `("storage", class, key, device, element count[, view])` */
  resolvePersistentId(id: unknown): WeightStorage {
    const [kind, type, key, , length, view] = Array.isArray(id) ? id : [];
    if (
      kind !== "storage" || !(type instanceof StorageClass) || typeof key !== "string" ||
      !isSize(length)
    ) {
      throw damaged("a reference to something that is no storage");
    }
    if (view !== undefined && view !== null) {
      throw damaged("storage views of PyTorch before 0.4 are not supported");
    }
    const known = this.storages.get(key);
    if (known !== undefined) {
      if (known.dtype !== type.dtype || known.length !== length) {
        throw damaged("two references to one storage contradict each other");
      }
      return known;
    }
    if (!isSize(length * bytesPerElement(type.dtype))) throw damaged("a storage is too large");
    const storage = new WeightStorage(type.dtype, length);
    this.storages.set(key, storage);
    return storage;
  }

  /** `(storage, offset, sizes, strides, …)`; gradients and hooks behind them play no part here. */
  #tensor(args: readonly unknown[]): StoredTensor {
    const [storage, offset, shapeValue, stridesValue] = args;
    if (!(storage instanceof WeightStorage)) throw damaged("a tensor without a storage");
    if (!isSize(offset)) throw damaged("a tensor's offset is no size");
    const shape = sizes(shapeValue, "a tensor's shape");
    const strides = sizes(stridesValue, "a tensor's strides");
    if (shape.length !== strides.length) throw damaged("a tensor's strides do not fit its shape");
    const tensor = new StoredTensor(storage, offset, shape, strides);
    if (!tensor.contiguous) {
      this.#gatherBudget -= tensor.length * bytesPerElement(storage.dtype);
      if (!(this.#gatherBudget >= 0)) {
        throw new LimitError(
          "Cannot read checkpoint: its tensors repeat too much of their storages",
        );
      }
    }
    return tensor;
  }
}

/** `OrderedDict()` or `OrderedDict([[key, value], …])`, as Python 2 wrote it. */
function orderedDict(args: readonly unknown[]): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>();
  const pairs = args[0] ?? [];
  if (!Array.isArray(pairs)) throw damaged("an OrderedDict of something that is no list");
  // Emptied once used: a list that is kept and passed again and again would cost its square.
  for (const pair of pairs.splice(0)) {
    if (!Array.isArray(pair) || pair.length !== 2) throw damaged("an OrderedDict without pairs");
    map.set(pair[0], pair[1]);
  }
  return map;
}

/** `(tensor, requires_grad, hooks[, state])` */
function parameter(args: readonly unknown[]): StoredTensor {
  const tensor = args[0];
  if (!(tensor instanceof StoredTensor)) throw damaged("a parameter without a tensor");
  return tensor;
}

function sizes(value: unknown, what: string): number[] {
  if (!Array.isArray(value) || value.length > MAX_RANK || !value.every(isSize)) {
    throw damaged(`${what} is no tuple of sizes`);
  }
  return value.slice();
}

function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function damaged(what: string): DecodeError {
  return new DecodeError(`Cannot read checkpoint: ${what}`);
}
