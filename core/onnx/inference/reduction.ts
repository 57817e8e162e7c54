/**
 * Shapes of reductions along axes.
 */

import type { Call, InferenceRule, InferenceTable } from "./call.ts";
import type { Dim, Shape } from "../shape.ts";

/** `x` with `axes` reduced to 1, or dropped. */
function reduced(call: Call, x: Shape, axes: readonly number[], keep: boolean): Dim[] {
  const gone = new Set(axes.map((axis) => call.axis(axis, x.length)));
  if (gone.size !== axes.length) call.fail(`axes [${axes}] repeat`);
  if (keep) return x.map((dim, axis) => gone.has(axis) ? 1 : dim);
  return x.filter((_, axis) => !gone.has(axis));
}

/** Axes are a constant second input; without it all axes are reduced. */
const reduce: InferenceRule = (call) => {
  const x = call.shape(0);
  const given = call.known(1) ?? [];
  const none = given.length === 0;
  if (none && call.int("noop_with_empty_axes", 0) === 1) {
    return { dtype: call.input(0).dtype, shape: x };
  }
  const axes = none ? x.map((_, axis) => axis) : given;
  const shape = reduced(call, x, axes, call.int("keepdims", 1) === 1);
  return { dtype: call.input(0).dtype, shape };
};

const argReduce: InferenceRule = (call) => {
  const axes = [call.int("axis", 0)];
  const shape = reduced(call, call.shape(0), axes, call.int("keepdims", 1) === 1);
  return { dtype: "int64", shape };
};

const topK: InferenceRule = (call) => {
  const x = call.shape(0);
  const axis = call.axis(call.int("axis", -1), x.length);
  const count = call.known(1)?.[0] ?? call.fail("the count is missing");
  const dim = x[axis]!;
  if (typeof dim === "number" && count > dim) call.fail(`there are no ${count} of ${dim}`);
  const shape = x.map((dim, index) => index === axis ? count : dim);
  return [{ dtype: call.input(0).dtype, shape }, { dtype: "int64", shape }];
};

export const reductionRules: InferenceTable = {
  ReduceSum: reduce,
  ReduceMean: reduce,
  ReduceMax: reduce,
  ReduceMin: reduce,
  ReduceProd: reduce,
  ReduceSumSquare: reduce,
  ReduceL1: reduce,
  ReduceL2: reduce,
  ReduceLogSumExp: reduce,
  ArgMax: argReduce,
  ArgMin: argReduce,
  TopK: topK,
};
