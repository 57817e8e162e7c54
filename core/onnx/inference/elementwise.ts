/**
 * Shapes of operators that work element by element, with broadcasting.
 */

import type { Call, InferenceRule, InferenceTable, ValueType } from "./call.ts";
import { broadcastShapes, type Dim, shapeText } from "../shape.ts";
import { type DataType, dataTypeFromCode } from "../tensor_data.ts";

/** The shape all inputs from `from` on are stretched to. */
function broadcast(call: Call, from = 0): Dim[] {
  let shape: Dim[] = [...call.shape(from)];
  for (let index = from + 1; index < call.inputs.length; index++) {
    const next = call.shape(index);
    shape = broadcastShapes(shape, next) ??
      call.fail(`${shapeText(shape)} and ${shapeText(next)} cannot be broadcast`);
  }
  return shape;
}

const same: InferenceRule = (call) => ({ dtype: call.input(0).dtype, shape: call.shape(0) });

const sameFloat: InferenceRule = (call) => ({ dtype: call.float(0), shape: call.shape(0) });

const arithmetic: InferenceRule = (call) => {
  if (call.inputs.length === 0) call.fail("it needs inputs");
  return { dtype: call.commonType(), shape: broadcast(call) };
};

const binary: InferenceRule = (call) => {
  call.input(1);
  return arithmetic(call);
};

const comparison: InferenceRule = (call) => ({ ...binary(call) as ValueType, dtype: "bool" });

/** Softmax and its kind: as the input, along an existing axis. */
const alongAxis: InferenceRule = (call) => {
  call.axis(call.int("axis", -1), call.shape(0).length);
  return sameFloat(call);
};

const power: InferenceRule = (call) => ({ dtype: call.input(0).dtype, shape: broadcast(call) });

const clip: InferenceRule = (call) => {
  call.commonType();
  for (const bound of call.inputs.slice(1)) {
    if (bound && bound.rank !== 0) call.fail("the bounds must be scalars");
  }
  return same(call);
};

const cast: InferenceRule = (call) => {
  const dtype: DataType = dataTypeFromCode(call.int("to", 0));
  return { dtype, shape: call.shape(0) };
};

const where: InferenceRule = (call) => {
  if (call.input(0).dtype !== "bool") call.fail("the condition must be bool");
  call.input(2);
  return { dtype: call.commonType(1), shape: broadcast(call) };
};

export const elementwiseRules: InferenceTable = {
  Identity: same,
  Neg: same,
  Abs: same,
  Sign: same,
  Relu: same,
  Not: same,
  CumSum: same,
  Sigmoid: sameFloat,
  HardSigmoid: sameFloat,
  HardSwish: sameFloat,
  LeakyRelu: sameFloat,
  Elu: sameFloat,
  Softplus: sameFloat,
  Gelu: sameFloat,
  Tanh: sameFloat,
  Erf: sameFloat,
  Exp: sameFloat,
  Log: sameFloat,
  Sqrt: sameFloat,
  Reciprocal: sameFloat,
  Sin: sameFloat,
  Cos: sameFloat,
  Floor: sameFloat,
  Ceil: sameFloat,
  Round: sameFloat,
  Softmax: alongAxis,
  LogSoftmax: alongAxis,
  Add: binary,
  Sub: binary,
  Mul: binary,
  Div: binary,
  Mod: binary,
  And: binary,
  Or: binary,
  Min: arithmetic,
  Max: arithmetic,
  Sum: arithmetic,
  Mean: arithmetic,
  Pow: power,
  Equal: comparison,
  Greater: comparison,
  GreaterOrEqual: comparison,
  Less: comparison,
  LessOrEqual: comparison,
  Clip: clip,
  Cast: cast,
  Where: where,
};
