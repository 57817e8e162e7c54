/**
 * Gradients of operators that slide a window over `N×C×H×W`, and of resampling.
 */

import type { Value } from "../graph_builder.ts";
import { toNumbers } from "../tensor_data.ts";
import { type InterpolationOptions, matrixConstant } from "../resize.ts";
import { convInputGradient, plainMaps } from "./conv_input.ts";
import { convWeightGradient } from "./conv_weights.ts";
import { geometryOf } from "./geometry.ts";
import {
  type GradientRule,
  type GradientTable,
  int,
  ints,
  refuse,
  reshapeLike,
  sumInStages,
  zerosLike,
} from "./rule.ts";

const conv: GradientRule = ({ g, node, dy, y, x: [x, w] }) => {
  const kernel = w!.shape.slice(2).map((_, axis) => w!.size(axis + 2));
  const geometry = geometryOf(node, x!, y, kernel);
  const group = int(node, "group", 1);
  return [
    () => convInputGradient(plainMaps(g), g, dy, w!, group, geometry),
    () => convWeightGradient(g, dy, x!, group, geometry),
    () => sumInStages(g, dy, [0, 2, 3], false),
  ];
};

/** The gradient goes to the element that was the greatest, which MaxPool's second output names. */
const maxPool: GradientRule = ({ g, node, dy, x: [x] }) => [() => {
  const indices = node.outputs[1] ??
    g.node("MaxPool", [x], node.attributes, { outputs: 2 })[1]!;
  const flat = (v: Value) => g.reshape(v, [-1]);
  const zeros = zerosLike(g, x!);
  return reshapeLike(
    g,
    g.scatterElements(flat(zeros), flat(indices), flat(dy), {
      reduction: "add",
    }),
    x!,
  );
}];

/** Each window's share goes back to its pixels: a depthwise convolution with weights of one. */
const averagePool: GradientRule = ({ g, node, dy, y, x: [x] }) => [() => {
  const kernel = ints(node, "kernel_shape")!;
  const geometry = geometryOf(node, x!, y, kernel);
  const { input, output, stride, dilation, before } = geometry;
  const padding = ints(node, "pads") ?? [0, 0, 0, 0];
  const margin = int(node, "count_include_pad", 0) === 1 ? padding : [0, 0, 0, 0];
  /** How many pixels count in a window along one axis: those of the map, or of map and padding. */
  const covered = (axis: 0 | 1, at: number) => {
    const [first, last] = [0 - margin[axis]!, input[axis] + margin[axis + 2]!];
    let count = 0;
    for (let tap = 0; tap < kernel[axis]!; tap++) {
      const place = at * stride[axis] - before[axis] + tap * dilation[axis];
      if (place >= first && place < last) count++;
    }
    return count;
  };
  const shares: number[] = [];
  for (let row = 0; row < output[0]; row++) {
    for (let column = 0; column < output[1]; column++) {
      shares.push(1 / (covered(0, row) * covered(1, column)));
    }
  }
  const share = g.constant(shares, [1, 1, ...output], { dtype: dy.dtype });
  const channels = x!.size(1);
  const ones = g.constant(new Array(channels * kernel[0]! * kernel[1]!).fill(1), [
    channels,
    1,
    ...kernel,
  ], { dtype: dy.dtype });
  return convInputGradient(plainMaps(g), g, g.mul(dy, share), ones, channels, geometry);
}];

/** Resampling is a matrix product along each axis, its gradient the transposed one. */
const resize: GradientRule = ({ g, node, dy, y, x: [x] }) => [() => {
  const mode = node.attributes.mode ?? "nearest";
  if (mode !== "linear" && mode !== "nearest") refuse(node, `mode ${mode} is not covered`);
  if (int(node, "antialias", 0)) refuse(node, "antialiasing is not covered");
  if (x!.rank !== 4 || x!.dim(0) !== y.dim(0) || x!.dim(1) !== y.dim(1)) {
    refuse(node, "only the last two of four axes may change");
  }
  const scales = node.inputs[2]?.data ? toNumbers(node.inputs[2].data) : null;
  const options = (axis: number): InterpolationOptions => ({
    mode: mode as "linear" | "nearest",
    coordinates: node.attributes.coordinate_transformation_mode as string | undefined,
    nearest: node.attributes.nearest_mode as string | undefined,
    scale: scales?.[axis],
  });
  const matrix = (axis: number, transposed: boolean) =>
    matrixConstant(g, x!, x!.size(axis), y.size(axis), options(axis), transposed);
  return g.matMul(matrix(2, true), g.matMul(dy, matrix(3, false)));
}];

export const windowGradients: GradientTable = {
  Conv: conv,
  MaxPool: maxPool,
  AveragePool: averagePool,
  Resize: resize,
};
