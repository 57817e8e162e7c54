import assert from "node:assert/strict";
import {
  addConfusion,
  classesPresent,
  classFigures,
  createConfusion,
  meanFigure,
} from "../../kernels/confusion.ts";
import { pattern } from "./pattern.ts";

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);

Deno.test("addConfusion() counts pairs of truth and prediction and skips truth 255", () => {
  const confusion = createConfusion(3);
  addConfusion(confusion, Uint8Array.of(0, 0, 1, 2, 255, 1), Uint8Array.of(0, 1, 1, 0, 2, 2));
  addConfusion(confusion, Uint8Array.of(0, 255), Uint8Array.of(0, 255));
  assert.deepEqual([...confusion.counts], [2, 1, 0, 0, 1, 1, 1, 0, 0]);
});

Deno.test("classFigures() equals sums over pixels when several images are added", () => {
  const classes = 5;
  const confusion = createConfusion(classes);
  const images = [1, 2, 3].map((seed) => ({
    truth: pattern(35 * 21, seed).map((v) => v < 20 ? 255 : v % classes),
    predicted: pattern(35 * 21, seed + 10).map((v) => v % (classes - 1)),
  }));
  for (const { truth, predicted } of images) addConfusion(confusion, truth, predicted);
  const figures = classFigures(confusion);
  for (let c = 0; c < classes; c++) {
    const count = (test: (t: number, p: number) => boolean) =>
      images.reduce(
        (n, { truth, predicted }) =>
          n + truth.reduce((m, t, i) => m + Number(t !== 255 && test(t, predicted[i]!)), 0),
        0,
      );
    const [tp, p, t] = [
      count((t, p) => t === c && p === c),
      count((_, p) => p === c),
      count((t) => t === c),
    ];
    const union = p + t - tp;
    assert.deepEqual([figures[c]!.hits, figures[c]!.predicted, figures[c]!.truth], [tp, p, t]);
    close(figures[c]!.iou, tp / union);
    close(figures[c]!.fp, (p - tp) / union);
    close(figures[c]!.fn, (t - tp) / union);
    close(figures[c]!.iou + figures[c]!.fp + figures[c]!.fn, 1);
  }
});

Deno.test("meanFigure() leaves out classes that are neither predicted nor there", () => {
  const confusion = createConfusion(4);
  // Class 1 is half found; class 2 is predicted wrongly; class 3 occurs nowhere.
  addConfusion(confusion, Uint8Array.of(0, 0, 0, 1, 1), Uint8Array.of(0, 0, 2, 1, 0));
  const figures = classFigures(confusion);
  assert.ok(Number.isNaN(figures[3]!.iou));
  close(meanFigure(figures, "iou"), (2 / 4 + 1 / 2 + 0) / 3);
  close(meanFigure(figures, "iou", [0, 1]), (2 / 4 + 1 / 2) / 2);
  close(meanFigure(figures, "fp", [1, 2, 3]), (0 + 1) / 2);
  close(meanFigure(figures, "fn", [1, 2, 3]), (1 / 2 + 0) / 2);
  assert.ok(Number.isNaN(meanFigure(figures, "iou", [3])));
  assert.deepEqual(classesPresent(figures), [0, 1]);
});

Deno.test("addConfusion() throws and counts nothing when masks do not fit", () => {
  const confusion = createConfusion(2);
  assert.throws(() => addConfusion(confusion, new Uint8Array(3), new Uint8Array(4)), TypeError);
  for (
    const [truth, predicted] of [[[0, 2], [0, 0]], [[0, 1], [0, 2]], [[0, 0], [0, 255]]] as const
  ) {
    assert.throws(
      () => addConfusion(confusion, Uint8Array.from(truth), Uint8Array.from(predicted)),
      RangeError,
    );
  }
  assert.deepEqual([...confusion.counts], [0, 0, 0, 0]);
});

Deno.test("createConfusion() throws RangeError when classes are no integer in 1..255", () => {
  for (const classes of [0, 256, 1.5, NaN]) {
    assert.throws(() => createConfusion(classes), RangeError);
  }
});
