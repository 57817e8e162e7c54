import assert from "node:assert/strict";
import { float, GraphBuilder } from "../../../core/onnx/graph_builder.ts";
import { gradients } from "../../../core/onnx/gradients.ts";
import { checkGradients, type GradientCase } from "./gradient_check.ts";
import {
  averagePool64,
  conv64,
  type ConvGeometry,
  globalAveragePool64,
  partialPool64,
  resize64,
} from "./references.ts";
import { run } from "./session.ts";

const POSITIVE = [0.3, 2] as const;

const cases: Record<string, GradientCase> = {
  "Add of a column": { inputs: [[2, 3, 4], [3, 1]], build: (g, [a, b]) => g.add(a!, b!) },
  "Sub of a longer shape": { inputs: [[3, 1], [2, 3, 4]], build: (g, [a, b]) => g.sub(a!, b!) },
  "Mul of a scalar": { inputs: [[2, 3], []], build: (g, [a, b]) => g.mul(a!, b!) },
  "Div by a row": { inputs: [[3, 4], [4]], build: (g, [a, b]) => g.div(a!, b!), range: POSITIVE },
  "Pow of 2.5": { inputs: [[3, 4]], build: (g, [a]) => g.pow(a!, 2.5), range: POSITIVE },
  "Pow of 2": { inputs: [[3, 4]], build: (g, [a]) => g.pow(a!, 2) },
  "Max of a map and a row": { inputs: [[3, 4], [4]], build: (g, [a, b]) => g.max(a!, b!) },
  "Min of two maps": { inputs: [[3, 4], [3, 4]], build: (g, [a, b]) => g.min(a!, b!) },
  "Where with a broadcast branch": {
    inputs: [[3, 4], [4]],
    build: (g, [a, b]) => g.where(g.greater(a!, 0.1), g.mul(a!, a!), b!),
  },
  Neg: { inputs: [[3, 4]], build: (g, [a]) => g.neg(a!) },
  Abs: { inputs: [[3, 4]], build: (g, [a]) => g.abs(a!) },
  Exp: { inputs: [[3, 4]], build: (g, [a]) => g.exp(a!) },
  Log: { inputs: [[3, 4]], build: (g, [a]) => g.log(a!), range: POSITIVE },
  Sqrt: { inputs: [[3, 4]], build: (g, [a]) => g.sqrt(a!), range: POSITIVE },
  Reciprocal: { inputs: [[3, 4]], build: (g, [a]) => g.reciprocal(a!), range: POSITIVE },
  Sigmoid: { inputs: [[3, 4]], build: (g, [a]) => g.sigmoid(a!) },
  Tanh: { inputs: [[3, 4]], build: (g, [a]) => g.tanh(a!) },
  Relu: { inputs: [[3, 7]], build: (g, [a]) => g.relu(a!) },
  "Clip at both ends": {
    inputs: [[5, 7]],
    build: (g, [a]) => g.clip(a!, 0, 6),
    range: [-4, 10],
  },
  "Identity and Cast there and back": {
    inputs: [[3, 4]],
    build: (g, [a], dtype) => g.cast(g.cast(g.identity(a!), "float64"), dtype),
  },
  "a value used three times": {
    inputs: [[3, 4]],
    build: (g, [a]) => g.add(g.mul(a!, a!), g.mul(g.exp(a!), g.sigmoid(a!))),
  },
  "Softmax along the first axis": {
    inputs: [[5, 3]],
    build: (g, [a]) => g.softmax(a!, 0),
  },
  LogSoftmax: { inputs: [[3, 5]], build: (g, [a]) => g.logSoftmax(a!) },
  "BatchNormalization with given statistics": {
    inputs: [[2, 3, 4, 5], [3], [3]],
    build: (g, [x, scale, bias], dtype) =>
      g.op("BatchNormalization", [
        x,
        scale,
        bias,
        g.constant([0.1, -0.2, 0.3], [3], { dtype }),
        g.constant([0.5, 1.5, 2], [3], { dtype }),
      ], { epsilon: float(1e-3) }),
  },
  "MatMul with broadcast batches": {
    inputs: [[2, 1, 3, 4], [5, 4, 2]],
    build: (g, [a, b]) => g.matMul(a!, b!),
  },
  "MatMul of a batch by one matrix": {
    inputs: [[2, 3, 4], [4, 5]],
    build: (g, [a, b]) => g.matMul(a!, b!),
  },
  "MatMul of a list by a matrix": { inputs: [[4], [4, 3]], build: (g, [a, b]) => g.matMul(a!, b!) },
  "MatMul of a matrix by a list": { inputs: [[3, 4], [4]], build: (g, [a, b]) => g.matMul(a!, b!) },
  "Gemm as stored": {
    inputs: [[3, 4], [4, 2], [2]],
    build: (g, [a, b, c]) => g.gemm(a!, b!, { c, alpha: 0.5, beta: 2 }),
  },
  "Gemm with both transposed": {
    inputs: [[4, 3], [2, 4], [3, 1]],
    build: (g, [a, b, c]) => g.gemm(a!, b!, { c, transA: true, transB: true }),
  },
  "Gemm with the second transposed": {
    inputs: [[3, 4], [2, 4]],
    build: (g, [a, b]) => g.gemm(a!, b!, { transB: true, alpha: 3 }),
  },
  "Gemm with the first transposed": {
    inputs: [[4, 3], [4, 2]],
    build: (g, [a, b]) => g.gemm(a!, b!, { transA: true }),
  },
  Reshape: { inputs: [[3, 4]], build: (g, [a]) => g.reshape(a!, [2, -1]) },
  Transpose: { inputs: [[2, 3, 4]], build: (g, [a]) => g.transpose(a!, [2, 0, 1]) },
  "Squeeze and Unsqueeze": {
    inputs: [[2, 1, 4]],
    build: (g, [a]) => g.unsqueeze(g.squeeze(a!, [1]), [0, -1]),
  },
  "Concat of a value with itself and another": {
    inputs: [[2, 3], [2, 2]],
    build: (g, [a, b]) => g.concat([a!, b!, a!], 1),
  },
  "Split of which one part is not used": {
    inputs: [[2, 7]],
    build: (g, [a]) => {
      const [first, , last] = g.split(a!, [2, 3, 2], 1);
      return g.mul(first!, last!);
    },
  },
  "Slice with steps": {
    inputs: [[5, 8]],
    build: (g, [a]) => g.slice(a!, [1, -1], [5, 0], { axes: [0, 1], steps: [2, -3] }),
  },
  "Slice with a step over the last element": {
    inputs: [[8, 3]],
    build: (g, [a]) => g.slice(a!, [0], [8], { steps: [3] }),
  },
  "Pad that adds and cuts": { inputs: [[4, 5]], build: (g, [a]) => g.pad(a!, [1, -2, -1, 3]) },
  Expand: { inputs: [[3, 1]], build: (g, [a]) => g.expand(a!, [2, 3, 4]) },
  Tile: { inputs: [[2, 3]], build: (g, [a]) => g.op("Tile", [a, g.ints([3, 2])]) },
  "ReduceSum that drops axes": {
    inputs: [[2, 3, 4]],
    build: (g, [a]) => g.reduceSum(a!, [0, -1], { keep: false }),
  },
  "ReduceMean over everything": { inputs: [[3, 4]], build: (g, [a]) => g.reduceMean(a!) },
  ReduceMax: { inputs: [[3, 5]], build: (g, [a]) => g.reduceMax(a!, [1], { keep: false }) },
  ReduceMin: { inputs: [[3, 5]], build: (g, [a]) => g.reduceMin(a!, [0]) },
  ReduceSumSquare: { inputs: [[3, 5]], build: (g, [a]) => g.op("ReduceSumSquare", [a]) },
  ReduceLogSumExp: {
    inputs: [[3, 5]],
    build: (g, [a]) => g.op("ReduceLogSumExp", [a, g.ints([1])], { keepdims: 0 }),
  },
  GlobalAveragePool: {
    inputs: [[2, 3, 4, 5]],
    build: (g, [a]) => g.globalAveragePool(a!),
    reference: ([x]) => globalAveragePool64(x!),
  },
  "Gather with repeated and negative indices": {
    inputs: [[2, 4, 3]],
    build: (g, [a]) => g.gather(a!, g.constant([0, -1, 2, 0, 0, 1], [2, 3], { dtype: "int64" }), 1),
  },
  "Gather of one slice": { inputs: [[2, 4]], build: (g, [a]) => g.gather(a!, 2, 1) },
  GatherElements: {
    inputs: [[3, 4]],
    build: (g, [a]) =>
      g.gatherElements(a!, g.constant([0, 2, 2, 1, 0, 0, 2, 2], [2, 4], { dtype: "int64" }), 0),
  },
  "ScatterElements that adds": {
    inputs: [[3, 4], [1, 4]],
    build: (g, [a, b]) =>
      g.scatterElements(a!, g.constant([2, 0, 1, 1], [1, 4], { dtype: "int64" }), b!, {
        reduction: "add",
      }),
  },
  "ScatterElements that overwrites": {
    inputs: [[3, 4], [3, 1]],
    build: (g, [a, b]) =>
      g.scatterElements(a!, g.constant([3, 0, 1], [3, 1], { dtype: "int64" }), b!, { axis: 1 }),
  },
  "MaxPool with padding": {
    inputs: [[2, 2, 7, 5]],
    build: (g, [a]) => g.maxPool(a!, 3, { strides: 2, pads: 1 }),
  },
  "AveragePool with padding": {
    inputs: [[2, 2, 7, 5]],
    build: (g, [a]) => g.averagePool(a!, [3, 2], { strides: [2, 1], pads: [1, 0, 0, 0] }),
    reference: ([x]) => averagePool64(x!),
  },
  "AveragePool with last partial windows": {
    inputs: [[2, 2, 5, 7]],
    build: (g, [a]) => g.averagePool(a!, 2, { strides: 2, ceil: true }),
    reference: ([x]) => partialPool64(x!, 0),
  },
  "AveragePool that counts its padding": {
    inputs: [[2, 2, 5, 7]],
    build: (g, [a]) =>
      g.op("AveragePool", [a], {
        kernel_shape: [3, 3],
        strides: [2, 2],
        pads: [1, 1, 1, 1],
        count_include_pad: 1,
      }),
    reference: ([x]) => partialPool64(x!, 1),
  },
  "Resize up with half-pixel centres": {
    inputs: [[1, 2, 3, 5]],
    build: (g, [a]) => g.resize(a!, { sizes: [1, 2, 7, 8] }),
    reference: ([x]) => resize64(x!, 7, 8, false),
  },
  "Resize down with aligned corners": {
    inputs: [[2, 1, 6, 7]],
    build: (g, [a]) => g.resize(a!, { sizes: [2, 1, 3, 4] }, { coordinates: "align_corners" }),
    reference: ([x]) => resize64(x!, 3, 4, true),
  },
};

