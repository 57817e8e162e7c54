import assert from "node:assert/strict";
import type { Raster } from "../../../core/raster.ts";
import type { SegmentationModelInfo } from "../../../core/runtime/models.ts";
import { segmentStage } from "../../../core/stages/segment_stage.ts";
import {
  type SegmentationNetwork,
  segmentImage,
  type SegmentImageOptions,
} from "../../../core/stages/segmentation.ts";
import { FILE_FORMATS, type StageModels } from "../../../core/stages/stage.ts";
import { crfKernels, inferDenseCrf, unaryFromProbabilities } from "../../../kernels/dense_crf.ts";
import { interpolateBilinear } from "../../../kernels/interpolate.ts";
import { normalizeImage } from "../../../kernels/normalize.ts";
import { resizeImage } from "../../../kernels/resize_image.ts";
import { softmaxPlanes } from "../../../kernels/segment_logits.ts";
import { pattern } from "../../kernels/pattern.ts";

const WIDTH = 46;
const HEIGHT = 34;
const CLASSES = ["background", "a", "b", "c"];

const INFO: SegmentationModelInfo = {
  task: "segmentation",
  file: "fake.onnx",
  bytes: 1,
  sha256: "0".repeat(64),
  classes: CLASSES,
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
  outputStride: 16,
  scales: [1],
  mirror: false,
  crf: false,
  licence: "",
  origin: "",
  madeBy: "",
};

interface Call {
  readonly width: number;
  readonly height: number;
  readonly views: number;
}

/**
 * Logits: 0, and for each class a colour channel, slanted so that a mirror image is seen differently; one for
 * every `stride` pixels.
 */
function fakeNetwork(stride = 1, info: Partial<SegmentationModelInfo> = {}) {
  const calls: Call[] = [];
  const network: SegmentationNetwork = {
    info: { ...INFO, ...info },
    run(images, width, height) {
      const views = images.length / (3 * width * height);
      calls.push({ width, height, views });
      const [w, h] = [Math.ceil(width / stride), Math.ceil(height / stride)];
      const maps = new Float32Array(views * 4 * w * h);
      for (let v = 0; v < views; v++) {
        for (let c = 1; c < 4; c++) {
          for (let y = 0; y < h; y++) {
            for (let x = 0; x < w; x++) {
              const from = ((3 * v + c - 1) * height + y * stride) * width + x * stride;
              maps[((4 * v + c) * h + y) * w + x] = images[from]! + c * x * stride / width;
            }
          }
        }
      }
      return Promise.resolve({ maps, width: w, height: h });
    },
  };
  return { network, calls };
}

const photo = (width = WIDTH, height = HEIGHT): Raster => ({
  width,
  height,
  data: pattern(3 * width * height, 4),
});

/** The published inference step by step: probabilities of all classes. */
async function expectedProbabilities(
  image: Raster,
  scales: readonly number[],
  mirrors: readonly boolean[],
): Promise<Float32Array> {
  const { network } = fakeNetwork();
  const { width, height } = image;
  const pixels = width * height;
  const sum = new Float64Array(4 * pixels);
  for (const scale of scales) {
    const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
    const resized = resizeImage(image.data, width, height, 3, w, h);
    for (const mirror of mirrors) {
      const input = normalizeImage(resized, w, h, INFO.mean, INFO.std, { mirror });
      const { maps } = await network.run(input, w, h);
      const straight = maps.map((_, i) => maps[mirror ? i - (i % w) + w - 1 - (i % w) : i]!);
      interpolateBilinear(straight, 4, h, w, height, width).forEach((value, i) => sum[i]! += value);
    }
  }
  const powers = Float64Array.from(sum, (value) => Math.exp(value));
  return Float32Array.from(powers, (power, i) => {
    let total = 0;
    for (let c = 0; c < 4; c++) total += powers[c * pixels + i % pixels]!;
    return power / total;
  });
}

/** The likeliest of the chosen classes. */
function argmax(planes: Float32Array, pixels: number, chosen = [0, 1, 2, 3]): number[] {
  return Array.from({ length: pixels }, (_, p) => {
    const values = chosen.map((c) => planes[c * pixels + p]!);
    return chosen[values.indexOf(Math.max(...values))]!;
  });
}

/** Share of pixels that agree; sums in another order may decide a tie. */
function agreement(actual: Uint8Array, expected: readonly number[]): number {
  return expected.filter((value, i) => actual[i] === value).length / actual.length;
}

