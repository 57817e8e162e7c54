/**
 * Shapes of operators that pick elements by index, and of those that speak of shapes.
 */

import type { InferenceRule, InferenceTable } from "./call.ts";
import { mayEqual, mayEqualShapes } from "../shape.ts";

const gather: InferenceRule = (call) => {
  const x = call.shape(0);
  const axis = call.axis(call.int("axis", 0), x.length);
  const shape = [...x.slice(0, axis), ...call.shape(1), ...x.slice(axis + 1)];
  return { dtype: call.input(0).dtype, shape };
};

const gatherElements: InferenceRule = (call) => {
  const x = call.shape(0);
  call.axis(call.int("axis", 0), x.length);
  return { dtype: call.input(0).dtype, shape: call.shape(1, x.length) };
};

const scatterElements: InferenceRule = (call) => {
  const x = call.shape(0);
  call.axis(call.int("axis", 0), x.length);
  if (!mayEqualShapes(call.shape(1, x.length), call.shape(2, x.length))) {
    call.fail("indices and updates differ in shape");
  }
  if (call.input(2).dtype !== call.input(0).dtype) call.fail("updates differ in type");
  return { dtype: call.input(0).dtype, shape: x };
};

const gatherND: InferenceRule = (call) => {
  const x = call.shape(0);
  const indices = call.shape(1);
  const batch = call.int("batch_dims", 0);
  const depth = indices.at(-1);
  if (typeof depth !== "number") call.fail("the last axis of the indices must be fixed");
  return {
    dtype: call.input(0).dtype,
    shape: [...indices.slice(0, -1), ...x.slice(batch + (depth as number))],
  };
};

const scatterND: InferenceRule = (call) => ({
  dtype: call.input(0).dtype,
  shape: call.shape(0),
});

const oneHot: InferenceRule = (call) => {
  const indices = call.shape(0);
  const depth = call.known(1)?.[0] ?? call.fail("the depth is missing");
  if (!mayEqual(call.shape(2, 1)[0]!, 2)) call.fail("the values must be two: off and on");
  const axis = call.axis(call.int("axis", -1), indices.length + 1);
  return { dtype: call.input(2).dtype, shape: indices.toSpliced(axis, 0, depth) };
};

const shape: InferenceRule = (call) => ({ dtype: "int64", shape: [call.shape(0).length] });

const constantOfShape: InferenceRule = (call) => {
  const value = call.attributes.value;
  const dtype = value && typeof value === "object" && "dtype" in value ? value.dtype : "float32";
  return { dtype, shape: call.known(0) ?? call.fail("the shape is missing") };
};

const range: InferenceRule = (call) => {
  const [start, limit, delta] = [0, 1, 2].map((index) => call.known(index)?.[0]);
  if (start === undefined || limit === undefined || !delta) call.fail("an input is missing");
  const count = Math.max(0, Math.ceil((limit! - start!) / delta!));
  return { dtype: call.commonType(), shape: [count] };
};

export const indexingRules: InferenceTable = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  OneHot: oneHot,
  Shape: shape,
  ConstantOfShape: constantOfShape,
  Range: range,
};
