import assert from "node:assert/strict";
import { decodeImage, decodeMaskPng } from "../../../core/image/mod.ts";
import { decodeNpz } from "../../../core/npz.ts";
import type { Planes, Raster } from "../../../core/raster.ts";
import { fitMaps } from "../../../core/stages/fit.ts";
import type { PerimeterBranch } from "../../../core/stages/perimeter.ts";
import { FIT_THRESHOLDS, refineImage, type RefineOptions } from "../../../core/stages/refine.ts";
import {
  FIT_RULES,
  REFINE_RESULTS,
  type RefineResult,
} from "../../../core/stages/refine_choices.ts";
import { refineStage } from "../../../core/stages/refine_stage.ts";
import { segmentStage } from "../../../core/stages/segment_stage.ts";
import type { StageModels } from "../../../core/stages/stage.ts";
import type { UssSegmenter } from "../../../core/stages/uss.ts";
import { writing } from "../../helpers/writing.ts";
import { createFakeClassifier } from "../../helpers/fake_classifier.ts";
import { agreement, largestDifference } from "../../kernels/refinement_checks.ts";
import { readFixture } from "../../kernels/refinement_golden.ts";

const WIDTH = 96;
const HEIGHT = 64;

/** A red disc on dark ground, left of the middle. */
function disc(width = WIDTH, height = HEIGHT): Raster {
  const data = new Uint8Array(3 * width * height).fill(30);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p += 3) {
      if (inDisc(x, y, width, height)) data.set([220, 40, 40], p);
    }
  }
  return { width, height, data };
}

function inDisc(x: number, y: number, width: number, height: number): boolean {
  return Math.hypot((x + 0.5) / width - 0.4, ((y + 0.5) / height - 0.5) * height / width) < 0.22;
}

/** Parts what is bright in the last of B, G, R from what is not. */
const byBrightness: Pick<UssSegmenter, "segment"> = {
  segment(bgr, superpixels) {
    const first = new Map<number, number>();
    superpixels.forEach((superpixel, p) => first.has(superpixel) || first.set(superpixel, p));
    const labels = superpixels.map((superpixel) =>
      Number(bgr[3 * first.get(superpixel)! + 2]! > 99)
    );
    return Promise.resolve({ labels: Uint8Array.from(labels), distinct: [9, 2], losses: [2, 1] });
  },
};
const models: StageModels = { classifier: createFakeClassifier(), uss: byBrightness };
const refine = async (options: RefineOptions = {}, image = disc(), steps: string[] = []) =>
  await refineImage(
    image,
    models,
    options,
    // Some say more than once that they are at work.
    (step) => step === undefined || step === steps.at(-1) || steps.push(step),
  );

/** Share of pixels in which the mask is the disc as class 1. */
function match({ data, width, height }: { data: Uint8Array; width: number; height: number }) {
  const wanted = data.map((_, p) =>
    Number(inDisc(p % width, Math.floor(p / width), width, height))
  );
  return agreement(data, wanted);
}

Deno.test("fitMaps() follows the published code on its own segmentations", async () => {
  const { arrays, cam, camWidth, camHeight, classes, hrCam, width, height } = await readFixture();
  const branches = (["slic", "quickshift"] as const).map((method): PerimeterBranch => {
    const name = method === "slic" ? "slic" : "quick";
    const map = (key: string) => ({ width, height, data: arrays[key]!.data as Uint8Array });
    return {
      method,
      labels: map(`uss_${name}_im_target`),
      perimeter: map(`edge_${name}_png_canny`),
      superpixels: { width, height, data: new Int32Array(width * height) },
      regions: 1,
      distinct: [],
      losses: [],
    };
  });
  const small: Planes = { width: camWidth, height: camHeight, channels: classes, data: cam };
  const large: Planes = { width, height, channels: classes, data: hrCam };
  const fitted = fitMaps({ cam: small, hrCam: large }, branches, "reference");
  for (
    const [name, mask] of [["slic", fitted.masks!.slic!], ["quick", fitted.masks!.quickshift!]]
  ) {
    const wanted = (arrays[`pf_${name}_png`]!.data as Uint8Array).subarray(width * height);
    assert.equal(agreement(mask as Uint8Array, wanted), 1);
  }
  const combined = arrays.combined_cam_pngvariant!.data as Float32Array;
  assert.ok(largestDifference(fitted.cam.data, combined) <= 1e-6);
});