for (
  const options of [
    {},
    { mirror: true },
    { scales: [0.5, 1, 2], mirror: true },
    { scales: [1.5] },
  ] satisfies SegmentImageOptions[]
) {
  Deno.test(`segmentImage() follows the definition step by step: ${JSON.stringify(options)}`, async () => {
    const image = photo();
    const { network, calls } = fakeNetwork();
    const { mask, scores, scales } = await segmentImage(image, network, options);
    const wantedScales = options.scales ?? [1];
    const mirrors = options.mirror ? [false, true] : [false];
    const probabilities = await expectedProbabilities(image, wantedScales, mirrors);
    const pixels = WIDTH * HEIGHT;
    assert.deepEqual([mask.width, mask.height], [WIDTH, HEIGHT]);
    assert.ok(agreement(mask.data, argmax(probabilities, pixels)) > 0.999);
    assert.ok(new Set(mask.data).size >= 3);
    assert.deepEqual(scales, wantedScales);
    assert.deepEqual(calls.map(({ views }) => views), wantedScales.map(() => mirrors.length));
    for (let c = 1; c < 4; c++) {
      const sampled = Array.from({ length: pixels }, (_, p) => p)
        .filter((p) => (p % WIDTH) % 4 === 0 && Math.floor(p / WIDTH) % 4 === 0)
        .map((p) => probabilities[c * pixels + p]!);
      assert.ok(Math.abs(scores[c - 1]! - Math.max(...sampled)) < 1e-4, CLASSES[c]!);
    }
  });
}

Deno.test("segmentImage() enlarges the cells of a network that answers at a stride", async () => {
  // Three red columns of cells among green ones; widths that end within a cell.
  for (
    const [width, height, mirror] of [[45, 34, false], [45, 34, true], [48, 32, true]] as const
  ) {
    const data = new Uint8Array(3 * width * height);
    for (let p = 0; p < width * height; p++) {
      const red = Math.floor((p % width) / 4) >= 2 && Math.floor((p % width) / 4) < 5;
      data[3 * p + (red ? 0 : 1)] = 255;
    }
    const { network } = fakeNetwork(4);
    const { mask } = await segmentImage({ width, height, data }, network, { mirror });
    const row = [...mask.data.subarray(20 * width, 21 * width)];
    const start = row.indexOf(1);
    const end = row.lastIndexOf(1) + 1;
    // Cells of 8..19; the slant of the logits shifts a border by less than a cell.
    assert.ok(Math.abs(start - 8) <= 2 && Math.abs(end - 20) <= 2, `${width}: ${start}..${end}`);
    assert.ok(row.slice(start, end).every((value) => value === 1));
  }
});

Deno.test("segmentImage() gives only classes among the labels", async () => {
  const image = photo();
  const all = await segmentImage(image, fakeNetwork().network);
  const some = await segmentImage(image, fakeNetwork().network, { labels: ["c", "a"] });
  const probabilities = await expectedProbabilities(image, [1], [false]);
  const expected = argmax(probabilities, WIDTH * HEIGHT, [0, 1, 3]);
  assert.ok(agreement(some.mask.data, expected) > 0.999);
  assert.ok(all.mask.data.includes(2));
  assert.equal(some.scores[1], 0);
  const none = await segmentImage(image, fakeNetwork().network, { labels: [] });
  assert.deepEqual(new Set(none.mask.data), new Set([0]));
});

Deno.test("segmentImage() lets the CRF revise probabilities with the published numbers", async () => {
  const image = photo();
  const { mask } = await segmentImage(image, fakeNetwork().network, { crf: true });
  const probabilities = await expectedProbabilities(image, [1], [false]);
  const kernels = crfKernels(image.data, WIDTH, HEIGHT, {
    gaussianSxy: 3,
    gaussianCompat: 3,
    bilateralSxy: 80,
    bilateralSrgb: 13,
    bilateralCompat: 10,
  });
  const revised = inferDenseCrf(unaryFromProbabilities(probabilities), 4, kernels, { steps: 10 });
  assert.ok(agreement(mask.data, argmax(revised, WIDTH * HEIGHT)) > 0.99);
  const plain = await segmentImage(image, fakeNetwork().network);
  assert.notDeepEqual(mask.data, plain.mask.data);
});

