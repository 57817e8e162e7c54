/**
 * Shapes of operators that move elements without changing them.
 */

import type { Call, InferenceRule, InferenceTable, ValueType } from "./call.ts";
import {
  addDims,
  broadcastShapes,
  type Dim,
  divideDim,
  mayEqual,
  multiplyDims,
  type Shape,
  shapeText,
} from "../shape.ts";

/** A type as the first input's, of another shape. */
function shaped(call: Call, shape: Shape): ValueType {
  return { dtype: call.input(0).dtype, shape };
}

/** The size that makes `wanted` hold as many elements as `x`, which −1 stands for. */
function remaining(call: Call, x: Shape, wanted: readonly Dim[]): Dim {
  const left = [...x];
  const divisors: number[] = [];
  for (const dim of wanted) {
    if (dim === -1) continue;
    const found = left.indexOf(dim);
    if (found >= 0) left.splice(found, 1);
    else if (typeof dim === "number") divisors.push(dim);
    else return "?";
  }
  const divisor = divisors.reduce((product, dim) => product * dim, 1);
  const known = left.reduce<number>(
    (product, d) => typeof d === "number" ? product * d : product,
    1,
  );
  const symbols = left.filter((dim) => typeof dim === "string");
  if (known % divisor === 0) return multiplyDims(known / divisor, ...symbols);
  if (symbols.length > 0) return divideDim(multiplyDims(...left), divisor);
  return call.fail(`it cannot be reshaped to ${shapeText(wanted)}`);
}

const reshape: InferenceRule = (call) => {
  const x = call.shape(0);
  const target = call.known(1) ?? call.fail("the shape is missing");
  if (target.filter((dim) => dim === -1).length > 1) call.fail("only one size may be −1");
  const wanted = target.map((dim, axis): Dim =>
    dim !== 0 || call.int("allowzero", 0) === 1
      ? dim
      : x[axis] ?? call.fail(`there is no axis ${axis} to keep`)
  );
  const shape = wanted.map((dim) => dim === -1 ? remaining(call, x, wanted) : dim);
  if (!mayEqual(multiplyDims(...x), multiplyDims(...shape))) {
    call.fail(`it cannot be reshaped to ${shapeText(target)}`);
  }
  return shaped(call, shape);
};

const flatten: InferenceRule = (call) => {
  const x = call.shape(0);
  const given = call.int("axis", 1);
  const axis = given === x.length ? given : call.axis(given, x.length);
  return shaped(call, [multiplyDims(1, ...x.slice(0, axis)), multiplyDims(1, ...x.slice(axis))]);
};

const transpose: InferenceRule = (call) => {
  const x = call.shape(0);
  const order = call.ints("perm") ?? x.map((_, axis) => x.length - 1 - axis);
  if (order.length !== x.length || new Set(order).size !== x.length) {
    call.fail(`[${order}] is not an order of ${x.length} axes`);
  }
  return shaped(call, order.map((axis) => x[call.axis(axis, x.length)]!));
};

const squeeze: InferenceRule = (call) => {
  const x = call.shape(0);
  const given = call.known(1)?.map((axis) => call.axis(axis, x.length));
  const axes = new Set(given ?? x.flatMap((dim, axis) => dim === 1 ? [axis] : []));
  for (const axis of axes) {
    if (!mayEqual(x[axis]!, 1)) call.fail(`axis ${axis} has size ${x[axis]}, not 1`);
  }
  return shaped(call, x.filter((_, axis) => !axes.has(axis)));
};

const unsqueeze: InferenceRule = (call) => {
  const x = call.shape(0);
  const given = call.known(1) ?? call.fail("the axes are missing");
  const rank = x.length + given.length;
  const axes = new Set(given.map((axis) => call.axis(axis, rank)));
  if (axes.size !== given.length) call.fail(`axes [${given}] repeat`);
  const rest = x.values();
  return shaped(
    call,
    Array.from({ length: rank }, (_, axis) => axes.has(axis) ? 1 : rest.next().value!),
  );
};

const expand: InferenceRule = (call) => {
  const target = call.known(1) ?? call.fail("the shape is missing");
  return shaped(
    call,
    broadcastShapes(call.shape(0), target) ?? call.fail(`it cannot be stretched to [${target}]`),
  );
};

