import assert from "node:assert/strict";
import { combineCam } from "../../kernels/combine_cam.ts";
import { connectedRegions, labelRegions } from "../../kernels/connected_regions.ts";
import { FIT_RULES, fitCam, type FitRule } from "../../kernels/fit_cam.ts";
import { eraseByFloodFill, stretchPicture } from "../../kernels/flood_fill.ts";
import { addPerimeter, fitToRegions, perimeterFit, roughCam } from "../../kernels/perimeter_fit.ts";
import { regionMeanCam } from "../../kernels/region_cam.ts";
import { pattern } from "./pattern.ts";

Deno.test("connectedRegions() numbers 4-connected regions by their first pixels", () => {
  // deno-fmt-ignore
  const labels = Uint8Array.of(
    1, 1, 2, 1, 1,
    2, 1, 2, 1, 2,
    2, 1, 1, 1, 2,
    1, 2, 2, 2, 1,
  );
  const { map, count } = connectedRegions(labels, 5, 4);
  // deno-fmt-ignore
  assert.deepEqual([...map], [
    0, 0, 1, 0, 0,
    2, 0, 1, 0, 3,
    2, 0, 0, 0, 3,
    4, 5, 5, 5, 6,
  ]);
  assert.equal(count, 7);
});

Deno.test("connectedRegions() equals a search from every pixel on random labels", () => {
  for (const [width, height, labels, seed] of [[13, 9, 2, 1], [1, 12, 3, 2], [31, 4, 4, 3]]) {
    const map = pattern(width! * height!, seed!).map((v) => v % labels!);
    const found = connectedRegions(map, width!, height!);
    const wanted = searchRegions(map, width!, height!);
    assert.deepEqual([...found.map], wanted);
    assert.equal(found.count, Math.max(...wanted) + 1);
  }
});

function searchRegions(labels: Uint8Array, width: number, height: number): number[] {
  const regions = new Array<number>(labels.length).fill(-1);
  let count = 0;
  const visit = (x: number, y: number, label: number, region: number) => {
    const p = y * width + x;
    if (x < 0 || x >= width || y < 0 || y >= height) return;
    if (regions[p] !== -1 || labels[p] !== label) return;
    regions[p] = region;
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      visit(x + dx!, y + dy!, label, region);
    }
  };
  labels.forEach((label, p) => {
    if (regions[p] === -1) visit(p % width, Math.floor(p / width), label, count++);
  });
  return regions;
}

Deno.test("labelRegions() keeps the pieces of a label together", () => {
  const { map, count } = labelRegions(Int32Array.of(7, 7, -3, 7, 500000, -3));
  assert.deepEqual([[...map], count], [[0, 0, 1, 0, 2, 1], 3]);
});

/** Grey levels as a picture. */
function gray(levels: readonly number[]): Uint8Array {
  return Uint8Array.from(levels.flatMap((v) => [v, v, v]));
}

Deno.test("stretchPicture() scales by 255 over the maximum and cuts fractions off", () => {
  assert.deepEqual([...stretchPicture(Uint8Array.of(0, 1, 50, 100))], [0, 2, 127, 255]);
  assert.deepEqual([...stretchPicture(Uint8Array.of(0, 255, 7))], [0, 255, 7]);
  assert.deepEqual([...stretchPicture(new Uint8Array(3))], [0, 0, 0]);
});

