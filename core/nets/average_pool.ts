/** Means of windows of a plain map, as published networks take them. */

import type { GraphBuilder, Value } from "../onnx/graph_builder.ts";
import type { AveragePoolOptions } from "./network_layers.ts";

/** The mean of each `kernel×kernel` window of `N×C×H×W`. */
export function averagePool(
  g: GraphBuilder,
  x: Value,
  kernel: number,
  stride: number,
  { padding = 0, ceil, countPadding }: AveragePoolOptions = {},
): Value {
  return g.op("AveragePool", [x], {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    ceil_mode: ceil ? 1 : undefined,
    count_include_pad: countPadding ? 1 : undefined,
  });
}