function convCase(
  x: readonly number[],
  w: readonly number[],
  geometry: ConvGeometry = {},
  autoPad?: "SAME_UPPER" | "SAME_LOWER",
): GradientCase {
  return {
    inputs: [x, w, [w[0]!]],
    build: (g, [a, b, bias]) =>
      g.conv(a!, b!, {
        bias,
        strides: geometry.stride,
        dilations: geometry.dilation,
        group: geometry.group,
        ...(autoPad ? { autoPad } : { pads: geometry.pads }),
      }),
    reference: (inputs) => conv64(inputs, geometry),
  };
}

const convolutions: Record<string, GradientCase> = {
  "3×3": convCase([2, 3, 5, 6], [4, 3, 3, 3], { pads: [1, 1, 1, 1] }),
  "3×3 on one image": convCase([1, 2, 5, 6], [3, 2, 3, 3], { pads: [1, 1, 1, 1] }),
  "2×3 with uneven padding": convCase([2, 2, 5, 4], [3, 2, 2, 3], { pads: [0, 2, 1, 0] }),
  "padding beyond the kernel": convCase([1, 2, 4, 3], [2, 2, 2, 2], { pads: [2, 3, 1, 2] }),
  "no padding and stride that leaves a rest": convCase([1, 2, 8, 7], [3, 2, 3, 3], {
    stride: [2, 3],
  }),
  "3×3 stride 2 on even sizes": convCase([2, 2, 6, 8], [3, 2, 3, 3], {
    stride: [2, 2],
    pads: [1, 1, 1, 1],
  }),
  "3×3 stride 2 on odd sizes": convCase([1, 2, 7, 5], [3, 2, 3, 3], {
    stride: [2, 2],
    pads: [1, 1, 1, 1],
  }),
  "7×7 stride 2": convCase([1, 2, 9, 10], [2, 2, 7, 7], { stride: [2, 2], pads: [3, 3, 3, 3] }),
  "stride larger than the kernel": convCase([1, 2, 9, 7], [2, 2, 2, 2], { stride: [3, 3] }),
  "SAME_UPPER with an odd zero at the end": convCase([1, 2, 6, 8], [3, 2, 3, 3], {
    stride: [2, 2],
    pads: [0, 0, 1, 1],
  }, "SAME_UPPER"),
  "SAME_LOWER with an odd zero at the start": convCase([1, 2, 6, 8], [3, 2, 3, 3], {
    stride: [2, 2],
    pads: [1, 1, 0, 0],
  }, "SAME_LOWER"),
  "3×3 dilated": convCase([1, 2, 8, 7], [3, 2, 3, 3], {
    dilation: [2, 2],
    pads: [2, 2, 2, 2],
  }),
  "3×3 dilated and strided": convCase([1, 2, 9, 8], [3, 2, 3, 3], {
    dilation: [2, 1],
    stride: [2, 2],
    pads: [2, 1, 2, 1],
  }),
  "1×1": convCase([2, 3, 4, 5], [4, 3, 1, 1]),
  "1×1 stride 2 on odd sizes": convCase([2, 3, 5, 7], [4, 3, 1, 1], { stride: [2, 2] }),
  "1×1 padded": convCase([1, 3, 4, 5], [2, 3, 1, 1], { pads: [1, 0, 0, 2] }),
  "3×3 depthwise": convCase([2, 3, 5, 6], [3, 1, 3, 3], { group: 3, pads: [1, 1, 1, 1] }),
  "5×5 depthwise stride 2": convCase([2, 3, 7, 8], [3, 1, 5, 5], {
    group: 3,
    stride: [2, 2],
    pads: [2, 2, 2, 2],
  }),
  "3×3 depthwise stride 2 that leaves a rest": convCase([1, 2, 8, 10], [2, 1, 3, 3], {
    group: 2,
    stride: [2, 2],
  }),
  "3×3 depthwise dilated": convCase([1, 2, 8, 7], [2, 1, 3, 3], {
    group: 2,
    dilation: [2, 2],
    pads: [2, 2, 2, 2],
  }),
  "depthwise with two filters a channel": convCase([2, 3, 5, 4], [6, 1, 3, 3], {
    group: 3,
    pads: [1, 1, 1, 1],
  }),
  "3×3 in two groups, stride 2": convCase([2, 4, 6, 7], [6, 2, 3, 3], {
    group: 2,
    stride: [2, 2],
    pads: [1, 1, 1, 1],
  }),
  "1×1 in two groups": convCase([2, 4, 3, 5], [6, 2, 1, 1], { group: 2 }),
};

