import assert from "node:assert/strict";
import { addConfusion, createConfusion } from "../../kernels/confusion.ts";
import { argmaxOver } from "../../kernels/crf_labels.ts";
import { sweepConfusion } from "../../kernels/sweep_confusion.ts";
import { Mt19937 } from "../../kernels/mt19937.ts";

Deno.test("sweepConfusion() counts what one argmax for each threshold gives", () => {
  const generator = new Mt19937(3);
  const pixels = 20 * 21;
  const keys = [0, 2, 3, 5];
  const truth = Uint8Array.from(
    { length: pixels },
    () => [0, 1, 2, 3, 5, 255][generator.integer(6)]!,
  );
  // Coarse values, so that classes tie and values meet thresholds.
  const cam = Float32Array.from({ length: 3 * pixels }, () => generator.integer(12) / 10);
  const thresholds = [0.1, 0.3, 0.5, 1.05];
  const found = sweepConfusion(truth, cam, keys, thresholds, 6);
  thresholds.forEach((threshold, k) => {
    const expected = createConfusion(6);
    addConfusion(expected, truth, argmaxOver(cam, pixels, threshold).map((i) => keys[i]!));
    assert.deepEqual(found[k], expected);
  });
});

Deno.test("sweepConfusion() takes CAMs without classes as background", () => {
  const [only] = sweepConfusion(Uint8Array.of(0, 1, 255), new Float32Array(0), [0], [0.2], 2);
  assert.deepEqual([...only!.counts], [1, 0, 1, 0]);
});

Deno.test("sweepConfusion() refuses what does not fit", () => {
  const cam = new Float32Array(2);
  const truth = Uint8Array.of(0, 1);
  assert.throws(() => sweepConfusion(truth, cam, [0, 7], [0.1], 6), RangeError);
  assert.throws(() => sweepConfusion(truth, cam, [0, 1], [0.3, 0.1], 6), RangeError);
  assert.throws(() => sweepConfusion(Uint8Array.of(9, 0), cam, [0, 1], [0.1], 6), RangeError);
  assert.throws(() => sweepConfusion(truth, new Float32Array(3), [0, 1], [0.1], 6), TypeError);
});