Deno.test("eraseByFloodFill() joins pixels within the threshold of the seed's colour, not of each other", () => {
  // Steps of 3 grey levels are 9 in sum; two steps are 18.
  const picture = gray([100, 103, 106, 100, 200, 200, 200, 200, 50, 50, 50, 50]);
  const keep = Uint8Array.of(0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
  assert.deepEqual(
    [...eraseByFloodFill(picture, keep, 4, 3)],
    [0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255],
  );
});

Deno.test("eraseByFloodFill() starts nothing in the last row and column, but fills into them", () => {
  const keep = Uint8Array.of(1, 1, 0, 1, 1, 1, 0, 0, 0);
  const picture = gray([90, 90, 90, 90, 90, 90, 90, 90, 90]);
  assert.deepEqual([...eraseByFloodFill(picture, keep, 3, 3)], new Array(9).fill(255));
  keep[0] = 0;
  assert.deepEqual([...eraseByFloodFill(picture, keep, 3, 3)], new Array(9).fill(0));
});

Deno.test("eraseByFloodFill() starts nothing within the threshold of black", () => {
  const picture = Uint8Array.of(3, 3, 4, 3, 3, 4, 3, 4, 4, 3, 4, 4, 0, 0, 0, 9, 9, 9);
  const keep = new Uint8Array(6);
  // Sums of 10 stay, 11 starts a fill; what is black counts as erased.
  assert.deepEqual([...eraseByFloodFill(picture.subarray(0, 12), keep.subarray(0, 4), 2, 2)], [
    255,
    255,
    255,
    255,
  ]);
  assert.deepEqual([...eraseByFloodFill(picture.subarray(6), keep.subarray(0, 4), 2, 2)], [
    0,
    0,
    0,
    255,
  ]);
});

Deno.test("eraseByFloodFill() equals one fill after another on random pictures", () => {
  for (const [width, height, seed] of [[17, 9, 1], [5, 23, 2], [2, 2, 3], [1, 4, 4]]) {
    const pixels = width! * height!;
    const picture = pattern(3 * pixels, seed!).map((v) => v % 16);
    const keep = pattern(pixels, seed! + 50).map((v) => v % 6);
    for (const threshold of [0, 10, 25]) {
      const found = eraseByFloodFill(picture, keep, width!, height!, { threshold });
      assert.deepEqual([...found], floodPixelByPixel(picture, keep, width!, height!, threshold));
    }
  }
});

/** Pillow's algorithm, with its growing edge. */
function floodPixelByPixel(
  picture: Uint8Array,
  keep: Uint8Array,
  width: number,
  height: number,
  threshold: number,
): number[] {
  const pixels = Array.from(keep, (_, p) => [...picture.subarray(3 * p, 3 * p + 3)]);
  const distance = (a: number[], b: number[]) =>
    a.reduce((sum, value, c) => sum + Math.abs(value - b[c]!), 0);
  const black = [0, 0, 0];
  for (let p = 0; p < keep.length; p++) {
    const [x, y] = [p % width, Math.floor(p / width)];
    if (keep[p] !== 0 || x === width - 1 || y === height - 1) continue;
    const seed = pixels[p]!;
    if (distance(seed, black) <= threshold) continue;
    pixels[p] = black;
    let edge = [p];
    while (edge.length > 0) {
      const next: number[] = [];
      for (const q of edge) {
        for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
          const [u, v] = [q % width + dx!, Math.floor(q / width) + dy!];
          if (u < 0 || u >= width || v < 0 || v >= height) continue;
          const n = v * width + u;
          if (pixels[n] === black || distance(pixels[n]!, seed) > threshold) continue;
          pixels[n] = black;
          next.push(n);
        }
      }
      edge = next;
    }
  }
  return pixels.map((colour) => colour.some((value) => value > 0) ? 255 : 0);
}

const regions = connectedRegions(Uint8Array.of(1, 1, 2, 2, 1, 1, 2, 2), 4, 2);

Deno.test("fitToRegions() erases a region for one pixel outside, or for half of its pixels", () => {
  const rough = Uint8Array.of(9, 9, 9, 0, 9, 0, 9, 0, 255, 255, 255, 0, 255, 255, 255, 255);
  // deno-fmt-ignore
  assert.deepEqual([...fitToRegions(rough, 2, regions, 4, 2)], [
    0, 0, 0, 0, 0, 0, 0, 0,
    255, 255, 0, 0, 255, 255, 0, 0,
  ]);
  // deno-fmt-ignore
  assert.deepEqual([...fitToRegions(rough, 2, regions, 4, 2, { rule: "majority" })], [
    255, 255, 0, 0, 255, 255, 0, 0,
    255, 255, 255, 255, 255, 255, 255, 255,
  ]);
});

Deno.test("addPerimeter() adds strong edges, within the rough CAM for SLIC", () => {
  const fitted = () => Uint8Array.of(0, 255, 0, 0, 255);
  const rough = Uint8Array.of(0, 255, 255, 255, 0);
  const edge = Uint8Array.of(255, 0, 250, 251, 0);
  assert.deepEqual([...addPerimeter(fitted(), rough, edge, "quickshift")], [
    255,
    255,
    255,
    255,
    255,
  ]);
  assert.deepEqual([...addPerimeter(fitted(), rough, edge, "slic")], [0, 255, 0, 255, 0]);
  const weak = Uint8Array.of(200, 200, 200, 201, 201);
  assert.deepEqual([...addPerimeter(new Uint8Array(5), rough, weak, "quickshift")], [
    0,
    0,
    0,
    255,
    255,
  ]);
});

Deno.test("roughCam() compares in single precision", () => {
  assert.deepEqual([...roughCam(Float32Array.of(0, 1e-30, 0.05, 0.0500001), 0)], [
    0,
    255,
    255,
    255,
  ]);
  assert.deepEqual([...roughCam(Float32Array.of(0, 1e-30, 0.05, 0.0500001), 0.05)], [0, 0, 0, 255]);
});

Deno.test("combineCam() doubles where both masks agree, and resizes other masks", () => {
  const cam = Float32Array.of(0.5, 0.25, 1, 0);
  const slic = Uint8Array.of(255, 255, 0, 255);
  const quickshift = Uint8Array.of(255, 0, 255, 255);
  assert.deepEqual([...combineCam(cam, 1, 2, 2, slic, quickshift)], [1, 0.25, 1, 0]);
  // Columns halved: a mask of 1 0 1 1 becomes 0.5 1.
  const wide = Uint8Array.of(1, 0, 1, 1, 1, 0, 1, 1);
  const size = { maskWidth: 4, maskHeight: 2 };
  assert.deepEqual([...combineCam(cam, 1, 2, 2, wide, wide, size)], [0.625, 0.5, 1.25, 0]);
});

