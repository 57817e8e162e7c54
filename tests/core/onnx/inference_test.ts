import assert from "node:assert/strict";
import { GraphBuilder, type Shape, type Value } from "../../../core/onnx/graph_builder.ts";
import { run } from "./session.ts";

/** Shapes found when the model is built, next to those found when it runs. */
const graphs: Record<string, (g: GraphBuilder, x: Value) => Value> = {
  "AveragePool with ceil": (g, x) => g.averagePool(x, 3, { strides: 2, ceil: true }),
  "MaxPool SAME_LOWER": (g, x) => g.maxPool(x, [3, 2], { strides: [2, 3], autoPad: "SAME_LOWER" }),
  "Resize by scales": (g, x) => g.resize(x, { scales: [1, 1, 1.7, 2] }, { mode: "nearest" }),
  "Resize to sizes": (g, x) => g.resize(x, { sizes: [2, 3, 9, 4] }, { mode: "cubic" }),
  "Slice backwards": (g, x) => g.slice(x, [-1, 4], [-100, 0], { axes: [2, 3], steps: [-2, -1] }),
  "Slice past the end": (g, x) => g.slice(x, [1, 7], [100, 9], { axes: [2, 3] }),
  "Slice of nothing": (g, x) => g.slice(x, [3], [1], { axes: [2] }),
  "Pad and cut": (g, x) => g.pad(x, [0, 1, -1, 0, 0, 0, 2, -3], { mode: "edge" }),
  "Reshape keeping an axis": (g, x) => g.reshape(x, [0, -1, 5]),
  "Flatten": (g, x) => g.op("Flatten", [x], { axis: 2 }),
  "Transpose by default": (g, x) => g.transpose(x),
  "Unsqueeze": (g, x) => g.unsqueeze(x, [-1, 1]),
  "Tile": (g, x) => g.op("Tile", [x, g.ints([1, 2, 1, 3])]),
  "Expand": (g, x) => g.expand(g.slice(x, [0], [1]), [4, 2, 1, 1, 1]),
  "Split unevenly": (g, x) => g.node("Split", [x], { axis: 3, num_outputs: 2 }, { outputs: 2 })[1]!,
  "Gather with a matrix": (g, x) =>
    g.gather(x, g.constant([0, 1, 2, 1, 0, 0], [3, 2], { dtype: "int64" }), 2),
  "OneHot in front": (g, x) => g.oneHot(g.argMax(x, 1, { keep: false }), 7, { axis: 0 }),
  "TopK": (g, x) => g.node("TopK", [x, g.ints([2])], { axis: 3 }, { outputs: 2 })[1]!,
  "DepthToSpace": (g, x) => g.op("DepthToSpace", [g.concat([x, x, x, x], 1)], { blocksize: 2 }),
  "GatherND": (g, x) => g.op("GatherND", [x, g.constant([0, 1, 1, 2], [2, 2], { dtype: "int64" })]),
  "MatMul broadcast": (g, x) => g.matMul(x, g.transpose(g.slice(x, [0], [1]), [0, 1, 3, 2])),
  "ReduceMean of some": (g, x) => g.reduceMean(x, [-1, 1], { keep: false }),
  "Shape": (g, x) => g.shapeOf(x),
  "ConstantOfShape": (g, x) =>
    g.mul(g.op("ConstantOfShape", [g.ints([3, 1, 1, 1])]), g.exp(g.slice(x, [0], [1]))),
};

const sizes = [2, 3, 6, 5];
const feeds = { x: { data: Array.from({ length: 180 }, (_, at) => at / 180), shape: sizes } };

for (const [name, build] of Object.entries(graphs)) {
  Deno.test(`the shape found for ${name} is the runtime's`, async () => {
    const g = new GraphBuilder();
    const y = build(g, g.input("x", "float32", sizes));
    g.output("y", y);
    const out = await run(g.build(), feeds);
    assert.deepEqual(out.y!.dims, y.shape);
  });
}

Deno.test("symbolic sizes are carried as expressions that stay equal where sizes do", () => {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", ["N", 3, "H", "W"]);
  const w = g.constant(new Float32Array(4 * 27), [4, 3, 3, 3]);
  const shapes: [Value, Shape][] = [
    [g.conv(x, w, { pads: 1 }), ["N", 4, "H", "W"]],
    [g.conv(x, w, { strides: 2, pads: 1 }), ["N", 4, "floor((H-1)/2)+1", "floor((W-1)/2)+1"]],
    [g.conv(x, w), ["N", 4, "H-2", "W-2"]],
    [g.maxPool(x, 2, { strides: 2 }), ["N", 3, "floor((H-2)/2)+1", "floor((W-2)/2)+1"]],
    [g.reshape(x, [0, 0, -1]), ["N", 3, "H*W"]],
    [g.reshape(x, [0, -1]), ["N", "3*H*W"]],
    [g.concat([x, x], 2), ["N", 3, "H+H", "W"]],
    [g.resize(x, { scales: [1, 1, 2, 2] }), ["N", 3, "2*H", "2*W"]],
    [g.slice(x, [0, 1], [-1, 2 ** 40], { axes: [2, 3] }), ["N", 3, "H-1", "W-1"]],
    [g.add(x, g.constant([1, 2, 3], [3, 1, 1])), ["N", 3, "H", "W"]],
    [g.globalAveragePool(x), ["N", 3, 1, 1]],
    [g.transpose(x, [0, 2, 3, 1]), ["N", "H", "W", 3]],
  ];
  for (const [value, wanted] of shapes) assert.deepEqual(value.shape, wanted);
});

Deno.test("symbolic sizes computed from a shape let a map be resized to another's size", async () => {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", [1, 2, "H", "W"]);
  const small = g.maxPool(x, 2, { strides: 2 });
  const back = g.resize(small, { sizes: g.shapeOf(x), shape: x.shape });
  g.output("y", g.sub(x, back));
  const out = await run(g.build(), {
    x: { data: Array.from({ length: 70 }, (_, at) => at), shape: [1, 2, 5, 7] },
  });
  assert.deepEqual(out.y!.dims, [1, 2, 5, 7]);
});
