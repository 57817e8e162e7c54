import assert from "node:assert/strict";
import { decodeNpz } from "../../core/npz.ts";
import { gaussianFilter } from "../../kernels/gaussian_filter.ts";
import { rgbToLab } from "../../kernels/rgb_to_lab.ts";

const expected = decodeNpz(
  Deno.readFileSync(new URL("../fixtures/superpixels/smoothing.npz", import.meta.url)),
);

function assertClose(actual: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number) {
  assert.equal(actual.length, wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    const difference = Math.abs(actual[i]! - wanted[i]!);
    assert.ok(difference <= tolerance, `[${i}]: ${actual[i]} instead of ${wanted[i]}`);
  }
}

for (const sigma of [0.4, 1, 3.3]) {
  Deno.test(`gaussianFilter() equals SciPy when sigma is ${sigma} on 7×5 pixels`, () => {
    const plane = (expected.plane!.data as Float64Array).slice();
    gaussianFilter(plane, 7, 5, sigma);
    assertClose(plane, expected[`sigma_${sigma}`]!.data as Float64Array, 1e-15);
  });
}

Deno.test("gaussianFilter() leaves the plane as it was when sigma is 0", () => {
  const plane = Float64Array.of(1, 5, -2);
  gaussianFilter(plane, 3, 1, 0);
  assert.deepEqual(plane, Float64Array.of(1, 5, -2));
});

Deno.test("gaussianFilter() throws when the plane or sigma is wrong", () => {
  assert.throws(() => gaussianFilter(new Float64Array(5), 2, 3, 1), TypeError);
  assert.throws(() => gaussianFilter(new Float64Array(6), 2, 3, -1), RangeError);
  assert.throws(() => gaussianFilter(new Float64Array(6), 2, 3, NaN), RangeError);
});

Deno.test("rgbToLab() equals scikit-image, as planes", () => {
  const lab = rgbToLab(expected.colours!.data as Uint8Array);
  const wanted = expected.lab!.data as Float64Array;
  const pixels = wanted.length / 3;
  assertClose(
    lab,
    Float64Array.from(wanted, (_, i) => wanted[3 * (i % pixels) + Math.floor(i / pixels)]!),
    1e-12,
  );
});

Deno.test("rgbToLab() converts black, white and every grey without leaving its range", () => {
  const greys = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
  const lab = rgbToLab(greys);
  assert.ok(Math.abs(lab[0]!) < 1e-12 && Math.abs(lab[255]! - 100) < 1e-9);
  for (let p = 1; p < 256; p++) assert.ok(lab[p]! > lab[p - 1]!, `grey ${p}`);
  for (let p = 256; p < 768; p++) assert.ok(Math.abs(lab[p]!) < 0.01, `colour of grey ${p}`);
});

Deno.test("rgbToLab() takes the darkest byte for black and the brightest for white when it stretches", () => {
  const dim = Uint8Array.of(60, 60, 60, 85, 85, 85, 110, 110, 110, 110, 60, 85);
  const full = Uint8Array.of(0, 0, 0, 127.5, 127.5, 127.5, 255, 255, 255);
  const stretched = rgbToLab(dim, { stretch: true });
  assert.equal(stretched[0], 0);
  assert.ok(Math.abs(stretched[2]! - 100) < 1e-9);
  assert.ok(stretched[1]! > rgbToLab(full)[1]!);
  const even = rgbToLab(Uint8Array.of(9, 9, 9), { stretch: true });
  assert.equal(even[0], 0);
});

Deno.test("rgbToLab() throws TypeError when the bytes are no whole pixels", () => {
  assert.throws(() => rgbToLab(new Uint8Array(4)), TypeError);
  assert.throws(() => rgbToLab(new Float32Array(3) as unknown as Uint8Array), TypeError);
});
