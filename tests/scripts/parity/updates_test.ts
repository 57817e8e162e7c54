import assert from "node:assert/strict";
import {
  largestDifference,
  relativeError,
  relativeErrors,
  summarizeErrors,
  updateLimit,
} from "../../../scripts/parity/updates.ts";

Deno.test("relativeError() is the length of the difference by that of the reference", () => {
  assert.equal(relativeError([3, 4.5], [3, 4]), 0.1);
  assert.equal(relativeError([0, 0], [0, 0]), 0);
  assert.equal(relativeError([0, 1e-9], [0, 0]), Infinity);
  assert.ok(Number.isNaN(relativeError([NaN], [1])));
  assert.throws(() => relativeError([1], [1, 2]), TypeError);
});

Deno.test("relativeErrors() refuses other tensors than the reference's", () => {
  const expected = new Map([["a", [1]], ["b", [2]]]);
  assert.deepEqual(
    relativeErrors(new Map([["b", [1]], ["a", [1]]]), expected),
    new Map([["a", 0], ["b", 0.5]]),
  );
  assert.throws(() => relativeErrors(new Map([["a", [1]]]), expected), /only one side has b/);
  assert.throws(
    () => relativeErrors(new Map([...expected, ["c", [1]]]), expected),
    /only one side has c/,
  );
});

Deno.test("summarizeErrors() counts what is above the limit, NaN with it", () => {
  assert.deepEqual(summarizeErrors([0.1, 0.3, 0.2], 0.2), { max: 0.3, median: 0.2, above: 1 });
  assert.equal(summarizeErrors([0.1, NaN], 0.2).above, 1);
});

Deno.test("updateLimit() is a multiple of the tensor's own largest error, within bounds", () => {
  const limits = { least: 0.25, times: 3, most: 2 };
  assert.equal(updateLimit([0.125, 0.5, 0.25], limits), 1.5);
  assert.equal(updateLimit([0.0625, 0.03125], limits), 0.25);
  assert.equal(updateLimit([0.125, 1], limits), 2);
  assert.equal(updateLimit([Infinity], limits), 2);
  assert.ok(Number.isNaN(updateLimit([0.125, NaN], limits)));
});

Deno.test("largestDifference() is a share of the reference", () => {
  assert.equal(largestDifference([2, 3, 8], [2, 4, 8]), 0.25);
  assert.ok(Number.isNaN(largestDifference([NaN], [1])));
});
