/**
 * Gradients of matrix products.
 */

import type { GraphBuilder, Value } from "../graph_builder.ts";
import { type GradientRule, type GradientTable, int, number, reshapeLike, sumTo } from "./rule.ts";

/** The last two axes swapped. */
function swapLast(g: GraphBuilder, x: Value): Value {
  const order = x.shape.map((_, axis) => axis);
  return g.transpose(x, [...order.slice(0, -2), order.at(-1)!, order.at(-2)!]);
}

const matMul: GradientRule = ({ g, dy, x: [a, b] }) => {
  // A list counts as a row on the left and as a column on the right.
  const left = a!.rank === 1 ? g.unsqueeze(a!, [0]) : a!;
  const right = b!.rank === 1 ? g.unsqueeze(b!, [1]) : b!;
  let d = dy;
  if (b!.rank === 1) d = g.unsqueeze(d, [-1]);
  if (a!.rank === 1) d = g.unsqueeze(d, [-2]);
  return [
    () => reshapeLike(g, sumTo(g, g.matMul(d, swapLast(g, right)), left), a!),
    () => {
      if (right.rank > 2 || left.rank === 2) {
        return reshapeLike(g, sumTo(g, g.matMul(swapLast(g, left), d), right), b!);
      }
      // One matrix for the whole batch: one product over all rows, not one for each and a sum.
      const rows = (v: Value) => g.reshape(v, [-1, v.size(-1)]);
      return reshapeLike(g, g.gemm(rows(left), rows(d), { transA: true }), b!);
    },
  ];
};

const gemm: GradientRule = ({ g, node, dy, x: [a, b, c] }) => {
  const transA = int(node, "transA", 0) === 1;
  const transB = int(node, "transB", 0) === 1;
  const alpha = number(node, "alpha", 1);
  const beta = number(node, "beta", 1);
  return [
    () =>
      transA
        ? g.gemm(b!, dy, { alpha, transA: transB, transB: true })
        : g.gemm(dy, b!, { alpha, transB: !transB }),
    () =>
      transB
        ? g.gemm(dy, a!, { alpha, transA: true, transB: transA })
        : g.gemm(a!, dy, { alpha, transA: !transA }),
    () => {
      const sum = sumTo(g, dy, c!);
      return beta === 1 ? sum : g.mul(sum, beta);
    },
  ];
};

export const linearGradients: GradientTable = {
  MatMul: matMul,
  Gemm: gemm,
};
