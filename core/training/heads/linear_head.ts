/** Linear heads on a backbone's features: what they are made of and how they are written. */

import type { GraphBuilder, Value } from "../../onnx/graph_builder.ts";

/** Scores of classes that are linear in the features. */
export interface LinearHead {
  /** `K×C` */
  readonly weights: Float32Array;
  /** `K` */
  readonly bias: Float32Array;
}

/** Directions in feature space from which the weights of chosen classes start. */
export interface Prior {
  /** `K×C` */
  readonly directions: Float32Array;
  /** The classes that use theirs: `K` of 0 or 1. */
  readonly used: Float32Array;
}

/** Standard deviation of every feature over rows (`N×C`), plus `floor`, which keeps it off zero. */
export function deviations(
  rows: Float32Array | Float16Array,
  channels: number,
  floor: number,
): Float32Array {
  const count = rows.length / channels;
  const sum = new Float64Array(channels);
  const squares = new Float64Array(channels);
  for (let i = 0; i < rows.length;) {
    for (let k = 0; k < channels; k++, i++) {
      const value = rows[i]!;
      sum[k]! += value;
      squares[k]! += value * value;
    }
  }
  return Float32Array.from(sum, (total, k) => {
    const mean = total / count;
    return Math.sqrt(Math.max(0, squares[k]! / count - mean * mean)) + floor;
  });
}

/**
 * A prior's directions in units of standardised features (so that they multiply `x/scale`), each of a
 * length that makes its scores over `means` vary with a deviation of 1; zero for classes not in use.
 *
 * @param means `N×C`, features averaged over images.
 * @param scale `C`, what features are divided by.
 */
export function standardizePrior(
  { directions, used }: Prior,
  means: Float32Array,
  scale: Float32Array,
): Float32Array {
  const channels = scale.length;
  const count = means.length / channels;
  const result = new Float32Array(directions.length);
  used.forEach((use, c) => {
    if (use === 0) return;
    const row = directions.subarray(c * channels, (c + 1) * channels);
    let sum = 0;
    let squares = 0;
    for (let n = 0; n < count; n++) {
      let score = 0;
      for (let k = 0; k < channels; k++) score += row[k]! * means[n * channels + k]!;
      sum += score;
      squares += score * score;
    }
    const deviation = Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
    if (deviation === 0) return;
    for (let k = 0; k < channels; k++) result[c * channels + k] = (row[k]! * scale[k]!) / deviation;
  });
  return result;
}

/**
 * The weights of a head as nodes: `(own + strength·prior)/scale`. Weight decay on `own` alone pulls a
 * class with few images towards its prior instead of towards nothing.
 *
 * @param own `K×C`
 * @param strength `K×1`
 * @param prior `K×C`, see {@linkcode standardizePrior}
 * @param scale `C`
 */
export function weightsWithPrior(
  g: GraphBuilder,
  own: Value,
  strength: Value,
  prior: Float32Array,
  scale: Float32Array,
): Value {
  const directions = g.constant(prior, [prior.length / scale.length, scale.length]);
  const inverse = g.constant(scale.map((value) => 1 / value), [1, scale.length]);
  return g.mul(g.add(own, g.mul(strength, directions)), inverse);
}

/** {@linkcode weightsWithPrior} of finished numbers. */
export function applyPrior(
  own: Float32Array,
  strength: Float32Array,
  prior: Float32Array,
  scale: Float32Array,
): Float32Array {
  const channels = scale.length;
  return own.map((value, i) =>
    (value + strength[Math.floor(i / channels)]! * prior[i]!) / scale[i % channels]!
  );
}
