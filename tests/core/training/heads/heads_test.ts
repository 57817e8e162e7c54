import assert from "node:assert/strict";
import {
  type CamHeadsOptions,
  rareClasses,
  trainCamHeads,
} from "../../../../core/training/heads/cam_heads.ts";
import type { Features } from "../../../../core/training/heads/features.ts";
import {
  imagenetDirections,
  imagenetMembers,
} from "../../../../core/training/heads/imagenet_prior.ts";
import {
  applyPrior,
  deviations,
  type Prior,
  standardizePrior,
} from "../../../../core/training/heads/linear_head.ts";
import { randomOrder, randomSubset } from "../../../../core/training/random.ts";
import { joinSeeds, pickSeeds } from "../../../../core/training/heads/seeds.ts";
import { trainMapHead } from "../../../../core/training/heads/map_head.ts";
import { trainTagHead } from "../../../../core/training/heads/tag_head.ts";
import { VOC_CLASSES } from "../../../../core/voc/classes.ts";
import { Pcg64 } from "../../../../kernels/pcg64.ts";

const close = (actual: number, expected: number, tolerance = 1e-5) =>
  assert.ok(Math.abs(actual - expected) < tolerance, `${actual} is not ${expected}`);

const WIDTH = 7;
const HEIGHT = 5;
const CELLS = WIDTH * HEIGHT;
const CHANNELS = 4;

/**
 * Features of an image whose left `shown` columns show class `label`: feature 0 or 1 says where (the
 * telling part stronger than the rest), feature 2 is the background's, feature 3 is noise.
 */
function featuresOf(label: number | null, shown: number, random: Pcg64): Features {
  const cells = new Float16Array(CELLS * CHANNELS);
  for (let i = 0; i < CELLS; i++) {
    const x = i % WIDTH;
    const inside = label !== null && x < shown;
    if (inside) cells[i * CHANNELS + label] = x === 0 ? 4 : 1.5;
    else cells[i * CHANNELS + 2] = 1;
    cells[i * CHANNELS + 3] = random.uniform();
  }
  return { cells, width: WIDTH, height: HEIGHT, channels: CHANNELS };
}

function meanOf({ cells }: Features): Float32Array {
  const mean = new Float32Array(CHANNELS);
  for (let i = 0; i < cells.length; i++) mean[i % CHANNELS]! += cells[i]! / CELLS;
  return mean;
}

const NO_PRIOR: Prior = {
  directions: new Float32Array(2 * CHANNELS),
  used: new Float32Array(2),
};

/** Images of class 0, of class 1 and of none, in turn. */
function makeImages(count: number) {
  const random = new Pcg64(5);
  return Array.from({ length: count }, (_, i) => {
    const label = i % 3 === 2 ? null : i % 3;
    const features = featuresOf(label, 2 + (i % 4), random);
    return {
      labels: label === null ? [] : [label],
      mean: () => Promise.resolve(meanOf(features)),
      features: () => Promise.resolve(features),
    };
  });
}

function score(weights: Float32Array, c: number, x: ArrayLike<number>, from = 0): number {
  let sum = 0;
  for (let k = 0; k < CHANNELS; k++) sum += weights[c * CHANNELS + k]! * x[from + k]!;
  return sum;
}

Deno.test("trainCamHeads() learns whole objects from image labels alone, the same every time", async () => {
  const images = makeImages(120);
  const phases = new Set<string>();
  const options: CamHeadsOptions = {
    seed: 3,
    threads: 1,
    tags: { weightDecay: 1e-3, rate: 0.05 },
    maps: { weightDecay: 1e-3, rate: 0.05, cells: 256, images: 64, epochs: 20 },
    onStep: (phase) => phases.add(phase),
  };
  const heads = await trainCamHeads(images, 2, NO_PRIOR.directions, options);
  assert.deepEqual([...phases], ["means", "tags", "seeds", "maps"]);
  for (const image of images.slice(0, 12)) {
    const mean = await image.mean();
    const { cells } = await image.features();
    for (const c of [0, 1]) {
      const present = image.labels.includes(c);
      assert.equal(score(heads.tags, c, mean) + heads.tagBias[c]! > 0, present);
      if (!present) continue;
      for (let i = 0; i < CELLS; i++) {
        const inside = cells[i * CHANNELS + c]! > 0;
        assert.equal(score(heads.maps, c, cells, i * CHANNELS) > 0, inside, `cell ${i}`);
      }
    }
  }
  assert.deepEqual(await trainCamHeads(images, 2, NO_PRIOR.directions, options), heads);
});

