/**
 * Moving data in and out of ONNX Runtime's blocked layout, and moving it about inside.
 *
 * A blocked map has the shape `N×C×H×W` but its elements in the order `N×(C/B)×H×W×B`; B is the
 * block size. Plain operators may be applied to that order under its true shape: `unfold` and
 * `fold` are the two views, and copy nothing.
 */

import type { GraphBuilder, Value } from "../graph_builder.ts";
import { BLOCKED } from "../inference/blocked.ts";
import type { Pair } from "../gradients/geometry.ts";

/** `count` rounded up to whole blocks. */
export function wholeBlocks(count: number, block: number): number {
  return Math.ceil(count / block) * block;
}

/** The elements of a value under another shape and, if wanted, as another layout. */
export function view(
  g: GraphBuilder,
  x: Value,
  shape: readonly number[],
  layout: "plain" | "blocked" = "plain",
): Value {
  return g.op("Reshape", [x, g.ints(shape)], {}, { layout });
}

/** A blocked map as the plain tensor `(N·C/B)×H×W×B`. */
export function unfold(g: GraphBuilder, x: Value, block: number): Value {
  return view(g, x, [x.size(0) * x.size(1) / block, x.size(2), x.size(3), block]);
}

/** The plain tensor `…×H×W×B` of `images·channels/B` maps as a blocked map. */
export function fold(g: GraphBuilder, x: Value, images: number, channels: number): Value {
  return view(g, x, [images, channels, x.size(-3), x.size(-2)], "blocked");
}

/** A plain `N×C×H×W` map in blocks, its channels filled up with zeros. */
export function enterBlocks(g: GraphBuilder, x: Value, block: number): Value {
  const missing = wholeBlocks(x.size(1), block) - x.size(1);
  const whole = missing === 0 ? x : g.pad(x, [0, 0, 0, 0, 0, missing, 0, 0]);
  return g.op("ReorderInput", [whole], {}, { domain: BLOCKED });
}

/** The first `channels` channels of a blocked map as a plain one. */
export function leaveBlocks(g: GraphBuilder, x: Value, channels: number): Value {
  return g.op("ReorderOutput", [x], { channels }, { domain: BLOCKED });
}

/** A list filled up with zeros to `size`. */
export function fillList(g: GraphBuilder, list: Value, size: number): Value {
  const missing = size - list.size(0);
  return missing === 0 ? list : g.pad(list, [0, missing]);
}

/** Adds rows and columns of zeros around a blocked map, or cuts them off. */
export function padBlocked(
  g: GraphBuilder,
  x: Value,
  block: number,
  before: Pair,
  after: Pair,
): Value {
  if ([...before, ...after].every((count) => count === 0)) return x;
  const padded = g.pad(unfold(g, x, block), [0, ...before, 0, 0, ...after, 0]);
  return fold(g, padded, x.size(0), x.size(1));
}

/** Puts `stride − 1` rows and columns of zeros after each of a blocked map. */
export function spreadBlocked(g: GraphBuilder, x: Value, block: number, stride: number): Value {
  if (stride === 1) return x;
  const [images, channels, height, width] = [0, 1, 2, 3].map((axis) => x.size(axis));
  const rows = images! * channels! / block * height!;
  const apart = view(g, x, [rows, 1, width!, 1, block]);
  const spread = g.pad(apart, [0, 0, 0, 0, 0, 0, stride - 1, 0, stride - 1, 0]);
  return view(g, spread, [images!, channels!, height! * stride, width! * stride], "blocked");
}

/** Weights with their channels filled up with zeros. */
export function fillWeights(g: GraphBuilder, w: Value, outputs: number, inputs: number): Value {
  const [more, wider] = [outputs - w.size(0), inputs - w.size(1)];
  return more === 0 && wider === 0 ? w : g.pad(w, [0, 0, 0, 0, more, wider, 0, 0]);
}

/**
 * Whole weights in the Conv's order: `O/B × I × k × k × B` where the input is plain or depthwise,
 * else `O/B × I/B × k × k × B(in) × B(out)`.
 */
export function orderWeights(g: GraphBuilder, w: Value, block: number, dense: boolean): Value {
  const [outputs, inputs, ...kernel] = w.shape.map((_, axis) => w.size(axis));
  const taps = kernel[0]! * kernel[1]!;
  if (!dense) {
    const split = g.reshape(w, [outputs! / block, block, inputs!, taps]);
    return g.reshape(g.transpose(split, [0, 2, 3, 1]), w.shape as number[]);
  }
  // Blocking the outputs as if they were channels is much faster than Transpose.
  const image = g.reshape(w, [1, outputs!, inputs!, taps]);
  const blocked = g.op("ReorderInput", [image], {}, { domain: BLOCKED });
  if (taps === 1) return view(g, blocked, w.shape as number[]);
  const split = view(g, blocked, [outputs! / block, inputs! / block, block, taps, block]);
  return g.reshape(g.transpose(split, [0, 1, 3, 2, 4]), w.shape as number[]);
}

/**
 * The weights of the convolution backwards, in the Conv's order: inputs and outputs changed, the
 * kernel turned by half a turn.
 */
export function orderTurnedWeights(g: GraphBuilder, w: Value, block: number): Value {
  const [outputs, inputs, ...kernel] = w.shape.map((_, axis) => w.size(axis));
  const taps = kernel[0]! * kernel[1]!;
  const shape = [inputs!, outputs!, ...kernel];
  if (taps === 1) {
    const split = g.reshape(w, [outputs!, inputs! / block, block]);
    return g.reshape(g.transpose(split, [1, 0, 2]), shape);
  }
  const image = g.reshape(w, [outputs!, inputs!, 1, taps]);
  const blocked = g.op("ReorderInput", [image], {}, { domain: BLOCKED });
  const split = view(g, blocked, [outputs! / block, block, inputs! / block, taps, block]);
  const ordered = g.transpose(split, [2, 0, 3, 1, 4]);
  const backwards = Array.from({ length: taps }, (_, at) => taps - 1 - at);
  return g.reshape(g.gather(ordered, g.ints(backwards), 2), shape);
}
