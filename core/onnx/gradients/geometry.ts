/**
 * Where the windows of a two-dimensional convolution or pooling lie.
 */

import type { Node, Value } from "../graph_builder.ts";
import { ints, refuse } from "./rule.ts";

/** Two numbers: along the height, along the width. */
export type Pair = readonly [number, number];

/** Sizes and places of the windows; the output's row `o` sees the rows `o·stride − before + i·dilation`. */
export interface Geometry {
  readonly input: Pair;
  readonly output: Pair;
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  /** Zeros above and to the left of the map. */
  readonly before: Pair;
}

/** The same function for the height and for the width. */
export function both<T>(compute: (axis: 0 | 1) => T): [T, T] {
  return [compute(0), compute(1)];
}

/**
 * Reads the geometry of a node that slides a window over `x`.
 *
 * @throws {TypeError} when it is not two-dimensional or a size is not fixed.
 */
export function geometryOf(node: Node, x: Value, y: Value, kernel: readonly number[]): Geometry {
  if (x.rank !== 4) refuse(node, "only two-dimensional windows are covered");
  const input = both((axis) => x.size(axis + 2));
  const output = both((axis) => y.size(axis + 2));
  const stride = both((axis) => ints(node, "strides")?.[axis] ?? 1);
  const dilation = both((axis) => ints(node, "dilations")?.[axis] ?? 1);
  const auto = node.attributes.auto_pad;
  const before = both((axis) => {
    if (auto === "VALID") return 0;
    if (auto !== "SAME_UPPER" && auto !== "SAME_LOWER") return ints(node, "pads")?.[axis] ?? 0;
    const reach = (kernel[axis]! - 1) * dilation[axis] + 1;
    const total = Math.max(0, (output[axis] - 1) * stride[axis] + reach - input[axis]);
    return auto === "SAME_UPPER" ? Math.floor(total / 2) : Math.ceil(total / 2);
  });
  return { input, output, kernel: both((axis) => kernel[axis]!), stride, dilation, before };
}
