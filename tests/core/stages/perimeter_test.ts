import assert from "node:assert/strict";
import { OptionError } from "../../../core/errors.ts";
import { decodeImage, decodeMaskPng } from "../../../core/image/mod.ts";
import { decodeNpz } from "../../../core/npz.ts";
import type { Raster } from "../../../core/raster.ts";
import { findPerimeters, type PerimeterOptions } from "../../../core/stages/perimeter.ts";
import { perimeterStage } from "../../../core/stages/perimeter_stage.ts";
import type { StageModels } from "../../../core/stages/stage.ts";
import { UssSegmenter } from "../../../core/stages/uss.ts";
import { labelBoundaries } from "../../../kernels/boundaries.ts";
import { writing } from "../../helpers/writing.ts";
import { pattern } from "../../kernels/pattern.ts";

const chelsea = new URL("../../fixtures/chelsea/", import.meta.url);
const stages = decodeNpz(Deno.readFileSync(new URL("perimeters.npz", chelsea)));

/** Segments as the published code did, without training. */
const published: Pick<UssSegmenter, "segment"> = {
  segment(_image, superpixels) {
    // SLIC makes 936 superpixels of this image, quickshift 364.
    const method = superpixels.includes(900) ? "slic" : "quick";
    const labels = stages[`uss_${method}_im_target`]!.data as Uint8Array;
    return Promise.resolve({ labels: labels.slice(), distinct: [24, 19], losses: [2, 1] });
  },
};

/** Segments by brightness, in as many steps as wanted. */
function byBrightness(steps: number): Pick<UssSegmenter, "segment"> {
  return {
    segment(image, superpixels) {
      const labels = superpixels.map((superpixel) => {
        const first = superpixels.indexOf(superpixel);
        return Math.floor(image[3 * first + 1]! * steps / 256);
      });
      return Promise.resolve({ labels: Uint8Array.from(labels), distinct: [steps], losses: [1] });
    },
  };
}

Deno.test("findPerimeters() gives the published pictures and edges when asked for the reference", async () => {
  const image = await decodeImage(Deno.readFileSync(new URL("image.png", chelsea)));
  const steps: (string | undefined)[] = [];
  const options = { method: "both", reference: true } as const;
  const found = await findPerimeters(image, published, options, (step) => steps.push(step));
  assert.deepEqual(found.branches.map(({ method }) => method), ["slic", "quickshift"]);
  assert.equal(found.detector, "canny");
  const once = ["superpixels", "training", "enlarging", "edges"];
  assert.deepEqual(steps, [...once, ...once]);
  for (const [at, name] of ["slic", "quick"].entries()) {
    const { labels, perimeter, picture } = found.branches[at]!;
    assert.deepEqual(labels.data, stages[`uss_${name}_im_target`]!.data);
    assert.deepEqual(perimeter.data, stages[`edge_${name}_png_canny`]!.data);
    assert.equal(picture!.data.length, image.data.length);
    assert.ok(new Set(picture!.data).size > 10);
  }
});

Deno.test("findPerimeters() marks the exact boundaries of labels when nothing else is asked for", async () => {
  const image = await decodeImage(Deno.readFileSync(new URL("image.png", chelsea)));
  const found = await findPerimeters(image, published);
  assert.equal(found.branches.length, 1);
  const { labels, superpixels, perimeter, picture, regions } = found.branches[0]!;
  assert.deepEqual(perimeter.data, labelBoundaries(labels.data, image.width, image.height));
  assert.equal(superpixels.data.reduce((a, b) => Math.max(a, b)), 935);
  assert.equal(picture, undefined);
  assert.ok(regions >= 19);
  const canny = await findPerimeters(image, published, { detector: "canny" });
  assert.deepEqual(canny.branches[0]!.perimeter.data, stages.edge_slic_png_canny!.data);
  const photo = await findPerimeters(image, published, { detector: "canny-photo" });
  assert.notDeepEqual(photo.branches[0]!.perimeter.data, canny.branches[0]!.perimeter.data);
  assert.deepEqual(new Set(photo.branches[0]!.perimeter.data), new Set([0, 255]));
});

/** Bright rings on a dark ground, in colour. */
function rings(width: number, height: number): Raster {
  const noise = pattern(3 * width * height, 8);
  const data = new Uint8Array(3 * width * height);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      const bright = Math.hypot(x - width / 3, y - height / 2) % (width / 3) > width / 6;
      for (let c = 0; c < 3; c++) data[3 * p + c] = (bright ? 180 : 40) + noise[3 * p + c]! / 32;
    }
  }
  return { width, height, data };
}

