/**
 * Gradients of reductions along axes.
 */

import type { Value } from "../graph_builder.ts";
import { toNumbers } from "../tensor_data.ts";
import {
  type Backward,
  countAlong,
  type GradientRule,
  type GradientTable,
  int,
  positive,
  refuse,
  stretchTo,
} from "./rule.ts";

/** The axes a reduction goes along. */
function axesOf({ node, x: [x, axes] }: Backward): number[] {
  if (node.type.startsWith("Global")) return x!.shape.slice(2).map((_, axis) => axis + 2);
  if (axes && !axes.data) refuse(node, "the axes must be constant");
  const given = axes ? toNumbers(axes.data!) : [];
  if (given.length === 0 && int(node, "noop_with_empty_axes", 0)) return [];
  if (given.length === 0) return x!.shape.map((_, axis) => axis);
  return given.map((axis) => positive(axis, x!.rank)).sort((a, b) => a - b);
}

/** A value of the reduced shape with the reduced axes put back as 1. */
function kept(back: Backward, value: Value, axes: readonly number[]): Value {
  return value.rank === back.x[0]!.rank ? value : back.g.unsqueeze(value, axes);
}

/** Rule of a reduction from what it does with the stretched gradient and output. */
function reduction(
  derive: (back: Backward, dy: Value, y: Value, axes: readonly number[]) => Value,
): GradientRule {
  return (back) => [() => {
    const axes = axesOf(back);
    return derive(back, kept(back, back.dy, axes), kept(back, back.y, axes), axes);
  }];
}

const sum = reduction(({ g, x }, dy) => stretchTo(g, dy, x[0]!));

const mean = reduction(({ g, x }, dy, _, axes) =>
  stretchTo(g, g.div(dy, countAlong(g, x[0]!, axes)), x[0]!)
);

/** Where several elements are the extreme, they share the gradient. */
const extreme = reduction(({ g, x }, dy, y, axes) => {
  const mask = g.cast(g.equal(x[0]!, y), dy.dtype);
  return g.mul(mask, g.div(dy, g.reduceSum(mask, axes)));
});

const sumSquare = reduction(({ g, x }, dy) => g.mul(x[0]!, g.mul(dy, 2)));

const logSumExp = reduction(({ g, x }, dy, y) => g.mul(dy, g.exp(g.sub(x[0]!, y))));

export const reductionGradients: GradientTable = {
  ReduceSum: sum,
  ReduceMean: mean,
  ReduceMax: extreme,
  ReduceMin: extreme,
  ReduceSumSquare: sumSquare,
  ReduceLogSumExp: logSumExp,
  GlobalAveragePool: mean,
  GlobalMaxPool: extreme,
};
