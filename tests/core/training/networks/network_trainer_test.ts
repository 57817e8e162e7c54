import assert from "node:assert/strict";
import * as ort from "onnxruntime-node";
import { ModelError, OptionError } from "../../../../core/errors.ts";
import type { LearntLayers } from "../../../../core/nets/learnt_layers.ts";
import type { GraphBuilder, Value } from "../../../../core/onnx/graph_builder.ts";
import {
  type Feeds,
  NetworkTrainer,
  type NetworkTrainerOptions,
} from "../../../../core/training/networks/network_trainer.ts";
import { formulaWeights, hashed } from "../../nets/formula_weights.ts";

const IMAGE = [2, 3, 9, 14] as const;
const SHAPES = new Map<string, readonly number[]>([
  ["conv1.weight", [16, 3, 3, 3]],
  ...["weight", "bias", "running_mean", "running_var"].map((part) =>
    [`bn1.${part}`, [16]] as [string, number[]]
  ),
  ["conv2.weight", [5, 16, 1, 1]],
  ["conv2.bias", [5]],
]);

function network(g: GraphBuilder, layers: LearntLayers, images: number): Value {
  const image = g.input("image", "float32", [images, ...IMAGE.slice(1)]);
  const x = layers.convNorm(layers.enter(image), "conv1", "bn1", [16, 3, 3, 3], {
    stride: 2,
    padding: "same",
    activation: "relu",
  });
  const y = layers.conv(layers.dropout(x, 0.5), "conv2", [5, 16, 1, 1], { bias: true });
  const maps = layers.leave(y, 5);
  return g.reduceMean(g.mul(maps, maps), [], { keep: false });
}

const DEFAULTS: NetworkTrainerOptions<"size"> = {
  build: (g, layers) => {
    const loss = network(g, layers, 2);
    return { loss, size: g.sqrt(loss) };
  },
  parameters: formulaWeights(SHAPES),
  groups: [{ match: /./, weightDecay: 0.01 }],
  optimizer: { type: "sgd", momentum: 0.9, nesterov: true },
  seed: 5,
  session: { threads: 1 },
};

const create = (options: Partial<NetworkTrainerOptions<"size">> = {}) =>
  NetworkTrainer.create({ ...DEFAULTS, ...options });

const PIXELS = IMAGE[1] * IMAGE[2] * IMAGE[3];

function batch(name: string, images = 2): Feeds {
  const data = Float32Array.from(hashed(name, images * PIXELS), (u) => 2 * u - 1);
  return { image: new ort.Tensor("float32", data, [images, ...IMAGE.slice(1)]) };
}

const data = (trainer: NetworkTrainer<"size">, name: string) =>
  trainer.parameters().get(name)!.data as Float32Array;

Deno.test("NetworkTrainer goes on from a state to the same bits", async () => {
  for (const optimizer of [DEFAULTS.optimizer, { type: "adam" } as const]) {
    await using one = await create({ optimizer });
    for (let step = 0; step < 3; step++) await one.step(batch(`b${step}`), 0.01);
    const state = one.state();
    for (let step = 3; step < 6; step++) await one.step(batch(`b${step}`), 0.01);

    await using other = await create({ optimizer });
    other.restore(state);
    assert.equal(other.steps, 3);
    let last: Record<"loss" | "size", number> | undefined;
    for (let step = 3; step < 6; step++) last = await other.step(batch(`b${step}`), 0.01);
    assert.ok(last!.loss > 0 && Math.abs(last!.size ** 2 / last!.loss - 1) < 1e-5);
    for (const [name, tensor] of one.state().tensors) {
      assert.deepEqual(other.state().tensors.get(name)!.data, tensor.data, name);
    }
  }
});