for (const [name, test] of Object.entries(cases)) {
  Deno.test(`gradients() agrees with finite differences for ${name}`, () => checkGradients(test));
}

for (const [name, test] of Object.entries(convolutions)) {
  Deno.test(`gradients() agrees with finite differences for Conv, ${name}`, () =>
    checkGradients(test));
}

Deno.test("gradients() of a 3×3 Conv by its weights is right on a large single image", () =>
  checkGradients({
    ...convCase([1, 2, 68, 65], [2, 2, 3, 2], { pads: [1, 2, 0, 1], dilation: [2, 1] }),
    differentiate: [1, 2],
  }));

Deno.test("gradients() is 0 exactly at the bounds of Relu and Clip", async () => {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", [6]);
  const loss = (y: ReturnType<typeof g.relu>) => g.reduceSum(y, [], { keep: false });
  g.output("relu", gradients(g, loss(g.relu(x)), [x])[0]!);
  g.output("relu6", gradients(g, loss(g.clip(x, 0, 6)), [x])[0]!);
  g.output("other", gradients(g, loss(g.clip(x, -0.1, 5.3)), [x])[0]!);
  const out = await run(g.build(), { x: { data: [-1, 0, -0.1, 3, 6, 5.3], shape: [6] } });
  assert.deepEqual([...out.relu!.data], [0, 0, 0, 1, 1, 1]);
  assert.deepEqual([...out.relu6!.data], [0, 0, 0, 1, 0, 1]);
  assert.deepEqual([...out.other!.data], [0, 1, 0, 1, 0, 0]);
});

