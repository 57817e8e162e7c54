import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeBrush } from "../../kernels/brush_runs.ts";
import { decodeRuns, encodeRuns, packRuns, unpackRuns } from "../../kernels/run_lengths.ts";
import { MASK_FIXTURES } from "../helpers/mask_fixtures.ts";

for (const { name, width, height, data, counts, runs, brush } of MASK_FIXTURES) {
  Deno.test(`encodeRuns() and packRuns() agree with pycocotools on the mask "${name}"`, () => {
    const own = encodeRuns(data.map((value) => 7 * value), width, height, 7);
    assert.deepEqual([...own], runs);
    assert.equal(packRuns(own), counts);
  });

  Deno.test(`decodeRuns() and unpackRuns() read the mask "${name}" of pycocotools`, () => {
    assert.deepEqual([...unpackRuns(counts)], runs);
    assert.deepEqual(decodeRuns(runs, width, height), data);
  });

  Deno.test(`encodeBrush() agrees with label-studio-converter on the mask "${name}"`, () => {
    const own = encodeBrush(data.map((value) => 3 * value), width, height, 3);
    // The converter ends with a byte of zeros where the last one is full.
    assert.ok(brush.length - own.length <= 1);
    assert.deepEqual(own, brush.subarray(0, own.length));
    assert.ok(brush.subarray(own.length).every((byte) => byte === 0));
  });
}

Deno.test("unpackRuns() and decodeRuns() undo packRuns() and encodeRuns()", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 400 }),
      (width, bits) => {
        const height = Math.ceil(bits.length / width);
        const data = new Uint8Array(width * height);
        data.set(bits.map(Number));
        const runs = unpackRuns(packRuns(encodeRuns(data, width, height, 1)));
        assert.deepEqual(decodeRuns(runs, width, height), data);
      },
    ),
    { seed: 4, numRuns: 300 },
  );
  const large = [2 ** 24, 1, 2 ** 24 + 5, 3, 2 ** 23, 2 ** 24];
  assert.deepEqual([...unpackRuns(packRuns(large))], large);
});

Deno.test("unpackRuns() refuses what is no compressed form", () => {
  for (const text of ["o", "0!", "00é", "00N0", "oooooooo"]) {
    assert.throws(() => unpackRuns(text), SyntaxError, text);
  }
});

Deno.test("decodeRuns() refuses lengths that do not cover the mask", () => {
  for (const runs of [[], [3], [3, 4], [-1, 7], [NaN, 6]]) {
    assert.throws(() => decodeRuns(runs, 2, 3), RangeError, `${runs}`);
  }
});

Deno.test("encodeRuns() and encodeBrush() refuse masks of another size", () => {
  for (const encode of [encodeRuns, encodeBrush]) {
    assert.throws(() => encode(new Uint8Array(5), 2, 3, 1), TypeError);
    assert.throws(() => encode(new Uint8Array(0), 0, 3, 1), RangeError);
  }
});
