/**
 * Gradients of operators that move elements.
 */

import type { GraphBuilder, Node, Value } from "../graph_builder.ts";
import { toNumbers } from "../tensor_data.ts";
import {
  type GradientRule,
  type GradientTable,
  int,
  ints,
  positive,
  refuse,
  reshapeLike,
  sumTo,
  zerosLike,
} from "./rule.ts";

/** The elements of an input that must be constant; `null` when it is left out. */
function constant(node: Node, index: number): number[] | null {
  const value = node.inputs[index];
  if (!value) return null;
  return value.data ? toNumbers(value.data) : refuse(node, `input ${index} must be constant`);
}

/** Gradients of operators that leave the order of the elements: back to the input's shape. */
const reshape: GradientRule = ({ g, dy, x }) => [() => reshapeLike(g, dy, x[0]!)];

const transpose: GradientRule = ({ g, node, dy }) => [() => {
  const order = ints(node, "perm") ?? dy.shape.map((_, axis) => dy.rank - 1 - axis);
  const inverse = order.map((_, axis) => order.indexOf(axis));
  return g.transpose(dy, inverse);
}];

const concat: GradientRule = ({ g, node, dy, x }) => {
  const axis = positive(int(node, "axis", 0), dy.rank);
  let start = 0;
  return x.map((input) => {
    const from = start;
    start += input.size(axis);
    return () => g.slice(dy, [from], [from + input.size(axis)], { axes: [axis] });
  });
};

const split: GradientRule = ({ g, node, dys }) => [() => {
  const parts = dys.map((d, index) => d ?? zerosLike(g, node.outputs[index]!));
  return g.concat(parts, int(node, "axis", 0));
}];

/**
 * Puts `step − 1` zeros after each element along an axis: size `n` becomes `n·step`.
 */
export function insertZeros(g: GraphBuilder, x: Value, axis: number, step: number): Value {
  if (step === 1) return x;
  const sizes = x.shape.map((_, at) => x.size(at));
  // The elements before and after the axis stay together, so that Pad works on few axes.
  const before = sizes.slice(0, axis + 1).reduce((product, size) => product * size, 1);
  const after = sizes.slice(axis + 1).reduce((product, size) => product * size, 1);
  const spread = g.pad(g.reshape(x, [before, 1, after]), [0, 0, 0, 0, step - 1, 0]);
  return g.reshape(spread, sizes.with(axis, sizes[axis]! * step));
}

const slice: GradientRule = ({ g, node, dy, x: [x] }) => [() => {
  const starts = constant(node, 1)!;
  const axes = constant(node, 3) ?? starts.map((_, axis) => axis);
  const steps = constant(node, 4) ?? starts.map(() => 1);
  const before = x!.shape.map(() => 0);
  const after = x!.shape.map(() => 0);
  let d = dy;
  axes.forEach((given, index) => {
    const axis = positive(given, x!.rank);
    const [size, count, step] = [x!.size(axis), dy.size(axis), steps[index]!];
    if (count === 0) return;
    let start = starts[index]!;
    if (start < 0) start = Math.max(start + size, 0);
    start = Math.min(start, size - 1);
    if (step < 0) {
      d = reverse(g, d, [axis]);
      start += (count - 1) * step;
    }
    d = insertZeros(g, d, axis, Math.abs(step));
    before[axis] = start;
    after[axis] = size - start - count * Math.abs(step);
  });
  return g.pad(d, [...before, ...after]);
}];

/** The elements in reverse order along axes. */
export function reverse(g: GraphBuilder, x: Value, axes: readonly number[]): Value {
  const all = (value: number) => axes.map(() => value);
  return g.slice(x, all(-1), all(-(2 ** 31)), { axes, steps: all(-1) });
}

const pad: GradientRule = ({ g, node, dy, x: [x] }) => [() => {
  if ((node.attributes.mode ?? "constant") !== "constant") refuse(node, "only zeros may be padded");
  const pads = constant(node, 1)!;
  const axes = (constant(node, 3) ?? x!.shape.map((_, axis) => axis)).map((axis) =>
    positive(axis, x!.rank)
  );
  const all = new Array<number>(2 * x!.rank).fill(0);
  axes.forEach((axis, index) => {
    all[axis] = 0 - pads[index]!;
    all[axis + x!.rank] = 0 - pads[index + axes.length]!;
  });
  return g.pad(dy, all);
}];

const expand: GradientRule = ({ g, dy, x }) => [() => sumTo(g, dy, x[0]!)];

const tile: GradientRule = ({ g, node, dy, x: [x] }) => [() => {
  const repeats = constant(node, 1)!;
  const parts = g.reshape(dy, repeats.flatMap((count, axis) => [count, x!.size(axis)]));
  return g.reduceSum(parts, repeats.map((_, axis) => 2 * axis), { keep: false });
}];

export const layoutGradients: GradientTable = {
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Expand: expand,
  Tile: tile,
};
