/**
 * Shapes of operators that slide a window over `N×C×H×W` (or any number of spatial axes):
 * convolution, pooling, and the normalisations and resampling of such maps.
 */

import type { Call, InferenceRule, InferenceTable } from "./call.ts";
import { addDims, type Dim, divideDim, mayEqual, multiplyDims, type Shape } from "../shape.ts";

/** Sizes after sliding a window of `kernel` over the spatial axes of `x`. */
export function slide(call: Call, x: Shape, kernel: readonly number[], ceil = false): Dim[] {
  const axes = kernel.length;
  const strides = call.ints("strides") ?? kernel.map(() => 1);
  const dilations = call.ints("dilations") ?? kernel.map(() => 1);
  const pads = call.ints("pads") ?? Array.from({ length: 2 * axes }, () => 0);
  const autoPad = call.text("auto_pad", "NOTSET");
  if (strides.length !== axes || dilations.length !== axes || pads.length !== 2 * axes) {
    call.fail(`a window of ${axes} axes needs as many strides and dilations, and twice the pads`);
  }
  return kernel.map((size, axis) => {
    const input = x[axis + 2]!;
    const stride = strides[axis]!;
    if (autoPad.startsWith("SAME")) return divideDim(input, stride, "ceil");
    const padding = autoPad === "VALID" ? 0 : pads[axis]! + pads[axis + axes]!;
    const reach = (size - 1) * dilations[axis]! + 1;
    const room = addDims(input, padding - reach);
    if (typeof room === "number" && room < 0) {
      call.fail(`a window of ${reach} does not fit in ${input} padded by ${padding}`);
    }
    return addDims(divideDim(room, stride, ceil ? "ceil" : "floor"), 1);
  });
}

const conv: InferenceRule = (call) => {
  const x = call.shape(0);
  const w = call.shape(1, x.length);
  if (x.length < 3) call.fail("it needs at least 3 axes");
  const group = call.int("group", 1);
  const expected = multiplyDims(w[1]!, group);
  if (!mayEqual(x[1]!, expected)) {
    call.fail(`the weights expect ${expected} channels in ${group} group(s), there are ${x[1]}`);
  }
  const outputs = w[0]!;
  if (typeof outputs === "number" && outputs % group !== 0) {
    call.fail(`${outputs} output channels cannot be split into ${group} groups`);
  }
  if (call.inputs[2] && !mayEqual(call.shape(2, 1)[0]!, outputs)) {
    call.fail(`the bias has ${call.shape(2)[0]} values for ${outputs} output channels`);
  }
  const kernel = w.slice(2).map((size, axis) =>
    typeof size === "number"
      ? size
      : call.ints("kernel_shape")?.[axis] ?? call.fail("the kernel's size must be fixed")
  );
  return { dtype: call.commonType(), shape: [x[0]!, outputs, ...slide(call, x, kernel)] };
};

const pool: InferenceRule = (call) => {
  const x = call.shape(0);
  const kernel = call.ints("kernel_shape") ?? call.fail("kernel_shape is missing");
  if (kernel.length !== x.length - 2) call.fail("kernel_shape does not fit the number of axes");
  const ceil = call.int("ceil_mode", 0) === 1;
  const shape = [x[0]!, x[1]!, ...slide(call, x, kernel, ceil)];
  return [{ dtype: call.input(0).dtype, shape }, { dtype: "int64", shape }];
};

const globalPool: InferenceRule = (call) => {
  const x = call.shape(0);
  if (x.length < 3) call.fail("it needs at least 3 axes");
  return { dtype: call.float(0), shape: [x[0]!, x[1]!, ...x.slice(2).map(() => 1)] };
};

/** BatchNormalization and InstanceNormalization: lists of one value a channel. */
const normalise: InferenceRule = (call) => {
  const x = call.shape(0);
  for (let index = 1; index < call.inputs.length; index++) {
    if (!mayEqual(call.shape(index, 1)[0]!, x[1]!)) {
      call.fail(`input ${index} must have one value for each of the ${x[1]} channels`);
    }
  }
  return { dtype: call.float(0), shape: x };
};

const resize: InferenceRule = (call) => {
  const x = call.shape(0);
  const scales = call.known(2);
  const sizes = call.known(3);
  if (call.attributes.axes !== undefined) call.fail("the axes attribute is not supported here");
  const wanted = (sizes?.length ? sizes : scales) ?? call.fail("it needs scales or sizes");
  if (wanted.length !== x.length) call.fail(`${wanted.length} sizes for ${x.length} axes`);
  const shape = x.map((dim, axis): Dim => {
    const size = wanted[axis]!;
    if (wanted === sizes) return size;
    if (typeof dim === "number") return Math.floor(dim * size);
    return Number.isInteger(size) ? multiplyDims(dim, size) : `floor(${dim}*${size})`;
  });
  return { dtype: call.input(0).dtype, shape };
};

const depthToSpace: InferenceRule = (call) => {
  const [n, c, h, w] = call.shape(0, 4) as [Dim, Dim, Dim, Dim];
  const block = call.int("blocksize", 0);
  if (block < 1 || (typeof c === "number" && c % block ** 2 !== 0)) {
    call.fail(`${c} channels cannot be spread over blocks of ${block}×${block}`);
  }
  const shape = [n, divideDim(c, block ** 2), multiplyDims(h, block), multiplyDims(w, block)];
  return { dtype: call.input(0).dtype, shape };
};

export const windowRules: InferenceTable = {
  Conv: conv,
  MaxPool: pool,
  AveragePool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  BatchNormalization: normalise,
  InstanceNormalization: normalise,
  Resize: resize,
  DepthToSpace: depthToSpace,
};
