import assert from "node:assert/strict";
import { averagePrecision } from "../../../core/evaluation/average_precision.ts";
import {
  chooseScales,
  chooseScoreThresholds,
  type ChosenThreshold,
} from "../../../core/evaluation/calibrate.ts";
import type { CamEvaluation } from "../../../core/evaluation/cam_set.ts";
import { bestScoreThreshold } from "../../../core/evaluation/score_threshold.ts";
import { addConfusion, type Confusion, createConfusion } from "../../../kernels/confusion.ts";
import { pattern } from "../../kernels/pattern.ts";

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);
const bools = (text: string) => [...text].map((letter) => letter === "+");

Deno.test("averagePrecision() is the mean precision at the positives' ranks", () => {
  close(averagePrecision([0.9, 0.8, 0.7, 0.6], bools("++--")), 1);
  close(averagePrecision([0.6, 0.9, 0.7, 0.8], bools("+-+-")), (1 / 3 + 2 / 4) / 2);
});

Deno.test("averagePrecision() does not depend on the order of items with one score", () => {
  close(averagePrecision([1, 1, 1, 1], bools("+---")), 1 / 4);
  close(averagePrecision([1, 1, 1, 1], bools("---+")), 1 / 4);
  close(averagePrecision([3, 2, 2, 1], bools("-+-+")), (1 / 3 + 2 / 4) / 2);
});

Deno.test("averagePrecision() is NaN without positives and throws when lists do not fit", () => {
  assert.ok(Number.isNaN(averagePrecision([1, 2], bools("--"))));
  assert.throws(() => averagePrecision([1, 2], bools("+")), TypeError);
});

Deno.test("averagePrecision() and bestScoreThreshold() throw when a score is not finite", () => {
  for (const score of [NaN, Infinity, -Infinity]) {
    const scores = [0.5, score, 0.2];
    assert.throws(() => averagePrecision(scores, bools("+-+")), RangeError);
    assert.throws(() => bestScoreThreshold(scores, bools("+-+")), RangeError);
  }
});

Deno.test("bestScoreThreshold() takes the middle of the widest of the best gaps", () => {
  const { threshold, f1 } = bestScoreThreshold([0.9, 0.2, 0.8, 0.1], bools("+-+-"));
  close(threshold, 0.5);
  close(f1, 1);
  // Two places have F1 2/3: above 0.6 with one hit of one, above 0.1 with two of four.
  const tie = bestScoreThreshold([0.7, 0.6, 0.5, 0.3], bools("+--+"));
  close(tie.f1, 2 / 3);
  close(tie.threshold, 0.15);
});

Deno.test("bestScoreThreshold() reaches the F1 that trying every threshold finds", () => {
  for (let seed = 1; seed < 40; seed++) {
    const scores = [...pattern(30, seed)].map((v) => (v % 64) / 64);
    const positive = [...pattern(30, seed + 100)].map((v) => v % 4 === 0);
    positive[0] = true;
    const lowest = seed % 2 === 0 ? 0 : 0.4;
    const f1At = (threshold: number) => {
      const found = scores.map((score) => score >= threshold);
      const hits = found.filter((is, i) => is && positive[i]).length;
      const count = (list: boolean[]) => list.filter(Boolean).length;
      return (2 * hits) / (count(found) + count(positive));
    };
    const best = Math.max(...scores.filter((s) => s >= lowest).map(f1At), 0);
    const chosen = bestScoreThreshold(scores, positive, lowest);
    close(chosen.f1, best);
    close(f1At(chosen.threshold), best);
    assert.ok(chosen.threshold >= lowest);
  }
});

Deno.test("bestScoreThreshold() finds nothing when no positive reaches the lowest", () => {
  const result = bestScoreThreshold([0.1, 0.5], bools("+-"), 0.3);
  assert.deepEqual(result, { threshold: 1, f1: 0 });
});

Deno.test("bestScoreThreshold() throws when there is no positive or lists do not fit", () => {
  assert.throws(() => bestScoreThreshold([0.1], bools("-")), RangeError);
  assert.throws(() => bestScoreThreshold([0.1], bools("+-")), TypeError);
});

Deno.test("chooseScoreThresholds() falls back where there are fewer than three images", () => {
  const image = (labels: number[], ...scores: number[]) => ({
    id: "",
    labels,
    scores: Float32Array.from(scores),
  });
  const images = [
    image([0, 1], 0.9, 0.9, 0.2, 0.05),
    image([0, 1, 3], 0.8, 0.8, 0.1, 0.04),
    image([0, 3], 0.7, 0.5, 0.3, 0.03),
    image([3], 0.1, 0.6, 0.3, 0.1),
  ];
  const [full, few, none, low] = chooseScoreThresholds(images, 4);
  assert.deepEqual([full!.rule, full!.positives, full!.f1], ["f1", 3, 1]);
  assert.ok(Math.abs(full!.threshold - 0.4) < 1e-6);
  // Class 1 has two images; the highest score without it is 0.6.
  assert.deepEqual([few!.rule, few!.positives, few!.f1], ["fallback", 2, null]);
  assert.ok(Math.abs(few!.threshold - 0.61) < 1e-6);
  assert.deepEqual(none, { rule: "fallback", positives: 0, f1: null, threshold: 0.4 });
  // Class 3 has three images, none of which reaches a score that is worth a threshold.
  assert.deepEqual(low, { rule: "fallback", positives: 3, f1: null, threshold: 0.4 });
});

/** A class found in `hits` of ten pixels. */
function confusionOf(hits: number): Confusion {
  const confusion = createConfusion(2);
  const predicted = Uint8Array.from({ length: 10 }, (_, i) => i < hits ? 1 : 0);
  addConfusion(confusion, new Uint8Array(10).fill(1), predicted);
  return confusion;
}

Deno.test("chooseScoreThresholds() looks at more images than a call takes arguments", () => {
  const images = Array.from({ length: 200_000 }, (_, i) => ({
    id: "",
    labels: [],
    scores: Float32Array.of(i === 1000 ? 0.75 : 0.1),
  }));
  const [{ threshold, rule }] = chooseScoreThresholds(images, 1) as [ChosenThreshold];
  assert.equal(rule, "fallback");
  close(threshold, 0.76);
});

Deno.test("chooseScales() takes scales and threshold of the best mean IoU", () => {
  const evaluation = (...hits: number[]) => ({
    sweep: hits.map((count, i) => ({ threshold: (i + 1) / 10, confusion: confusionOf(count) })),
  } as unknown as CamEvaluation);
  const best = evaluation(2, 9, 3);
  const chosen = chooseScales([
    { scales: [1], evaluation: evaluation(5, 8, 1) },
    { scales: [1, 2], evaluation: best },
  ], [1]);
  assert.deepEqual([chosen.scales, chosen.threshold, chosen.iou], [[1, 2], 0.2, 0.9]);
  assert.equal(chosen.evaluation, best);
  assert.throws(() => chooseScales([{ scales: [1], evaluation: evaluation() }], [1]), RangeError);
});
