import assert from "node:assert/strict";
import { ModelError } from "../../../../core/errors.ts";
import { networkTensors } from "../../../../core/nets/build_network.ts";
import { type Batch } from "../../../../core/training/data/sample_loader.ts";
import { splitBatch } from "../../../../core/training/data/split_batch.ts";
import {
  type BuildLosses,
  NetworkTrainer,
} from "../../../../core/training/networks/network_trainer.ts";
import { affinityFeeds, affinityLosses } from "../../../../core/training/networks/affinity.ts";
import {
  classifierFeeds,
  classifierLosses,
  puzzleWeight,
} from "../../../../core/training/networks/classifier.ts";
import { initialParameters } from "../../../../core/training/networks/initial_parameters.ts";
import {
  segmentationFeeds,
  segmentationLosses,
} from "../../../../core/training/networks/segmentation.ts";
import type { StateDict } from "../../../../core/weights/state_dict.ts";
import { formulaWeights, hashed } from "../../nets/formula_weights.ts";
import { TINY_BACKBONES, TINY_CLASSES } from "../../nets/tiny_backbones.ts";

const backbone = TINY_BACKBONES["efficientnet-lite"];
const SIZE = 32;

/** A batch of noise, with labels and masks of `classes`. */
function batchOf(count: number, side: number, classes: number): Batch {
  const numbers = (name: string, length: number) => hashed(name, count * length);
  return {
    step: 0,
    epoch: 0,
    index: 0,
    samples: Uint32Array.from({ length: count }, (_, i) => i),
    ids: Array.from({ length: count }, (_, i) => String(i)),
    images: Float32Array.from(numbers("images", 3 * SIZE * SIZE), (u) => 2 * u - 1),
    labels: Float32Array.from(numbers("labels", TINY_CLASSES), (u) => u < 0.5 ? 1 : 0),
    masks: Uint8Array.from(
      numbers("masks", side * side),
      (u) => u < 0.1 ? 255 : Math.floor(u * classes),
    ),
  };
}

const openTrainer = <Name extends string>(build: BuildLosses<Name>, parameters: StateDict) =>
  NetworkTrainer.create({
    build,
    parameters,
    groups: [{ match: /^(classifier|decoder|fc_edge)/ }],
    optimizer: { type: "sgd" },
    dropout: false,
    session: { threads: 1 },
  });

const classifierWeights = formulaWeights(networkTensors("classifier", backbone, TINY_CLASSES));

Deno.test("classifierLosses() adds the tiles' loss and their weighted distance to the image's", async () => {
  const training = { backbone, classes: TINY_CLASSES, batch: 2, size: SIZE, puzzle: true };
  await using trainer = await openTrainer(classifierLosses(training), classifierWeights);
  const batch = batchOf(2, 1, 1);
  const { loss, whole, tiles, distance } = await trainer.losses(
    classifierFeeds(batch, training, 3),
  ) as Record<string, number>;
  assert.ok(Math.abs(loss! - (whole! + tiles! + 3 * distance!)) < 1e-5 * loss!);
  assert.ok(distance! > 0 && tiles !== whole);

  const plain = { ...training, puzzle: false };
  await using simple = await openTrainer(classifierLosses(plain), classifierWeights);
  const alone = await simple.losses(classifierFeeds(batch, plain, 3));
  assert.deepEqual(Object.keys(alone), ["loss"]);
  assert.ok(Math.abs(alone.loss! - whole!) < 1e-5 * whole!);
});

Deno.test("a step over several batches moves a classifier as one large batch does", async () => {
  const small = { backbone, classes: TINY_CLASSES, batch: 2, size: SIZE, puzzle: true };
  const large = { ...small, batch: 4 };
  const batch = batchOf(4, 1, 1);
  await using one = await openTrainer(classifierLosses(large), classifierWeights);
  await using several = await openTrainer(classifierLosses(small), classifierWeights);
  const [a, b] = [
    await one.step(classifierFeeds(batch, large, 2), 0.1),
    await several.step(splitBatch(batch, 2).map((part) => classifierFeeds(part, small, 2)), 0.1),
  ];
  assert.ok(Math.abs(a.loss! - b.loss!) < 1e-5 * a.loss!);
  const weights = (trainer: typeof one) =>
    trainer.parameters().get("classifier.weight")!.data as Float32Array;
  const before = classifierWeights.get("classifier.weight")!.data as Float32Array;
  assert.ok(weights(one).some((value, i) => Math.abs(value - before[i]!) > 1e-3));
  weights(one).forEach((value, i) =>
    assert.ok(Math.abs(value - weights(several)[i]!) < 1e-5, `${i}`)
  );
});