Deno.test("trainTagHead() leans on the prior of a class without images, and only there", async () => {
  const images = makeImages(30);
  const means = Float32Array.from(
    (await Promise.all(images.map((i) => i.mean()))).flatMap((m) => [...m]),
  );
  const tags = Float32Array.from(images.flatMap(({ labels }) => [+labels.includes(0), 0]));
  const tagged = { means, tags, classes: 2 };
  const directions = Float32Array.of(0, 0, 0, 1, 0, 1, -1, 0);
  const options = { threads: 1, weightDecay: 5 };
  const without = await trainTagHead(tagged, { directions, used: Float32Array.of(0, 0) }, options);
  const head = await trainTagHead(tagged, { directions, used: Float32Array.of(0, 1) }, options);
  close(head.weights[3]!, without.weights[3]!);
  const [own, prior] = [without, head].map(({ weights }) => weights.subarray(4));
  assert.ok(prior![1]! > own![1]! + 0.1 && prior![2]! < own![2]! - 0.1);
  await assert.rejects(trainTagHead({ ...tagged, classes: 3 }, NO_PRIOR), TypeError);
});

Deno.test("trainMapHead() throws TypeError when there are fewer cells than a step takes", async () => {
  const seeds = { cells: new Float16Array(10 * CHANNELS), classes: new Uint8Array(10) };
  const tagged = { means: new Float32Array(CHANNELS), tags: new Float32Array(2), classes: 2 };
  await assert.rejects(trainMapHead(seeds, tagged, NO_PRIOR, { cells: 11 }), TypeError);
});

Deno.test("pickSeeds() takes sure cells of the labels given and leaves doubtful ones", () => {
  const cells = new Float16Array(6 * 2);
  // Class 0 by feature 0: 1, 0.5, 0.2, 0.05; class 1 by feature 1: 2, 0.1 of its maximum.
  [[1, 0], [0.5, 0], [0.2, 0], [0.05, 0], [0, 2], [0, 0.1]].forEach((cell, i) =>
    cells.set(cell, 2 * i)
  );
  const features = { cells, width: 3, height: 2, channels: 2 };
  const weights = Float32Array.of(1, 0, 0, 1);
  const show = (labels: number[], options = {}) => {
    const seeds = pickSeeds(features, weights, labels, new Pcg64(1), options);
    return [...seeds.classes].map((c, i) =>
      `${seeds.cells[2 * i]!.toFixed(2)},${seeds.cells[2 * i + 1]!.toFixed(2)}:${c}`
    ).sort();
  };
  assert.deepEqual(show([0, 1]), [
    "0.00,0.10:0",
    "0.00,2.00:2",
    "0.05,0.00:0",
    "0.50,0.00:1",
    "1.00,0.00:1",
  ]);
  // Without its label, class 1 is background.
  assert.deepEqual(show([0]), [
    "0.00,0.10:0",
    "0.00,2.00:0",
    "0.05,0.00:0",
    "0.50,0.00:1",
    "1.00,0.00:1",
  ]);
  assert.deepEqual(show([0], { foreground: 0.6, background: 0.3 }).length, 5);
  assert.equal(show([0, 1], { perImage: 1 }).length, 2);
  assert.equal(show([], { perImage: 100 }).every((seed) => seed.endsWith(":0")), true);
});

Deno.test("joinSeeds() puts parts one after the other", () => {
  const part = (values: number[], classes: number[]) => ({
    cells: Float16Array.from(values),
    classes: Uint8Array.from(classes),
  });
  const joined = joinSeeds([part([1, 2, 3, 4], [1, 0]), part([], []), part([5, 6], [2])]);
  assert.deepEqual([...joined.cells], [1, 2, 3, 4, 5, 6]);
  assert.deepEqual([...joined.classes], [1, 0, 2]);
});

