/**
 * From a checkpoint to what a network needs: one flat dictionary of named tensors, each of the
 * shape that is expected.
 */

import { DecodeError, ModelError } from "../errors.ts";
import { type CheckpointValue, readCheckpoint, type ReadCheckpointOptions } from "./checkpoint.ts";
import { StoredTensor, type WeightTensor } from "./tensor.ts";

/** A network's tensors by name, in the order of the file. */
export type StateDict = ReadonlyMap<string, WeightTensor>;

/** Keys under which training scripts keep the tensors, in order of preference. */
const USUAL_KEYS = ["state_dict", "model_state_dict", "model", "net", "network", "weights"];

/** `module.` in front of every name is left by PyTorch's DataParallel. */
const PARALLEL_PREFIX = "module.";

/** Options of `pickStateDict`. */
export interface PickStateDictOptions {
  /** Key of the dictionary to take. Default: the top level, or else the usual names below it. */
  readonly key?: string;
}

/**
 * The dictionary of tensors inside a checkpoint: the top level itself when it holds tensors, else
 * what lies under `state_dict`, `model_state_dict`, `model`, … at most three levels down. Entries
 * that are no tensors are left out, a prefix `module.` common to all names is taken off.
 *
 * @throws {DecodeError} when there is none.
 */
export function pickStateDict(
  value: CheckpointValue,
  options: PickStateDictOptions = {},
): Map<string, WeightTensor> {
  const { key } = options;
  const start = key !== undefined && value instanceof Map ? value.get(key) : value;
  const found = findTensors(start, 3);
  if (found === undefined) {
    const where = key === undefined ? "it" : `its entry ${JSON.stringify(key)}`;
    throw new DecodeError(`Cannot read checkpoint: ${where} holds no dictionary of tensors`);
  }
  const names = [...found.keys()];
  if (!names.every((name) => name.startsWith(PARALLEL_PREFIX))) return found;
  return new Map([...found].map(([name, t]) => [name.slice(PARALLEL_PREFIX.length), t]));
}

/** `readCheckpoint` and `pickStateDict` in one. */
export function readStateDict(
  bytes: Uint8Array,
  options: ReadCheckpointOptions & PickStateDictOptions = {},
): Map<string, WeightTensor> {
  return pickStateDict(readCheckpoint(bytes, options), options);
}

function findTensors(
  value: CheckpointValue | undefined,
  depth: number,
): Map<string, WeightTensor> | undefined {
  if (!(value instanceof Map)) return undefined;
  const tensors = new Map<string, WeightTensor>();
  for (const [name, entry] of value) {
    if (typeof name === "string" && entry instanceof StoredTensor) tensors.set(name, entry);
  }
  if (tensors.size > 0) return tensors;
  if (depth === 0) return undefined;
  for (const key of USUAL_KEYS) {
    const found = findTensors(value.get(key), depth - 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Checks that `tensors` has every expected name in the expected shape. Names beyond those are no
 * fault.
 *
 * @param expected Shapes by name.
 * @param what The network, for the message.
 * @throws {ModelError} naming the first few differences.
 */
export function requireTensors(
  tensors: StateDict,
  expected: ReadonlyMap<string, readonly number[]>,
  what: string,
): void {
  const differences = tensorDifferences(tensors, expected);
  if (differences.length === 0) return;
  throw new ModelError(
    `Cannot build ${what}: its weights do not fit: ${differencesText(differences)}`,
  );
}

/** What is missing in `tensors` or has another shape than expected, one text for each tensor. */
export function tensorDifferences(
  tensors: StateDict,
  expected: ReadonlyMap<string, readonly number[]>,
): string[] {
  const differences: string[] = [];
  for (const [name, shape] of expected) {
    const tensor = tensors.get(name);
    if (tensor === undefined) {
      differences.push(`${name} [${shape.join(", ")}] is missing`);
    } else if (!sameShape(tensor.shape, shape)) {
      differences.push(`${name} is [${tensor.shape.join(", ")}], not [${shape.join(", ")}]`);
    }
  }
  return differences;
}

/** The first few differences in one text, and how many there are beyond. */
export function differencesText(differences: readonly string[]): string {
  const more = differences.length > 3 ? `; and ${differences.length - 3} more` : "";
  return differences.slice(0, 3).join("; ") + more;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}