Deno.test("puzzleWeight() rises to its most over the first half, and stays", () => {
  const weights = [0, 5, 10, 15, 19].map((step) => puzzleWeight(step, 20, 4));
  assert.deepEqual(weights, [0, 2, 4, 4, 4]);
});

Deno.test("affinityLosses() fall when AffinityNet steps on the same batch", async () => {
  const training = { backbone, batch: 2, size: SIZE, radius: 4 };
  const weights = formulaWeights(networkTensors("affinity", backbone, 0));
  await using trainer = await openTrainer(affinityLosses(training), weights);
  const feeds = affinityFeeds(batchOf(2, SIZE / 4, 3), training);
  const { loss, ...parts } = await trainer.losses(feeds);
  const { background, foreground, different } = parts;
  assert.ok([background, foreground, different].every((part) => part > 0));
  assert.ok(Math.abs(loss - (background / 2 + foreground / 2 + different) / 2) < 1e-5 * loss);
  for (let step = 0; step < 3; step++) await trainer.step(feeds, 0.01);
  assert.ok((await trainer.losses(feeds)).loss < loss);
});

for (const labelStride of [1, 4]) {
  Deno.test(`segmentationLosses() begin at ln 21 with labels at stride ${labelStride}, and fall`, async () => {
    const classes = 21;
    const training = { backbone, classes, batch: 2, size: SIZE, labelStride };
    const weights = formulaWeights(networkTensors("deeplabv3plus", backbone, classes));
    for (const name of ["decoder.classifier.weight", "decoder.classifier.bias"]) {
      (weights.get(name)!.data as Float32Array).fill(0);
    }
    await using trainer = await openTrainer(segmentationLosses(training), weights);
    const feeds = segmentationFeeds(batchOf(2, SIZE / labelStride, classes), training);
    // All classes are as likely.
    const { loss } = await trainer.step(feeds, 0.05);
    assert.ok(Math.abs(loss - Math.log(classes)) < 1e-5);
    assert.ok((await trainer.losses(feeds)).loss < loss);
  });
}

Deno.test("initialParameters() takes what is there and draws the rest by the seed", () => {
  const all = formulaWeights(networkTensors("backbone", backbone, 0));
  const made = (seed: number, network?: StateDict) =>
    initialParameters("deeplabv3plus", backbone, 5, { backbone: all, network, seed });
  const { parameters, fresh } = made(1);
  assert.deepEqual(
    new Set(parameters.keys()),
    new Set(networkTensors("deeplabv3plus", backbone, 5).keys()),
  );
  for (const [name, tensor] of parameters) {
    assert.equal(fresh.has(name), !name.startsWith("model."), name);
    if (!fresh.has(name)) assert.equal(tensor, all.get(name.slice("model.".length)));
  }
  const weight = (seed: number) => made(seed).parameters.get("decoder.classifier.weight")!.data;
  assert.deepEqual(weight(1), weight(1));
  assert.notDeepEqual(weight(1), weight(2));
  const bias = parameters.get("decoder.classifier.bias")!.data as Float32Array;
  assert.ok(bias.every((value) => value === 0));

  // Of a network of other classes, all is taken but for the layers that count them.
  const other = initialParameters("deeplabv3plus", backbone, 4, { backbone: all, seed: 3 });
  const further = made(1, other.parameters);
  assert.deepEqual([...further.fresh], ["decoder.classifier.weight", "decoder.classifier.bias"]);

  all.delete([...all.keys()][0]!);
  assert.throws(() => made(1), { name: ModelError.name, message: /backbone's weights have no/ });
});
