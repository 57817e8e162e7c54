/** Weights by a formula that tests/fixtures/make_efficientnet_lite.py shares. */

import type { WeightTensor } from "../../../core/weights/tensor.ts";

/**
 * `length` numbers of the series called `name`, from `low` to `high`: hashes of the name and of the
 * number's place.
 */
export function seededRamp(name: string, length: number, low: number, high: number): Float32Array {
  const hashes = new Int32Array(length).map((_, i) => i);
  // Letter by letter over all numbers: several times as fast as number by number.
  for (let at = 0; at < name.length; at++) {
    const letter = name.charCodeAt(at);
    for (let i = 0; i < length; i++) {
      const hash = Math.imul(hashes[i]! ^ letter, 0x9e3779b1);
      hashes[i] = hash ^ (hash >>> 15);
    }
  }
  const numbers = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    let hash = Math.imul(hashes[i]!, 0x85ebca6b);
    hash ^= hash >>> 13;
    numbers[i] = low + (high - low) * ((hash >>> 0) / 2 ** 32);
  }
  return numbers;
}

/** Values that keep a network of convolutions and batch norms alive, whatever its depth. */
export function seededWeights(
  shapes: ReadonlyMap<string, readonly number[]>,
): Map<string, WeightTensor> {
  const tensors = new Map<string, WeightTensor>();
  for (const [name, shape] of shapes) {
    const length = shape.reduce((product, size) => product * size, 1);
    const [low, high] = range(name, shape);
    tensors.set(name, { shape, dtype: "float32", data: seededRamp(name, length, low, high) });
  }
  return tensors;
}

function range(name: string, shape: readonly number[]): [number, number] {
  if (shape.length > 1) {
    const bound = Math.sqrt((3 * shape[0]!) / shape.reduce((product, size) => product * size, 1));
    return [-bound, bound];
  }
  if (name.endsWith("running_var")) return [0.3, 1.5];
  if (name.endsWith("running_mean")) return [-0.3, 0.3];
  return name.endsWith("bias") ? [-0.5, 0.7] : [0.6, 1.6];
}
