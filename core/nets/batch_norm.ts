/**
 * Batch normalisation with the statistics of the batch itself, as in training (S. Ioffe and
 * C. Szegedy, arXiv 1502.03167), over either back end of `layouts.ts`.
 */

import { withGradient } from "../onnx/gradients/custom.ts";
import { above, type GradientRule } from "../onnx/gradients/rule.ts";
import type { GraphBuilder, Named, Value } from "../onnx/graph_builder.ts";
import type { Layers } from "../onnx/layouts.ts";
import { NORM_EPSILON } from "./network_layers.ts";

/** The learnt part of a batch normalisation: lists of C. */
export interface BatchNormParameters {
  readonly scale: Value;
  readonly shift: Value;
}

/** Options of {@linkcode batchNorm}. */
export interface BatchNormOptions extends Named {
  /** What follows in the same pass. Default none. */
  activation?: "relu";
}

/** The linear map that a batch normalisation comes down to: `factor·x + offset`, lists of C. */
export interface Normalisation {
  readonly factor: Value;
  readonly offset: Value;
  /** `1 / √(variance + epsilon)`. */
  readonly precision: Value;
}

/** The linear map for a mean and a variance, lists of C. */
export function normalisation(
  g: GraphBuilder,
  { scale, shift }: BatchNormParameters,
  mean: Value,
  variance: Value,
): Normalisation {
  const precision = g.reciprocal(g.sqrt(g.add(variance, NORM_EPSILON)));
  const factor = g.mul(scale, precision);
  return { factor, offset: g.sub(shift, g.mul(factor, mean)), precision };
}

/**
 * Normalises every channel of a map by its mean and (biased) variance over images, rows and columns.
 *
 * The gradient is written by hand: two passes over the map instead of the six that the operators'
 * own rules would make.
 *
 * @param z A map of `layers`, whose channels are all real ones, not filled up.
 */
export function batchNorm(
  g: GraphBuilder,
  layers: Layers,
  z: Value,
  parameters: BatchNormParameters,
  options: BatchNormOptions = {},
): Value {
  const { activation, name } = options;
  const channels = parameters.scale.size(0);
  const count = z.size(0) * z.size(2) * z.size(3);
  const mean = (x: Value) => g.mul(layers.channelSum(x, channels), 1 / count);
  const mu = mean(z);
  const variance = g.sub(mean(g.mul(z, z)), g.mul(mu, mu));
  const { factor, offset, precision } = normalisation(g, parameters, mu, variance);
  const y = layers.affine(z, factor, offset, { activation, name });

  const rule: GradientRule = ({ dy }) => {
    const d = activation ? g.mul(dy, above(g, y, 0)) : dy;
    const meanD = mean(d);
    // The mean of d · x̂, x̂ being the map normalised.
    const along = g.mul(precision, g.sub(mean(g.mul(d, z)), g.mul(mu, meanD)));
    return [
      () => {
        // factor · (d − mean(d) − x̂ · mean(d·x̂)), sorted by d, z and the rest.
        const slope = g.neg(g.mul(g.mul(factor, along), precision));
        const rest = g.neg(g.add(g.mul(slope, mu), g.mul(factor, meanD)));
        return layers.affine(d, factor, rest, { add: layers.affine(z, slope, null) });
      },
      () => g.mul(along, count),
      () => g.mul(meanD, count),
    ];
  };
  return withGradient(y, [z, parameters.scale, parameters.shift], rule);
}