Deno.test("segmentImage() gives the same by the CRF whether it knows hopeless classes or not", async () => {
  const image = photo();
  const { network } = fakeNetwork();
  // A class more, in the middle, that nobody would take.
  const more: SegmentationNetwork = {
    info: { ...INFO, classes: ["background", "a", "hopeless", "b", "c"] },
    async run(images, width, height) {
      const { maps, ...size } = await network.run(images, width, height);
      const plane = maps.length / 4;
      const wider = new Float32Array(5 * plane);
      wider.set(maps.subarray(0, 2 * plane));
      wider.fill(-9, 2 * plane, 3 * plane);
      wider.set(maps.subarray(2 * plane), 3 * plane);
      return { maps: wider, ...size };
    },
  };
  const few = await segmentImage(image, network, { crf: true });
  const many = await segmentImage(image, more, { crf: true });
  const renumbered = Uint8Array.of(0, 1, 3, 4);
  assert.deepEqual(many.mask.data, few.mask.data.map((label) => renumbered[label]!));
});

Deno.test("segmentImage() works at a reduced size and gives a mask of the full one", async () => {
  const { network, calls } = fakeNetwork(4);
  for (const crf of [false, true]) {
    const found = await segmentImage(photo(92, 68), network, { workingSize: 46, crf });
    assert.deepEqual([found.workingWidth, found.workingHeight], [46, 34]);
    assert.deepEqual([found.mask.width, found.mask.height, found.mask.data.length], [92, 68, 6256]);
  }
  assert.deepEqual(calls[0], { width: 46, height: 34, views: 1 });
});

Deno.test("segmentImage() takes scales, mirror and CRF of the model unless told otherwise", async () => {
  const { network, calls } = fakeNetwork(1, { scales: [0.5, 1], mirror: true, crf: true });
  const steps = new Set<string>();
  await segmentImage(photo(), network, {}, (step) => step === undefined || steps.add(step));
  assert.deepEqual(calls.map(({ views }) => views), [2, 2]);
  assert.deepEqual([...steps], ["network", "crf", "mask"]);
  await segmentImage(photo(), network, { scales: [1], mirror: false, crf: false });
  assert.deepEqual(calls.slice(2), [{ width: WIDTH, height: HEIGHT, views: 1 }]);
});

/** Planes of some classes. */
function planesOf(planes: Float32Array, pixels: number, classes: readonly number[]): Float32Array {
  const chosen = new Float32Array(classes.length * pixels);
  classes.forEach((c, k) => chosen.set(planes.subarray(c * pixels, (c + 1) * pixels), k * pixels));
  return chosen;
}

const largestDifference = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

for (
  const options of [
    {},
    { scales: [0.5, 1, 2], mirror: true },
  ] satisfies SegmentImageOptions[]
) {
  Deno.test(`segmentImage() keeps the mask's classes' probabilities: ${JSON.stringify(options)}`, async () => {
    const image = photo();
    const { network } = fakeNetwork();
    const found = await segmentImage(image, network, { ...options, probabilities: true });
    const { keys, mask, probabilities } = found;
    const { data, ...size } = probabilities!;
    assert.deepEqual(keys, [0, 1, 2, 3]);
    assert.deepEqual(size, { width: WIDTH, height: HEIGHT, channels: 4 });
    const mirrors = options.mirror ? [false, true] : [false];
    const expected = await expectedProbabilities(image, options.scales ?? [1], mirrors);
    assert.ok(largestDifference(data, expected) < 1e-5);
    assert.ok(agreement(mask.data, argmax(data, WIDTH * HEIGHT)) > 0.999);
    const plain = await segmentImage(image, network, options);
    assert.equal(plain.probabilities, undefined);
    assert.deepEqual(plain.mask, mask);
  });
}

Deno.test("segmentImage() keeps probabilities at the working size when networks answer at a stride", async () => {
  // 45 columns end within a cell; only some of the classes may win, and only some of these do.
  const { network } = fakeNetwork(4);
  const image = photo(90, 68);
  image.data.forEach((_, i) => i % 3 === 0 && (image.data[i] = 0));
  const options = { workingSize: 45, labels: ["a", "c"], probabilities: true };
  const { keys, probabilities } = await segmentImage(image, network, options);
  assert.deepEqual(keys, [0, 3]);
  const { width, height, channels, data } = probabilities!;
  assert.deepEqual([width, height, channels, data.length], [45, 34, 2, 2 * 45 * 34]);
  const reduced = resizeImage(image.data, 90, 68, 3, 45, 34);
  const { maps } = await network.run(normalizeImage(reduced, 45, 34, INFO.mean, INFO.std), 45, 34);
  const logits = interpolateBilinear(maps, 4, 9, 12, 36, 48, { cropHeight: 34, cropWidth: 45 });
  const pixels = 45 * 34;
  const soft = softmaxPlanes(planesOf(logits, pixels, [0, 1, 3]), 3);
  assert.ok(largestDifference(data, planesOf(soft, pixels, [0, 2])) < 1e-5);
  const { mask } = await segmentImage({ width: 45, height: 34, data: reduced }, network, options);
  const winners = argmax(data, pixels, [0, 1]).map((k) => keys[k]!);
  assert.ok(agreement(mask.data, winners) > 0.999);
});