Deno.test("refineImage() finds the outlines that a coarse CAM lacks", async () => {
  const steps: string[] = [];
  const { mask, cam, threshold, fitted } = await refine(
    { labels: ["a"], threshold: 0.4, fit: "mean-majority" },
    disc(),
    steps,
  );
  assert.ok(match(mask) > 0.98, `${match(mask)}`);
  // A cell of the CAM is 16 pixels wide: no threshold gives the disc.
  for (let t = 0.05; t < 1; t += 0.05) {
    const { hrCam: { width, height, data } } = cam;
    const cut = Uint8Array.from(data, (value) => Number(value > t));
    assert.ok(match({ width, height, data: cut }) < match(mask));
  }
  assert.equal(threshold, 0.4);
  assert.deepEqual(Object.keys(fitted.masks!), ["slic", "quickshift"]);
  const branch = ["superpixels", "training", "enlarging", "edges"];
  assert.deepEqual(steps, ["cam", ...branch, ...branch, "fit", "crf", "mask"]);
});

Deno.test("refineImage() does what its options say", async () => {
  const steps: string[] = [];
  const found = await refine({ labels: ["a"], walk: true, crf: false }, disc(), steps);
  assert.ok(steps.includes("walk") && !steps.includes("crf"));
  assert.equal(found.walked!.data.length, WIDTH * HEIGHT);
  assert.ok(Math.abs(found.walked!.data.reduce((a, b) => Math.max(a, b)) - 1) < 1e-6);
  for (const fit of FIT_RULES) {
    const { threshold, perimeters, fitted } = await refine({ fit, labels: ["a", "c"] });
    assert.equal(threshold, FIT_THRESHOLDS[fit]);
    assert.equal(perimeters.detector, fit === "reference" ? "canny" : "boundary");
    assert.equal(fitted.hrCam.channels, 2);
  }
  const { perimeters, fitted } = await refine({
    method: "quickshift",
    labels: ["a"],
    fit: "majority",
  });
  assert.deepEqual(perimeters.branches.map(({ method }) => method), ["quickshift"]);
  assert.deepEqual(Object.keys(fitted.masks!), ["quickshift"]);
});

Deno.test("refineImage() works at a reduced size and gives a mask of the full one", async () => {
  const { mask, image, cam, fitted } = await refine(
    { labels: ["a"], workingSize: 96, threshold: 0.4 },
    disc(500, 333),
  );
  assert.deepEqual([mask.width, mask.height, mask.data.length], [500, 333, 500 * 333]);
  for (const { width, height } of [image, cam.hrCam, fitted.hrCam]) {
    assert.deepEqual([width, height], [96, 64]);
  }
  assert.ok(match(mask) > 0.98, `${match(mask)}`);
});

Deno.test("refineImage() gives an empty mask when there are no classes", async () => {
  const found = await refine({ labels: [], walk: true });
  assert.deepEqual(new Set(found.mask.data), new Set([0]));
  for (const result of REFINE_RESULTS) {
    for (const format of ["png", "overlay", "npz"] as const) {
      assert.ok(refineStage.encode(format, { ...found, result }, writing(disc())).length > 0);
    }
  }
  assert.deepEqual(refineStage.summarize(found, models).classes, []);
});

for (const [width, height] of [[1, 1], [1, 20], [33, 2]] as const) {
  Deno.test(`refineImage() works on ${width}×${height} px`, async () => {
    const { mask } = await refine({ labels: ["a"], walk: true }, disc(width, height));
    assert.equal(mask.data.length, width * height);
  });
}

Deno.test("refineImage() refuses options that cannot be served", async () => {
  const cases: [RefineOptions, RegExp][] = [
    [{ fit: "best" as "half" }, /fit must be one of reference, all/],
    [{ result: "photo" as RefineResult }, /result must be one of cam, slic/],
    [{ result: "slic", method: "quickshift" }, /no result slic/],
    [{ threshold: 2.1 }, /0\.\.2, got 2.1/],
    [{ minArea: -1 }, /minArea must lie in 0\.\.1/],
    [{ workingSize: 769 }, /16\.\.768/],
    [{ labels: ["unicorn"] }, /unicorn/],
    [{ iterations: 0 }, /iterations/],
  ];
  for (const [options, message] of cases) {
    await assert.rejects(refine(options), { name: "OptionError", message });
    assert.throws(() => refineStage.check!(options, models), { name: "OptionError", message });
  }
});