const tile: InferenceRule = (call) => {
  const x = call.shape(0);
  const repeats = call.known(1) ?? call.fail("the repeats are missing");
  if (repeats.length !== x.length) call.fail(`${repeats.length} repeats for ${x.length} axes`);
  return shaped(call, x.map((dim, axis) => multiplyDims(repeats[axis]!, dim)));
};

const concat: InferenceRule = (call) => {
  const x = call.shape(0);
  const axis = call.axis(call.int("axis", NaN), x.length);
  call.commonType();
  const shape = [...x];
  for (let index = 1; index < call.inputs.length; index++) {
    const next = call.shape(index, x.length);
    shape.forEach((dim, at) => {
      if (at !== axis && !mayEqual(dim, next[at]!)) {
        call.fail(`axis ${at} has sizes ${dim} and ${next[at]}`);
      }
      if (at === axis) shape[at] = addDims(dim, next[at]!);
      else if (typeof dim === "string") shape[at] = next[at]!;
    });
  }
  return shaped(call, shape);
};

const split: InferenceRule = (call) => {
  const x = call.shape(0);
  const axis = call.axis(call.int("axis", 0), x.length);
  const count = call.outputCount;
  const dim = x[axis]!;
  const piece = divideDim(dim, count, "ceil");
  const sizes: Dim[] = call.known(1) ??
    Array.from(
      { length: count },
      (_, index) =>
        typeof dim === "number" && typeof piece === "number" && index === count - 1
          ? dim - piece * (count - 1)
          : piece,
    );
  if (sizes.length !== count) call.fail(`${sizes.length} sizes for ${count} outputs`);
  const total = sizes.reduce(addDims, 0);
  if (!mayEqual(total, dim)) call.fail(`pieces of [${sizes}] do not make up ${dim}`);
  return sizes.map((size) => shaped(call, x.map((dim, at) => at === axis ? size : dim)));
};

/** The number of elements of `start:end:step` in an axis of `dim`, by Python's rules. */
function sliced(dim: Dim, start: number, end: number, step: number): Dim {
  if (typeof dim === "string") {
    if (step === 1 && start >= 0 && end >= 2 ** 31 - 1) return addDims(dim, -start);
    if (step === 1 && start === 0 && end < 0) return addDims(dim, end);
    if (step === 1 && start < 0 && end >= 2 ** 31 - 1) return -start;
    if (step === -1 && start === -1 && end <= -(2 ** 31 - 1)) return dim;
    if (step > 1 && start === 0 && end >= 2 ** 31 - 1) return divideDim(dim, step, "ceil");
    return `slice(${dim},${start},${end},${step})`;
  }
  const [low, high] = step > 0 ? [0, dim] : [-1, dim - 1];
  const clamp = (index: number) => Math.min(Math.max(index < 0 ? index + dim : index, low!), high!);
  const [from, to] = [clamp(start), clamp(end)];
  return Math.max(0, Math.ceil((to - from) / step));
}

const slice: InferenceRule = (call) => {
  const shape = [...call.shape(0)];
  const starts = call.known(1) ?? call.fail("the starts are missing");
  const ends = call.known(2) ?? call.fail("the ends are missing");
  const axes = call.known(3) ?? starts.map((_, axis) => axis);
  const steps = call.known(4) ?? starts.map(() => 1);
  if ([ends, axes, steps].some((list) => list.length !== starts.length)) {
    call.fail("starts, ends, axes and steps differ in length");
  }
  starts.forEach((start, index) => {
    const axis = call.axis(axes[index]!, shape.length);
    if (steps[index] === 0) call.fail("a step is 0");
    shape[axis] = sliced(shape[axis]!, start, ends[index]!, steps[index]!);
  });
  return shaped(call, shape);
};

const pad: InferenceRule = (call) => {
  const shape = [...call.shape(0)];
  const pads = call.known(1) ?? call.fail("the pads are missing");
  const axes = call.known(3) ?? shape.map((_, axis) => axis);
  if (pads.length !== 2 * axes.length) {
    call.fail(`${pads.length} pads for ${axes.length} axes, two for each are needed`);
  }
  axes.forEach((given, index) => {
    const axis = call.axis(given, shape.length);
    const dim = addDims(shape[axis]!, pads[index]! + pads[index + axes.length]!);
    if (typeof dim === "number" && dim < 0) call.fail(`axis ${axis} would have size ${dim}`);
    shape[axis] = dim;
  });
  return shaped(call, shape);
};

export const layoutRules: InferenceTable = {
  Reshape: reshape,
  Flatten: flatten,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Expand: expand,
  Tile: tile,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
};
