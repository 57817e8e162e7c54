import assert from "node:assert/strict";
import { imagePatches, patchStatistics } from "../../kernels/image_patches.ts";
import { rankLabels } from "../../kernels/rank_labels.ts";
import { pattern } from "./pattern.ts";

function planesOf(image: Uint8Array): Float32Array {
  const pixels = image.length / 3;
  return Float32Array.from(image, (_, at) => image[3 * (at % pixels) + Math.floor(at / pixels)]!);
}

for (const [width, height] of [[7, 4], [3, 9], [1, 5], [6, 1], [1, 1], [2, 2]] as const) {
  Deno.test(`imagePatches() shows every pixel's neighbours when the image is ${width}×${height}`, () => {
    const pixels = width * height;
    const planes = planesOf(pattern(3 * pixels, 5));
    const patches = imagePatches(planes, width, height);
    assert.equal(patches.length, 28 * pixels);
    for (let row = 0; row < 27; row++) {
      const [channel, i, j] = [Math.floor(row / 9), Math.floor(row % 9 / 3) - 1, row % 3 - 1];
      for (let p = 0; p < pixels; p++) {
        const [y, x] = [Math.floor(p / width) + i, p % width + j];
        const inside = y >= 0 && y < height && x >= 0 && x < width;
        const value = inside ? planes[(channel * height + y) * width + x] : 0;
        assert.equal(patches[row * pixels + p], value);
      }
    }
    assert.ok(patches.subarray(27 * pixels).every((value) => value === 1));
  });

  Deno.test(`patchStatistics() gives mean and covariance when the image is ${width}×${height}`, () => {
    const pixels = width * height;
    const image = pattern(3 * pixels, 9);
    const patches = Float64Array.from(
      imagePatches(planesOf(image), width, height),
      (value) => value / 255,
    );
    const { mean, covariance } = patchStatistics(image, width, height);
    const row = (at: number) => patches.subarray(at * pixels, (at + 1) * pixels);
    const meanOf = (at: number) => row(at).reduce((sum, value) => sum + value, 0) / pixels;
    for (let a = 0; a < 27; a++) {
      assert.ok(Math.abs(mean[a]! - meanOf(a)) < 1e-12);
      for (let b = 0; b < 27; b++) {
        const product = row(a).reduce((sum, value, p) => sum + value * row(b)[p]!, 0) / pixels;
        const wanted = product - meanOf(a) * meanOf(b);
        assert.ok(Math.abs(covariance[27 * a + b]! - wanted) < 1e-12, `covariance ${a}, ${b}`);
      }
    }
  });
}

Deno.test("imagePatches() and patchStatistics() refuse images that do not fit their size", () => {
  assert.throws(() => imagePatches(new Float32Array(20), 3, 2), TypeError);
  assert.throws(() => patchStatistics(new Uint8Array(20), 3, 2), TypeError);
  assert.throws(() => patchStatistics(new Uint8Array(3 * 40000), 40000, 1), RangeError);
});

Deno.test("rankLabels() numbers labels by size and leaves no gaps", () => {
  const close = rankLabels(Uint16Array.of(7, 3, 3, 9, 7, 300));
  assert.deepEqual(close, { ranks: Int32Array.of(1, 0, 0, 2, 1, 3), count: 4 });
  const apart = rankLabels(Int32Array.of(2e9, -5, 12, -2e9, 12));
  assert.deepEqual(apart, { ranks: Int32Array.of(3, 1, 2, 0, 2), count: 4 });
  assert.deepEqual(rankLabels(new Int32Array(0)), { ranks: new Int32Array(0), count: 0 });
});