Deno.test("refineStage encodes each result as a picture, and all of them as arrays", async () => {
  const photo = disc(192, 128);
  const found = await refine(
    { labels: ["a", "c"], workingSize: 96, walk: true, fit: "mean-majority" },
    photo,
  );
  const arrays = decodeNpz(refineStage.encode("npz", found, writing(photo)));
  assert.deepEqual(arrays.keys!.data, BigInt64Array.of(0n, 1n, 3n));
  for (const name of ["hr_cam", "combined_hr_cam", "slic_mask", "quickshift_mask", "walked"]) {
    assert.deepEqual(arrays[name]!.shape, [2, 64, 96], name);
  }
  for (const name of ["cam", "combined_cam"]) assert.deepEqual(arrays[name]!.shape, [2, 16, 24]);
  for (const name of ["slic_labels", "quickshift_perimeter"]) {
    assert.deepEqual(arrays[name]!.shape, [64, 96], name);
  }
  assert.deepEqual(arrays.mask!.shape, [128, 192]);

  const pictures = new Map<RefineResult, Uint8Array>();
  for (const result of REFINE_RESULTS) {
    const size = result === "mask" ? [192, 128] : [96, 64];
    const png = decodeMaskPng(refineStage.encode("png", { ...found, result }, writing(photo)));
    assert.deepEqual([png.width, png.height], size, result);
    pictures.set(result, png.data);
    const overlay = await decodeImage(
      refineStage.encode("overlay", { ...found, result }, writing(photo)),
    );
    assert.deepEqual([overlay.width, overlay.height], size, result);
  }
  assert.deepEqual(pictures.get("mask"), arrays.mask!.data);
  assert.deepEqual(pictures.get("slic"), arrays.slic_labels!.data);
  assert.deepEqual(pictures.get("quickshift"), arrays.quickshift_labels!.data);
  // Class 1 fills its mask; class 3 is stronger nowhere.
  const slic = arrays.slic_mask!.data as Uint8Array;
  const quickshift = arrays.quickshift_mask!.data as Uint8Array;
  pictures.get("fit")!.forEach((key, p) => {
    if (key === 1) assert.ok(slic[p] === 255 && quickshift[p] === 255);
  });
  assert.ok(pictures.get("fit")!.includes(1));
  const heat = (maps: Float32Array, p: number, size = 96 * 64) =>
    Math.max(maps[p]!, maps[size + p]!);
  const walked = arrays.walked!.data as Float32Array;
  pictures.get("combined")!.forEach((level, p) =>
    assert.ok(Math.abs(level - 255 * heat(walked, p)) <= 0.51)
  );

  const { fit, walk, crf, perimeters, classes, workingWidth } = refineStage.summarize(
    found,
    models,
  );
  assert.deepEqual([fit, walk, crf, workingWidth], ["mean-majority", true, true, 96]);
  assert.deepEqual(perimeters.map(({ method }) => method), ["slic", "quickshift"]);
  assert.deepEqual(classes.map(({ name }) => name), ["a", "c"]);
});

Deno.test("segmentStage in mode pipeline gives the refinement's mask", async () => {
  const options = { labels: ["a"], threshold: 0.4 };
  const { mask } = await refine(options);
  const image = disc();
  const checkpoint = () => {};
  const whole = await segmentStage.compute(
    image,
    { ...options, mode: "pipeline" },
    models,
    checkpoint,
  );
  assert.deepEqual(whole.mask, mask);
  const plain = await segmentStage.compute(image, options, models, checkpoint);
  assert.notDeepEqual(plain.mask.data, mask.data);
  const refuse = (wrong: object, message: RegExp) =>
    assert.throws(() => segmentStage.check!(wrong, models), { name: "OptionError", message });
  refuse({ mode: "best" }, /mode must be one of fast, cam, pipeline/);
  refuse({ mode: "pipeline", fit: "best" }, /fit must be/);
  refuse({ threshold: 1.5 }, /0\.\.1/);
  segmentStage.check!({ mode: "pipeline", threshold: 1.5 }, models);
});
