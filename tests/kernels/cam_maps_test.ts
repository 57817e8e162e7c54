import assert from "node:assert/strict";
import { addMirroredPositive, argmaxAbove, normalizePlanes } from "../../kernels/cam_maps.ts";
import { interpolateBilinear } from "../../kernels/interpolate.ts";
import { pattern } from "./pattern.ts";

const noise = (length: number, seed: number) =>
  Float32Array.from(pattern(length, seed), (v) => v / 128 - 1);

Deno.test("addMirroredPositive() adds the positive parts, the mirrored one turned round", () => {
  const maps = Float32Array.of(1, -2, 3, -4, 5, 6);
  const mirrored = Float32Array.of(10, 20, -30, 40, -50, 60);
  const sum = addMirroredPositive(maps, mirrored, 3);
  assert.deepEqual([...sum], [1 + 0, 0 + 20, 3 + 10, 0 + 60, 5 + 0, 6 + 40]);
  assert.equal(sum, maps);
});

Deno.test("addMirroredPositive() keeps the positive part when there is no mirror image", () => {
  assert.deepEqual([...addMirroredPositive(Float32Array.of(1, -2, 0, 4), null, 2)], [1, 0, 0, 4]);
});

Deno.test("addMirroredPositive() throws TypeError when stacks do not fit", () => {
  assert.throws(() => addMirroredPositive(new Float32Array(6), new Float32Array(3), 3), TypeError);
  assert.throws(() => addMirroredPositive(new Float32Array(7), null, 3), TypeError);
});

Deno.test("normalizePlanes() divides every plane by its maximum plus 1e-5", () => {
  const planes = Float32Array.of(0, 1, 4, 0, 0, 0, 0.5, 0.25, 0);
  normalizePlanes(planes, 3);
  const expected = [0, 1 / 4.00001, 4 / 4.00001, 0, 0, 0, 0.5 / 0.50001, 0.25 / 0.50001, 0];
  planes.forEach((value, i) => assert.ok(Math.abs(value - expected[i]!) < 1e-6));
});

for (const [outWidth, outHeight] of [[13, 7], [20, 31], [5, 3], [1, 1]] as const) {
  Deno.test(`argmaxAbove() equals enlarging first when the mask is ${outWidth}×${outHeight}`, () => {
    const [width, height, threshold] = [13, 7, 0.2];
    const labels = Uint8Array.of(3, 7, 20);
    const planes = noise(3 * width * height, 5);
    const mask = argmaxAbove(planes, labels, width, height, outWidth, outHeight, threshold);
    const large = interpolateBilinear(planes, 3, height, width, outHeight, outWidth);
    const size = outWidth * outHeight;
    let foreground = 0;
    for (let i = 0; i < size; i++) {
      const values = [0, 1, 2].map((c) => large[c * size + i]!);
      const best = Math.max(...values);
      // Where two values agree to the last bits either may win.
      const near = [threshold, ...values].filter((v) => Math.abs(v - best) < 1e-6).length > 1;
      const expected = best > threshold ? labels[values.indexOf(best)]! : 0;
      if (!near) assert.equal(mask[i], expected, `pixel ${i}`);
      if (mask[i] !== 0) foreground++;
    }
    if (size > 1) assert.ok(foreground > 0 && foreground < size);
  });
}

Deno.test("argmaxAbove() gives background at the threshold itself and the first of equal planes", () => {
  const planes = Float32Array.of(0.5, 0.6, 0.5, 0.6);
  const mask = argmaxAbove(planes, Uint8Array.of(4, 9), 2, 1, 2, 1, 0.5);
  assert.deepEqual([...mask], [0, 4]);
});

Deno.test("argmaxAbove() gives background alone when there are no planes", () => {
  const mask = argmaxAbove(new Float32Array(0), new Uint8Array(0), 3, 2, 6, 4, 0.1);
  assert.deepEqual([...mask], Array(24).fill(0));
});

Deno.test("argmaxAbove() throws TypeError when values are missing", () => {
  assert.throws(
    () => argmaxAbove(new Float32Array(11), Uint8Array.of(1, 2), 3, 2, 3, 2, 0),
    TypeError,
  );
});