Deno.test("segmentImage() keeps what the CRF makes of probabilities", async () => {
  const options = { crf: true, probabilities: true };
  const image = photo();
  const { keys, mask, probabilities } = await segmentImage(image, fakeNetwork().network, options);
  const { data, channels } = probabilities!;
  const pixels = WIDTH * HEIGHT;
  assert.equal(channels, keys.length);
  const winners = argmax(data, pixels, keys.map((_, k) => k)).map((k) => keys[k]!);
  assert.deepEqual(mask.data, Uint8Array.from(winners));
  for (let p = 0; p < pixels; p++) {
    const sum = keys.reduce((total, _, k) => total + data[k * pixels + p]!, 0);
    assert.ok(sum > 1 / 4 && sum < 1 + 1e-5, `${sum}`);
  }
  const before = await expectedProbabilities(image, [1], [false]);
  assert.ok(largestDifference(data, planesOf(before, pixels, keys)) > 0.1);
});

Deno.test("segmentImage() gives background no probability where the CRF never knew it", async () => {
  const { network } = fakeNetwork();
  const sure: SegmentationNetwork = {
    info: network.info,
    async run(images, width, height) {
      const { maps, ...size } = await network.run(images, width, height);
      maps.fill(-99, 0, width * height);
      return { maps, ...size };
    },
  };
  const options = { crf: true, probabilities: true };
  const { keys, mask, probabilities } = await segmentImage(photo(), sure, options);
  const pixels = WIDTH * HEIGHT;
  assert.equal(keys[0], 0);
  assert.ok(!mask.data.includes(0));
  assert.deepEqual(probabilities!.data.subarray(0, pixels), new Float32Array(pixels));
  assert.ok(probabilities!.data.subarray(pixels).some((value) => value > 0.5));
});

Deno.test("segmentStage keeps probabilities in mode fast for files that hold them only", async () => {
  const models = {
    segmenter: fakeNetwork().network,
    segmenterFirst: true,
  } as unknown as StageModels;
  const image = photo();
  for (const file of FILE_FORMATS) {
    const found = await segmentStage.compute(image, {}, models, () => {}, [file]);
    const held = file === "npz" || file === "scores";
    assert.equal(found.probabilities !== undefined, held, file);
  }
  const bare = await segmentStage.compute(image, {}, models, () => {});
  const writing = { image, options: {}, models, checkpoint: () => {} };
  assert.throws(() => segmentStage.encode("scores", bare, writing), { name: "OptionError" });
});

Deno.test("segmentImage() removes specks when told to", async () => {
  const image = photo();
  const { mask } = await segmentImage(image, fakeNetwork().network, { minArea: 1 });
  assert.equal(new Set(mask.data).size, 1);
});

Deno.test("segmentImage() looks at large images and their mirrors one after the other", async () => {
  const { network, calls } = fakeNetwork(4);
  await segmentImage(photo(800, 700), network, { mirror: true, workingSize: 800 });
  assert.deepEqual(calls.map(({ views }) => views), [1, 1]);
});

Deno.test("segmentImage() ends at the next checkpoint when that throws", async () => {
  const { network, calls } = fakeNetwork();
  const stop = () => {
    throw new DOMException("Cancelled", "AbortError");
  };
  const cancelled = segmentImage(photo(), network, { scales: [1, 1.5] }, stop);
  await assert.rejects(cancelled, { name: "AbortError" });
  assert.equal(calls.length, 1);
});

Deno.test("segmentImage() refuses options and networks that do not fit", async () => {
  const refuse = (options: SegmentImageOptions, message: RegExp) =>
    assert.rejects(segmentImage(photo(), fakeNetwork().network, options), {
      name: "OptionError",
      message,
    });
  await refuse({ labels: ["unicorn"] }, /unicorn/);
  await refuse({ labels: ["background"] }, /background/);
  await refuse({ scales: [] }, /1 to 8/);
  await refuse({ workingSize: 3 }, /16\.\.2048/);
  await refuse({ minArea: 2 }, /minArea/);
  const { network } = fakeNetwork();
  const odd: SegmentationNetwork = {
    info: network.info,
    run: () => Promise.resolve({ maps: new Float32Array(4 * 7 * 7), width: 7, height: 7 }),
  };
  await assert.rejects(segmentImage(photo(), odd), { name: "ModelError", message: /7×7 cells/ });
});
