import assert from "node:assert/strict";
import { ModelError } from "../../../core/errors.ts";
import { ConstantLayers, listTensors } from "../../../core/nets/constant_layers.ts";
import type { NetworkLayers } from "../../../core/nets/network_layers.ts";
import { GraphBuilder, type Value } from "../../../core/onnx/graph_builder.ts";
import type { WeightTensor } from "../../../core/weights/tensor.ts";
import { run } from "../onnx/session.ts";

function tensor(shape: number[], values: readonly number[]): WeightTensor {
  return { shape, dtype: "float32", data: Float32Array.from(values) };
}

type Network = (layers: NetworkLayers, x: Value) => Value;

/** What a network of layers gives for a map of any size. */
async function output(
  network: Network,
  weights: Record<string, WeightTensor>,
  data: readonly number[],
  shape: readonly number[],
) {
  const g = new GraphBuilder();
  const layers = new ConstantLayers(g, new Map(Object.entries(weights)));
  const x = g.input("x", "float32", ["N", shape[1]!, "H", "W"]);
  g.output("y", network(layers, x));
  layers.check("a network");
  return (await run(g.build(), { x: { data, shape } })).y!;
}

function assertClose(actual: ArrayLike<number | bigint>, expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, i) => {
    assert.ok(Math.abs(Number(actual[i]) - value) < 1e-5, `${actual[i]} at ${i}, not ${value}`);
  });
}

const NORM = {
  "bn.weight": tensor([2], [2, 1]),
  "bn.bias": tensor([2], [0.5, -1]),
  "bn.running_mean": tensor([2], [1, 0]),
  "bn.running_var": tensor([2], [3, 0]),
};

Deno.test("ConstantLayers normalises by stored statistics, alone and behind a convolution", async () => {
  const data = [1, 3, -1, 0, 4, 2];
  const scale = 2 / Math.sqrt(3 + 1);
  const alone = await output(
    (layers, x) => layers.norm(x, "bn", 2, { epsilon: 1, activation: "relu" }),
    NORM,
    data,
    [1, 2, 1, 3],
  );
  const expected = [0, 2, -2].map((x) => x * scale + 0.5).concat([0, 4, 2].map((x) => x - 1));
  assertClose(alone.data, expected.map((x) => Math.max(0, x)));

  // Channels swapped, the second doubled, with a bias before the normalisation.
  const behind = await output(
    (layers, x) => layers.convNorm(x, "conv", "bn", [2, 2, 1, 1], { epsilon: 1, bias: true }),
    {
      ...NORM,
      "conv.weight": tensor([2, 2, 1, 1], [0, 1, 2, 0]),
      "conv.bias": tensor([2], [1, 10]),
    },
    data,
    [1, 2, 1, 3],
  );
  assertClose(behind.data, [
    ...[0, 4, 2].map((x) => (x + 1 - 1) * scale + 0.5),
    ...[1, 3, -1].map((x) => 2 * x + 10 - 1),
  ]);
});

Deno.test("ConstantLayers resizes to another map's size, from one cell too", async () => {
  const line = [0, 3];
  const widened = (network: Network, width: number) =>
    output(network, {}, line, [1, 1, 1, 2]).then(({ dims, data }) => {
      assert.deepEqual(dims, [1, 1, 1, width]);
      return data;
    });
  // A map of twice the width is made out of the input itself.
  const twice = (layers: NetworkLayers, x: Value) =>
    layers.enlargeLike(x, 2, layers.concat([x, x], [1, 1]), 1);
  assertClose(await widened(twice, 2), [0, 0.75]);
  const aligned: Network = (layers, x) =>
    layers.resizeLike(layers.averagePool(x, 2, 1, { padding: 1, countPadding: true }), x, 1, true);
  // Means 0, 0.75, 0.75 in both rows; one row and the outer columns are kept.
  assertClose(await widened(aligned, 2), [0, 0.75]);
  const spread: Network = (layers, x) => layers.resizeLike(layers.globalMean(x, 1), x, 1, false);
  assertClose(await widened(spread, 2), [1.5, 1.5]);
});

