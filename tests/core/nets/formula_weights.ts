/** Weights by a formula under which networks of any depth stay alive; made the same way in Python. */

import type { WeightTensor } from "../../../core/weights/tensor.ts";

/** `length` numbers in 0..1: an integer hash of name and position. */
export function hashed(name: string, length: number): Float64Array {
  let start = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) {
    start = Math.imul(start ^ name.charCodeAt(at), 0x01000193) >>> 0;
  }
  const numbers = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    let h = (start + i) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
    h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
    h ^= h >>> 16;
    numbers[i] = (h >>> 0) / 2 ** 32;
  }
  return numbers;
}

/** A tensor of the formula. */
export function formulaTensor(name: string, shape: readonly number[]): WeightTensor {
  const numbers = hashed(name, shape.reduce((product, size) => product * size, 1));
  const [low, high] = range(name, shape);
  return {
    shape,
    dtype: "float32",
    data: Float32Array.from(numbers, (u) => low + (high - low) * u),
  };
}

/** All tensors of a network. */
export function formulaWeights(
  shapes: ReadonlyMap<string, readonly number[]>,
): Map<string, WeightTensor> {
  return new Map([...shapes].map(([name, shape]) => [name, formulaTensor(name, shape)]));
}

function range(name: string, shape: readonly number[]): [number, number] {
  if (shape.length === 4) {
    const bound = Math.sqrt(3 / (shape[1]! * shape[2]! * shape[3]!));
    return [-bound, bound];
  }
  if (name.endsWith("running_var")) return [0.8, 1.2];
  if (name.endsWith("bias") || name.endsWith("running_mean")) return [-0.08, 0.08];
  return name.endsWith("bn3.weight") ? [0.15, 0.35] : [0.8, 1.2];
}
