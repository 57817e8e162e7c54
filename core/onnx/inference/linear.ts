/**
 * Shapes of matrix products.
 */

import type { Call, InferenceRule, InferenceTable, ValueType } from "./call.ts";
import { broadcastShapes, type Dim, mayEqual, type Shape, shapeText } from "../shape.ts";

function checkInner(call: Call, left: Dim, right: Dim): void {
  if (!mayEqual(left, right)) call.fail(`the inner sizes ${left} and ${right} differ`);
}

/** The last two axes multiply, the ones before broadcast; a list counts as a row or a column. */
function product(call: Call, a: Shape, b: Shape): ValueType {
  if (a.length === 0 || b.length === 0) call.fail("scalars have no matrix product");
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  checkInner(call, left.at(-1)!, right.at(-2)!);
  const batch = broadcastShapes(left.slice(0, -2), right.slice(0, -2)) ??
    call.fail("the leading axes cannot be broadcast");
  const shape = [...batch];
  if (a.length > 1) shape.push(left.at(-2)!);
  if (b.length > 1) shape.push(right.at(-1)!);
  return { dtype: call.commonType(), shape };
}

const matMul: InferenceRule = (call) => product(call, call.shape(0), call.shape(1));

function swapLast(shape: Shape): Dim[] {
  return shape.length < 2 ? [...shape] : [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];
}

const fusedMatMul: InferenceRule = (call) => {
  const a = call.int("transA", 0) ? swapLast(call.shape(0)) : call.shape(0);
  const b = call.int("transB", 0) ? swapLast(call.shape(1)) : call.shape(1);
  return product(call, a, b);
};

const gemm: InferenceRule = (call) => {
  const a = call.int("transA", 0) ? swapLast(call.shape(0, 2)) : call.shape(0, 2);
  const b = call.int("transB", 0) ? swapLast(call.shape(1, 2)) : call.shape(1, 2);
  checkInner(call, a[1]!, b[0]!);
  const shape = [a[0]!, b[1]!];
  const c = call.inputs[2]?.shape;
  if (c) {
    const sum = broadcastShapes(shape, c);
    if (!sum || sum.some((dim, axis) => !mayEqual(dim, shape[axis] ?? 1))) {
      call.fail(`${shapeText(c)} cannot be added to ${shapeText(shape)}`);
    }
  }
  return { dtype: call.commonType(), shape };
};

export const linearRules: InferenceTable = {
  MatMul: matMul,
  Gemm: gemm,
  "com.microsoft:FusedMatMul": fusedMatMul,
};