Deno.test("ConstantLayers pools a last partial window, and counts zeros around only if asked", async () => {
  const data = [2, 4, 6];
  const pooled = (
    options: { padding?: number; ceil?: boolean; countPadding?: boolean },
    kernel = 2,
  ) => output((layers, x) => layers.averagePool(x, kernel, 2, options), {}, data, [1, 1, 1, 3]);
  const tall = [2, 4, 6, 2, 4, 6];
  const whole = await output(
    (layers, x) => layers.averagePool(x, 2, 2, { ceil: true }),
    {},
    tall,
    [1, 1, 2, 3],
  );
  assertClose(whole.data, [3, 6]);
  assertClose((await pooled({ padding: 1, countPadding: true }, 3)).data, [6 / 9, 10 / 9]);
  assertClose((await pooled({ padding: 1 }, 3)).data, [3, 5]);
});

Deno.test("ConstantLayers blends groups of maps by a softmax over their logits", async () => {
  // Logits 0 and ln 3 whatever is pooled: shares of a quarter and three quarters.
  const weights = {
    "fc.weight": tensor([2, 1, 1, 1], [0, 0]),
    "fc.bias": tensor([2], [0, Math.log(3)]),
  };
  const network: Network = (layers, x) =>
    layers.splitAttention(x, 1, 2, (p) => layers.conv(p, "fc", [2, 1, 1, 1], { bias: true }));
  const { dims, data } = await output(network, weights, [4, 8, 0, 4], [1, 2, 1, 2]);
  assert.deepEqual(dims, [1, 1, 1, 2]);
  assertClose(data, [1, 5]);
});

Deno.test("ConstantLayers gives a linear layer's outputs, and leaves dropout away", async () => {
  const weights = { "fc.weight": tensor([1, 2], [1, -2]), "fc.bias": tensor([1], [0.5]) };
  const network: Network = (layers, x) =>
    layers.linear(layers.globalMean(layers.dropout(x, 0.9), 2), "fc", [1, 2]);
  const { dims, data } = await output(network, weights, [1, 3, 4, 6], [1, 2, 1, 2]);
  assert.deepEqual(dims, [1, 1]);
  assertClose(data, [2 - 10 + 0.5]);
});

Deno.test("ConstantLayers.check() refuses what is missing, and what is no number or too large", () => {
  const build = (weights: Record<string, WeightTensor>, storage?: "fp16") => {
    const g = new GraphBuilder();
    const layers = new ConstantLayers(g, new Map(Object.entries(weights)), { storage });
    layers.conv(g.input("x", "float32", ["N", 1, "H", "W"]), "conv", [1, 1, 1, 1]);
    layers.check("a network");
  };
  const of = (value: number) => ({ "conv.weight": tensor([1, 1, 1, 1], [value]) });
  const refuses = (weights: Record<string, WeightTensor>, message: RegExp, storage?: "fp16") =>
    assert.throws(
      () => build(weights, storage),
      (error) => error instanceof ModelError && message.test(error.message),
    );
  build(of(7e4));
  build(of(6e4), "fp16");
  refuses({}, /weights do not fit: conv\.weight \[1, 1, 1, 1\] is missing$/);
  refuses(of(NaN), /conv\.weight holds values that are no numbers or too large for float32$/);
  refuses(of(-Infinity), /too large for float32$/);
  refuses(of(-7e4), /too large for fp16$/, "fp16");
});

Deno.test("listTensors() lists what a network asks for, in its order", () => {
  const tensors = listTensors((layers, image) => {
    const x = layers.convNorm(image, "stem", "bn", [4, 3, 3, 3]);
    layers.groupNorm(x, "gn", 4, 2);
  });
  assert.deepEqual([...tensors], [
    ["stem.weight", [4, 3, 3, 3]],
    ["bn.weight", [4]],
    ["bn.bias", [4]],
    ["bn.running_mean", [4]],
    ["bn.running_var", [4]],
    ["gn.weight", [4]],
    ["gn.bias", [4]],
  ]);
});
