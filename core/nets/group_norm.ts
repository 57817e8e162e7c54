/**
 * Group normalisation (Y. Wu and K. He, arXiv 1803.08494) over either back end of `layouts.ts`.
 */

import { withGradient } from "../onnx/gradients/custom.ts";
import { above, below, type GradientRule } from "../onnx/gradients/rule.ts";
import type { GraphBuilder, Named, Value } from "../onnx/graph_builder.ts";
import type { Activation, Layers } from "../onnx/layouts.ts";
import type { BatchNormParameters } from "./batch_norm.ts";
import { joinedList, joinImages, partImages, partList } from "./image_channels.ts";
import { NORM_EPSILON } from "./network_layers.ts";

/** Options of {@linkcode groupNorm}. */
export interface GroupNormOptions extends Named {
  /** Into how many groups the channels are split. */
  readonly groups: number;
  /** What follows in the same pass. Default none. */
  readonly activation?: Activation;
}

/**
 * Normalises, in every image, each group of channels by its mean and (biased) variance, then scales and
 * shifts every channel.
 *
 * All images' channels are taken for the channels of one image, so that a pass over the map is a
 * scaling by channel. The gradient is written by hand, as that of `batchNorm`.
 *
 * @param x A map of `layers`.
 * @param parameters Lists of C, the number of real channels.
 */
export function groupNorm(
  g: GraphBuilder,
  layers: Layers,
  x: Value,
  { scale, shift }: BatchNormParameters,
  { groups, activation, name }: GroupNormOptions,
): Value {
  const [images, filled, height, width] = [0, 1, 2, 3].map((axis) => x.size(axis)) as [
    number,
    number,
    number,
    number,
  ];
  const channels = scale.size(0);
  if (channels % groups !== 0) {
    throw new TypeError(`Cannot normalise ${channels} channels in ${groups} groups`);
  }
  const share = 1 / (channels / groups * height * width);
  /** The sum over every channel of every image: `N×C`. */
  const sums = (joined: Value): Value =>
    partList(g, layers.channelSum(joined, images * filled), images, channels);
  /** The sum over every group's channels, for each of them: `N×C`. */
  const groupSums = (v: Value): Value => {
    const split = g.reshape(v, [images, groups, channels / groups]);
    const sum = g.reduceSum(split, [2]);
    return g.reshape(g.expand(sum, [images, groups, channels / groups]), [images, channels]);
  };
  const list = (v: Value): Value => joinedList(g, v, filled);

  const flat = joinImages(g, x);
  const mean = g.mul(groupSums(sums(flat)), share);
  const square = g.mul(groupSums(sums(g.mul(flat, flat))), share);
  const variance = g.max(g.sub(square, g.mul(mean, mean)), 0);
  const precision = g.reciprocal(g.sqrt(g.add(variance, NORM_EPSILON)));
  const factor = g.mul(precision, scale);
  const offset = g.sub(shift, g.mul(factor, mean));
  const y = layers.affine(flat, list(factor), list(offset), { activation, name });
  const result = partImages(g, y, images);

  const rule: GradientRule = ({ dy }) => {
    let d = joinImages(g, dy);
    if (activation) d = g.mul(d, above(g, y, 0));
    if (activation === "relu6") d = g.mul(d, below(g, y, 6));
    const sumD = sums(d);
    // The sum of d · x̂, x̂ being the map normalised.
    const along = g.mul(precision, g.sub(sums(g.mul(d, flat)), g.mul(mean, sumD)));
    return [
      () => {
        // precision · (γ·d − mean(γ·d) − x̂ · mean(γ·d·x̂)), sorted by d, x and the rest.
        const meanAlong = g.mul(groupSums(g.mul(along, scale)), share);
        const meanD = g.mul(groupSums(g.mul(sumD, scale)), share);
        const slope = g.neg(g.mul(g.mul(precision, precision), meanAlong));
        const rest = g.neg(g.add(g.mul(slope, mean), g.mul(precision, meanD)));
        const bend = layers.affine(flat, list(slope), list(rest));
        const dx = layers.affine(d, list(factor), null, { add: bend });
        return partImages(g, dx, images);
      },
      () => g.reduceSum(along, [0], { keep: false }),
      () => g.reduceSum(sumD, [0], { keep: false }),
    ];
  };
  return withGradient(result, [x, scale, shift], rule);
}
