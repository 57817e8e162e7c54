import assert from "node:assert/strict";
import { decodeNpz } from "../../core/npz.ts";
import { labelBoundaries } from "../../kernels/boundaries.ts";
import { adjustedRandIndex, renamedAgreement } from "../../kernels/rand_index.ts";

const expected = decodeNpz(
  Deno.readFileSync(new URL("../fixtures/superpixels/boundaries.npz", import.meta.url)),
);
const regions = expected.regions!.data as Int32Array;
const [height, width] = expected.regions!.shape as [number, number];

for (const mode of ["thick", "inner", "outer"] as const) {
  for (const connectivity of [4, 8] as const) {
    Deno.test(`labelBoundaries() equals scikit-image when ${mode} with ${connectivity} neighbours`, () => {
      const marks = labelBoundaries(regions, width, height, { mode, connectivity });
      assert.deepEqual(marks.map((v) => v / 255), expected[`${mode}_${connectivity}`]!.data);
    });
  }
}

Deno.test("labelBoundaries() marks both sides of a line by default, the upper or left one when thin", () => {
  // deno-fmt-ignore
  const labels = Int32Array.of(
    -7, -7, 300000, 300000,
    -7, -7, 300000, 300000,
    4, 4, 4, 4,
  );
  // deno-fmt-ignore
  assert.deepEqual([...labelBoundaries(labels, 4, 3)], [
    0, 255, 255, 0,
    255, 255, 255, 255,
    255, 255, 255, 255,
  ]);
  // deno-fmt-ignore
  assert.deepEqual([...labelBoundaries(labels, 4, 3, { mode: "thin" })], [
    0, 255, 0, 0,
    255, 255, 255, 255,
    0, 0, 0, 0,
  ]);
});

Deno.test("labelBoundaries() treats corners as neighbours when connectivity is 8", () => {
  const labels = Uint8Array.of(1, 0, 0, 0, 0, 0);
  assert.deepEqual([...labelBoundaries(labels, 3, 2)], [255, 255, 0, 255, 0, 0]);
  const marks = labelBoundaries(labels, 3, 2, { connectivity: 8 });
  assert.deepEqual([...marks], [255, 255, 0, 255, 255, 0]);
});

Deno.test("labelBoundaries() marks nothing when there is one region or one pixel", () => {
  assert.deepEqual([...labelBoundaries(new Int32Array(6).fill(3), 3, 2)], [0, 0, 0, 0, 0, 0]);
  assert.deepEqual([...labelBoundaries(Int32Array.of(9), 1, 1, { connectivity: 8 })], [0]);
});

Deno.test("labelBoundaries() takes another label for background when told", () => {
  const labels = Uint8Array.of(1, 1, 0, 0);
  const inner = labelBoundaries(labels, 4, 1, { mode: "inner", background: 1 });
  assert.deepEqual([...inner], [0, 0, 255, 0]);
});

Deno.test("labelBoundaries() throws when labels, sizes or options are wrong", () => {
  assert.throws(() => labelBoundaries(new Int32Array(5), 2, 3), TypeError);
  assert.throws(() => labelBoundaries(new Int32Array(0), 0, 0), RangeError);
  assert.throws(
    () => labelBoundaries(new Int32Array(6), 2, 3, { connectivity: 6 as 4 }),
    RangeError,
  );
  assert.throws(
    () => labelBoundaries(new Int32Array(6), 2, 3, { mode: "fat" as "thin" }),
    RangeError,
  );
});

Deno.test("adjustedRandIndex() is 1 when only the names differ", () => {
  assert.equal(adjustedRandIndex(Int32Array.of(0, 0, 1, 2), Uint8Array.of(9, 9, 4, 0)), 1);
  assert.equal(adjustedRandIndex(Int32Array.of(5, 5, 5), Int32Array.of(-1, -1, -1)), 1);
  assert.equal(adjustedRandIndex(Int32Array.of(1, 2, 3), Int32Array.of(3, 1, 2)), 1);
});

Deno.test("adjustedRandIndex() equals the formula worked out by hand", () => {
  // Intersections 2, 1, 1, 2: pairs together 2; in a and in b 3 + 3 each of 15.
  const a = Int32Array.of(0, 0, 0, 1, 1, 1);
  const b = Int32Array.of(0, 0, 1, 0, 1, 1);
  const chance = 6 * 6 / 15;
  assert.ok(Math.abs(adjustedRandIndex(a, b) - (2 - chance) / (6 - chance)) < 1e-15);
  assert.equal(adjustedRandIndex(a, b), adjustedRandIndex(b, a));
});

Deno.test("adjustedRandIndex() is 0 when one map is a single region", () => {
  assert.equal(adjustedRandIndex(new Int32Array(4), Int32Array.of(0, 0, 1, 1)), 0);
});

Deno.test("renamedAgreement() pairs every name once", () => {
  assert.equal(renamedAgreement(Int32Array.of(1, 1, 2, 2), Int32Array.of(8, 8, 7, 7)), 1);
  assert.equal(renamedAgreement(Int32Array.of(1, 1, 1, 2), Int32Array.of(8, 8, 8, 8)), 0.75);
});

Deno.test("adjustedRandIndex() and renamedAgreement() throw TypeError when the maps do not fit", () => {
  for (const compare of [adjustedRandIndex, renamedAgreement]) {
    assert.throws(() => compare(new Int32Array(3), new Int32Array(4)), TypeError);
    assert.throws(() => compare(new Int32Array(0), new Int32Array(0)), TypeError);
  }
});