Deno.test("regionMeanCam() averages over regions, then over divisions", () => {
  const cam = Float32Array.of(1, 0, 0, 4, 0, 3, 0, 0);
  const one = regionMeanCam(cam, 1, 4, 2, [regions]);
  assert.deepEqual([...one], [1, 1, 1, 1, 1, 1, 1, 1]);
  const rows = labelRegions(Uint8Array.of(0, 0, 0, 0, 1, 1, 1, 1));
  const two = regionMeanCam(cam.map((v) => 2 * v), 1, 4, 2, [regions, rows]);
  assert.deepEqual([...two], [2.25, 2.25, 2.25, 2.25, 1.75, 1.75, 1.75, 1.75]);
  const half = regionMeanCam(cam, 1, 4, 2, [regions], { share: 0.5 });
  assert.deepEqual([...half], [1, 0.5, 0.5, 2.5, 0.5, 2, 0.5, 0.5]);
});

Deno.test("fitCam() follows every rule", () => {
  // deno-fmt-ignore
  const cam = Float32Array.of(
    0.5, 0.5, 0.25, 0.5,
    0.5, 0.25, 0.25, 0,
  );
  const segmentation = {
    regions,
    picture: gray([80, 80, 160, 160, 80, 80, 160, 160]),
    edge: new Uint8Array(8),
  };
  const both = { slic: segmentation, quickshift: segmentation };
  const wanted: Record<FitRule, number[]> = {
    // The zero is in the last row and column, where the published fill starts nothing.
    reference: [1, 1, 0.5, 1, 1, 0.5, 0.5, 0],
    all: [1, 1, 0.25, 0.5, 1, 0.5, 0.25, 0],
    majority: [1, 1, 0.5, 1, 1, 0.5, 0.5, 0],
    "region-mean": [0.4375, 0.4375, 0.25, 0.25, 0.4375, 0.4375, 0.25, 0.25],
    half: [0.46875, 0.46875, 0.25, 0.375, 0.46875, 0.34375, 0.25, 0.125],
    // All of the first region and three pixels of four of the second are in the rough CAM.
    "mean-majority": [0.875, 0.875, 0.5, 0.5, 0.875, 0.875, 0.5, 0.5],
  };
  for (const rule of FIT_RULES) {
    const found = fitCam(cam, 1, 4, 2, both, rule);
    assert.deepEqual([...found.cam], wanted[rule], rule);
    assert.equal(found.masks === undefined, rule === "region-mean" || rule === "half", rule);
    const alone = fitCam(cam, 1, 4, 2, { quickshift: segmentation }, rule);
    assert.deepEqual([...alone.cam], wanted[rule], `${rule} of one segmentation`);
  }
});

Deno.test("fitCam() throws when a part or the rule is missing", () => {
  const cam = new Float32Array(8);
  const none = { slic: {}, quickshift: {} };
  for (const rule of FIT_RULES) {
    assert.throws(() => fitCam(cam, 1, 4, 2, none, rule), { name: "TypeError", message: /slic/ });
  }
  assert.throws(() => fitCam(cam, 1, 4, 2, none, "best" as FitRule), RangeError);
  assert.throws(() => fitCam(cam, 1, 4, 2, {}, "all"), RangeError);
});

Deno.test("perimeterFit() and its parts throw TypeError when an array does not fit", () => {
  const eight = new Uint8Array(8);
  const cam = new Float32Array(16);
  assert.throws(() => perimeterFit(cam, 1, { regions }, eight, 4, 2, "slic"), TypeError);
  assert.throws(() => perimeterFit(cam, 2, { regions }, eight, 2, 4.5, "slic"), RangeError);
  assert.throws(() => perimeterFit(cam, 2, { picture: eight }, eight, 4, 2, "slic"), TypeError);
  assert.throws(
    () => perimeterFit(cam, 2, { regions }, new Uint8Array(7), 4, 2, "slic"),
    TypeError,
  );
  assert.throws(() => addPerimeter(new Uint8Array(9), new Uint8Array(9), eight, "slic"), TypeError);
  assert.throws(() => combineCam(cam, 2, 4, 2, eight, eight), TypeError);
  assert.throws(() => regionMeanCam(cam, 1, 4, 2, [regions]), TypeError);
  assert.throws(() => regionMeanCam(cam, 2, 4, 2, []), RangeError);
  assert.throws(() => connectedRegions(eight, 3, 2), TypeError);
  assert.throws(() => eraseByFloodFill(eight, eight, 4, 2), TypeError);
});