Deno.test("NetworkTrainer.step() takes the mean over several batches", async () => {
  const both = batch("all", 4).image!.data as Float32Array;
  const half = (at: number): Feeds => ({
    image: new ort.Tensor("float32", both.slice(at * 2 * PIXELS, (at + 1) * 2 * PIXELS), IMAGE),
  });
  const whole: Feeds = {
    image: new ort.Tensor("float32", both, [4, ...IMAGE.slice(1)]),
  };
  await using large = await create({
    build: (g, layers) => {
      const loss = network(g, layers, 4);
      return { loss, size: loss };
    },
    dropout: false,
  });
  await using small = await create({ dropout: false });
  const [a, b] = [await large.step(whole, 0.1), await small.step([half(0), half(1)], 0.1)];
  assert.ok(Math.abs(a.loss / b.loss - 1) < 1e-5);
  const [one, other] = [data(large, "conv1.weight"), data(small, "conv1.weight")];
  one.forEach((value, i) => assert.ok(Math.abs(value - other[i]!) < 1e-6));
  assert.equal(small.steps, 1);
});

Deno.test("NetworkTrainer learns each group at its own rate and leaves the others", async () => {
  const groups = [{ match: /^conv2\.w/, rate: 3 }, {
    match: (name: string) => name === "bn1.bias",
  }];
  await using trainer = await create({ groups, dropout: false });
  await using plain = await create({ groups: [{ match: /./ }], dropout: false });
  assert.deepEqual([...trainer.learnt].sort(), ["bn1.bias", "conv2.weight"]);
  const before = trainer.parameters();
  for (const each of [trainer, plain]) await each.step(batch("b"), 0.01);
  const change = (each: NetworkTrainer<"size">, name: string) =>
    data(each, name).map((v, i) => v - (before.get(name)!.data as Float32Array)[i]!);
  for (const [name, factor] of [["conv2.weight", 3], ["bn1.bias", 1]] as const) {
    const [own, other] = [change(trainer, name), change(plain, name)];
    own.forEach((v, i) => assert.ok(Math.abs(v - factor * other[i]!) < 1e-5 * factor, name));
    assert.ok(own.some((v) => Math.abs(v) > 1e-4));
  }
  for (const name of ["conv1.weight", "bn1.weight", "conv2.bias", "bn1.running_mean"]) {
    assert.deepEqual(trainer.parameters().get(name)!.data, before.get(name)!.data, name);
  }
});

Deno.test("NetworkTrainer drops by its seed: other steps and seeds drop others", async () => {
  const losses = async (seed: number) => {
    await using trainer = await create({ seed });
    const both = [await trainer.step(batch("b"), 0), await trainer.step(batch("b"), 0)];
    return both.map(({ loss }) => loss);
  };
  const [first, second] = [await losses(1), await losses(2)];
  assert.notEqual(first[0], first[1]);
  assert.notEqual(first[0], second[0]);
  assert.deepEqual(await losses(1), first);
});

Deno.test("NetworkTrainer.losses() moves nothing", async () => {
  await using trainer = await create({ dropout: false });
  const before = trainer.state();
  const { loss } = await trainer.losses(batch("b"));
  assert.ok(loss > 0);
  assert.deepEqual(trainer.state(), before);
  assert.equal((await trainer.step(batch("b"), 0.1)).loss, loss);
});

Deno.test("NetworkTrainer.create() throws for networks that cannot be trained", async () => {
  const parameters = new Map(DEFAULTS.parameters);
  await assert.rejects(create({ groups: [{ match: /^nothing/ }] }), OptionError);
  parameters.delete("bn1.running_var");
  await assert.rejects(create({ parameters }), { name: ModelError.name, message: /running_var/ });
  parameters.set("bn1.running_var", { shape: [8], dtype: "float32", data: new Float32Array(8) });
  await assert.rejects(create({ parameters }), { name: ModelError.name, message: /\[8\]/ });
});

Deno.test("NetworkTrainer.restore() throws OptionError for another optimiser's state", async () => {
  await using sgd = await create();
  await using adam = await create({ optimizer: { type: "adam" } });
  assert.throws(() => adam.restore(sgd.state()), { message: /mean\/conv1\.weight/ });
});