Deno.test("gradients() carries a symbolic batch size", async () => {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", ["N", 2, "H", "W"]);
  const w = g.input("w", "float32", [3, 2]);
  const pooled = g.reduceMean(g.relu(x), [2, 3], { keep: false });
  const scores = g.logSoftmax(g.add(g.gemm(pooled, w, { transB: true }), 1));
  const [dx, dw] = gradients(g, g.reduceMean(g.mul(scores, scores), [], { keep: false }), [x, w]);
  assert.deepEqual(dx!.shape, ["N", 2, "H", "W"]);
  g.output("dx", dx!);
  g.output("dw", dw!);
  const out = await run(g.build(), {
    x: { data: Array.from({ length: 40 }, (_, at) => Math.sin(at)), shape: [2, 2, 5, 2] },
    w: { data: [1, 2, 3, -1, -2, -3], shape: [3, 2] },
  });
  assert.deepEqual(out.dx!.dims, [2, 2, 5, 2]);
  assert.deepEqual(out.dw!.dims, [3, 2]);
});

Deno.test("gradients() stops where told and gives zeros for what the loss does not use", async () => {
  const g = new GraphBuilder();
  const [x, unused] = [g.input("x", "float32", [3]), g.input("unused", "float32", [2, 2])];
  const square = g.mul(x, x);
  const loss = g.reduceSum(g.mul(square, x), [], { keep: false });
  const [whole, none] = gradients(g, loss, [x, unused]);
  const [middle] = gradients(g, loss, [square]);
  const [stopped] = gradients(g, loss, [x], { stop: [square] });
  [whole!, none!, middle!, stopped!].forEach((value, at) => g.output(`d${at}`, value));
  const out = await run(g.build(), {
    x: { data: [1, 2, 3], shape: [3] },
    unused: { data: [1, 2, 3, 4], shape: [2, 2] },
  });
  assert.deepEqual([...out.d0!.data], [3, 12, 27]);
  assert.deepEqual([...out.d1!.data], [0, 0, 0, 0]);
  assert.deepEqual([...out.d2!.data], [1, 2, 3]);
  assert.deepEqual([...out.d3!.data], [1, 4, 9]);
  assert.throws(() => gradients(g, loss, [unused], { unreachable: "error" }), /does not use it/);
});

Deno.test("gradients() throws TypeError naming the operator when it has no rule", () => {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", [2, 3]);
  const y = g.op("CumSum", [x, g.constant(0, [], { dtype: "int64" })], {}, { name: "running" });
  const loss = g.reduceSum(y, [], { keep: false });
  assert.throws(() => gradients(g, loss, [x]), {
    name: "TypeError",
    message: 'Cannot differentiate CumSum "running": it has no rule',
  });
  assert.throws(() => gradients(g, y, [x]), /\[2,3\]: the loss must be a scalar/);
});