Deno.test("findPerimeters() brings regions of a reduced image back along the full image's edges", async () => {
  const image = rings(700, 430);
  const found = await findPerimeters(image, byBrightness(2), { workingSize: 200 });
  assert.deepEqual([found.width, found.height], [700, 430]);
  assert.deepEqual([found.workingWidth, found.workingHeight], [200, 123]);
  const { labels, superpixels, perimeter, regions } = found.branches[0]!;
  for (const map of [labels, superpixels, perimeter]) {
    assert.deepEqual([map.width, map.height, map.data.length], [700, 430, 700 * 430]);
  }
  // Superpixels of the reduced image are themselves off by a pixel here and there.
  const wrong = labels.data.reduce(
    (sum, label, p) => sum + Number(label !== Number(image.data[3 * p + 1]! > 110)),
    0,
  );
  assert.ok(wrong < 0.02 * labels.data.length, `${wrong} pixels`);
  assert.ok(regions < 20, `${regions} regions`);
});

for (const [width, height] of [[1, 1], [1, 40], [600, 1], [3, 2], [17, 30]] as const) {
  Deno.test(`findPerimeters() works on ${width}×${height} px`, async () => {
    const image = { width, height, data: pattern(3 * width * height, 2) };
    await using uss = new UssSegmenter({ threads: 1, idleMs: 0 });
    for (const reference of [false, true]) {
      const options = { method: "both", reference, iterations: 4 } as const;
      const found = await findPerimeters(image, uss, options);
      assert.equal(found.branches.length, 2);
      for (const { labels, perimeter, distinct } of found.branches) {
        assert.equal(labels.data.length, width * height);
        assert.equal(perimeter.data.length, width * height);
        assert.ok(distinct.length >= 1);
      }
      for (const format of ["png", "overlay", "npz"] as const) {
        assert.ok(perimeterStage.encode(format, found, writing(image)).length > 0);
      }
    }
  });
}

Deno.test("findPerimeters() refuses options that cannot be served", async () => {
  const image = rings(30, 20);
  const find = (options: PerimeterOptions) => findPerimeters(image, byBrightness(2), options);
  await assert.rejects(find({ workingSize: 769 }), OptionError);
  await assert.rejects(find({ workingSize: 15 }), OptionError);
  await assert.rejects(find({ method: "felzenszwalb" as "slic" }), /method must be one of/);
  await assert.rejects(find({ detector: "sobel" as "canny" }), /detector must be one of/);
  await assert.rejects(find({ detector: "boundary", reference: true }), OptionError);
});

Deno.test("perimeterStage encodes one method's maps and both methods' in one", async () => {
  const image = rings(90, 70);
  const one = await findPerimeters(image, byBrightness(2), { method: "quickshift" });
  const { labels, superpixels, perimeter } = one.branches[0]!;
  assert.deepEqual(decodeMaskPng(perimeterStage.encode("png", one, writing(image))), perimeter);
  const arrays = decodeNpz(perimeterStage.encode("npz", one, writing(image)));
  assert.deepEqual(Object.keys(arrays).sort(), [
    "iterations",
    "labels",
    "labels_per_iteration",
    "perimeter",
    "superpixels",
  ]);
  assert.deepEqual(arrays.labels!.shape, [70, 90]);
  assert.deepEqual(arrays.labels!.data, labels.data);
  assert.deepEqual(arrays.superpixels!.data, superpixels.data);
  assert.deepEqual(arrays.perimeter!.data, perimeter.data);
  assert.deepEqual(arrays.iterations, { shape: [], data: Int32Array.of(1), dtype: "<i4" });

  const both = await findPerimeters(image, byBrightness(2), { method: "both", reference: true });
  const [slic, quickshift] = both.branches;
  const map = decodeMaskPng(perimeterStage.encode("png", both, writing(image)));
  map.data.forEach((value, p) => {
    assert.equal(Boolean(value & 1), slic!.perimeter.data[p] === 255);
    assert.equal(Boolean(value & 2), quickshift!.perimeter.data[p] === 255);
  });
  const names = Object.keys(decodeNpz(perimeterStage.encode("npz", both, writing(image))));
  assert.ok(names.includes("slic_labels") && names.includes("quickshift_picture"));
  const overlay = await decodeImage(perimeterStage.encode("overlay", both, writing(image)));
  assert.deepEqual([overlay.width, overlay.height], [180, 70]);
  assert.deepEqual(overlay.data.subarray(0, 270), slic!.picture!.data.subarray(0, 270));

  const summary = perimeterStage.summarize(both, {} as StageModels);
  assert.deepEqual(summary.results.map(({ method }) => method), ["slic", "quickshift"]);
  const marked = slic!.perimeter.data.reduce((sum, value) => sum + Number(value === 255), 0);
  assert.equal(summary.results[0]!.perimeter, marked / (90 * 70));
  assert.equal(summary.results[0]!.labels, 2);
});
