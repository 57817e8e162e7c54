/** Weights by a formula that tests/fixtures/make_efficientnet_lite.py shares. */

import type { WeightTensor } from "../../../core/weights/tensor.ts";

/** Number i of the series called `name`, in 0..1: a hash of both. */
export function seeded(name: string, i: number): number {
  let hash = i;
  for (let at = 0; at < name.length; at++) {
    hash = Math.imul(hash ^ name.charCodeAt(at), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return (hash >>> 0) / 2 ** 32;
}

/** `length` numbers of the series, from `low` to `high`. */
export function seededRamp(name: string, length: number, low: number, high: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => low + (high - low) * seeded(name, i));
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