Deno.test("deviations() are the standard deviations of columns plus the floor", () => {
  const result = deviations(Float32Array.of(1, 7, 3, 7, 5, 7), 2, 0.25);
  close(result[0]!, Math.sqrt(8 / 3) + 0.25);
  close(result[1]!, 0.25);
});

Deno.test("standardizePrior() gives scores a deviation of 1 and leaves classes not in use at zero", () => {
  const means = Float32Array.of(1, 0, 2, 5, 6, -2, 3, 3);
  const scale = Float32Array.of(2, 0.5);
  const directions = Float32Array.of(1, 3, 4, 4);
  const prior = standardizePrior({ directions, used: Float32Array.of(1, 0) }, means, scale);
  const scores = [0, 1, 2, 3].map((n) =>
    prior[0]! * means[2 * n]! / scale[0]! + prior[1]! * means[2 * n + 1]! / scale[1]!
  );
  const mean = scores.reduce((a, b) => a + b) / 4;
  close(Math.sqrt(scores.reduce((sum, s) => sum + (s - mean) ** 2, 0) / 4), 1);
  close((prior[1]! * scale[0]!) / (prior[0]! * scale[1]!), 3);
  assert.deepEqual([...prior.subarray(2)], [0, 0]);
});

Deno.test("applyPrior() adds as much of the prior as its strength says and undoes the scale", () => {
  const result = applyPrior(
    Float32Array.of(1, 2, 3, 4),
    Float32Array.of(0.5, 2),
    Float32Array.of(2, 2, 1, 0),
    Float32Array.of(2, 4),
  );
  assert.deepEqual([...result], [1, 0.75, 2.5, 1]);
});

Deno.test("rareClasses() marks classes with fewer images than asked", () => {
  const images = [{ labels: [0, 1] }, { labels: [0] }, { labels: [0, 2] }, { labels: [2] }];
  assert.deepEqual([...rareClasses(images, 4, 2)], [0, 1, 0, 1]);
});

Deno.test("imagenetMembers() names classes of ImageNet that no two VOC classes share", () => {
  const all = VOC_CLASSES.flatMap((name) => imagenetMembers(name));
  assert.equal(new Set(all).size, all.length);
  assert.ok(all.every((index) => Number.isInteger(index) && index >= 0 && index < 1000));
  assert.deepEqual(imagenetMembers("cat"), [281, 282, 283, 284, 285]);
  assert.equal(imagenetMembers("dog").length, 118);
  for (const name of ["zebra", "toString"]) assert.throws(() => imagenetMembers(name), RangeError);
});

Deno.test("imagenetDirections() are means of members' rows less the mean of all", () => {
  const rows = Float32Array.from({ length: 2000 }, (_, i) => i % 2 === 0 ? i / 2 : 1);
  const directions = imagenetDirections(rows);
  assert.equal(directions.length, 40);
  const cat = VOC_CLASSES.indexOf("cat");
  close(directions[2 * cat]!, 283 - 499.5);
  close(directions[2 * cat + 1]!, 0);
  // ImageNet says nothing of classes that VOC has not.
  const own = imagenetDirections(rows, ["zebra", "cat"]);
  assert.deepEqual([...own], [0, 0, ...directions.subarray(2 * cat, 2 * cat + 2)]);
  assert.throws(() => imagenetDirections(new Float32Array(999)), TypeError);
});

Deno.test("randomOrder() and randomSubset() are seeded and give every item at most once", () => {
  const order = randomOrder(new Pcg64(1), 50);
  assert.deepEqual([...order].sort((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i));
  assert.deepEqual(randomOrder(new Pcg64(1), 50), order);
  assert.notDeepEqual(randomOrder(new Pcg64(2), 50), order);
  const items = Uint32Array.of(10, 20, 30, 40);
  const subset = randomSubset(new Pcg64(1), items, 3);
  assert.equal(new Set(subset).size, 3);
  assert.ok(subset.every((item) => items.includes(item)));
  assert.equal(randomSubset(new Pcg64(1), items, 9).length, 4);
});
