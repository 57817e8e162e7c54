import assert from "node:assert/strict";
import { reportChain } from "../../../core/evaluation/chain_report.ts";
import { addConfusion, createConfusion } from "../../../kernels/confusion.ts";

const NAMES = ["background", "cat", "dog", "cow"];

/** Truth: four pixels each of background and cat, two of dog; no cow. */
function counted(predicted: readonly number[]) {
  const confusion = createConfusion(4);
  addConfusion(confusion, Uint8Array.of(0, 0, 0, 0, 1, 1, 1, 1, 2, 2), Uint8Array.from(predicted));
  return confusion;
}

// IoU 1, 3/4, 2/3 and: 2/4, 4/6, 2/2.
const LOW = counted([0, 0, 0, 0, 1, 1, 1, 2, 2, 2]);
const HIGH = counted([0, 0, 1, 1, 1, 1, 1, 1, 2, 2]);

function close(value: number | null, expected: number): void {
  assert.ok(value !== null && Math.abs(value - expected) < 1e-12, `${value}, not ${expected}`);
}

Deno.test("reportChain() takes means over all, present, chosen and foreground classes", () => {
  const { at, classes, chosenHere } = reportChain("masks", [LOW], [], NAMES, [1, 2]);
  assert.equal(at.threshold, null);
  assert.equal(chosenHere, false);
  close(at.miou, (1 + 3 / 4 + 2 / 3) / 4);
  close(at.present, (1 + 3 / 4 + 2 / 3) / 3);
  close(at.chosen, (3 / 4 + 2 / 3) / 2);
  // Cows neither occur nor are predicted.
  close(at.fp, (0 + 1 / 3) / 2);
  close(at.fn, (1 / 4 + 0) / 2);
  assert.deepEqual(classes.map(({ name, pixels }) => [name, pixels]), [
    ["background", 4],
    ["cat", 4],
    ["dog", 2],
    ["cow", 0],
  ]);
  assert.equal(classes[3]!.iou, null);
});

Deno.test("reportChain() leaves chosen classes that the truth does not show out of their mean", () => {
  const strayCow = counted([0, 0, 0, 0, 1, 1, 1, 3, 2, 2]);
  const { at } = reportChain("masks", [strayCow], [], NAMES, [1, 3]);
  close(at.chosen, 3 / 4);
  assert.equal(reportChain("masks", [strayCow], [], NAMES, [3]).at.chosen, null);
});

Deno.test("reportChain() finds the best threshold by the chosen classes, or else by all", () => {
  const thresholds = [0.1, 0.2];
  const all = reportChain("cam", [LOW, HIGH], thresholds, NAMES, []);
  assert.equal(all.at.threshold, 0.1);
  assert.equal(all.chosenHere, true);
  assert.equal(all.at.chosen, null);
  const dogs = reportChain("cam", [LOW, HIGH], thresholds, NAMES, [2]);
  assert.equal(dogs.at.threshold, 0.2);
  close(dogs.classes[2]!.iou, 1);
  assert.deepEqual(dogs.sweep.map(({ threshold }) => threshold), thresholds);
});

Deno.test("reportChain() reports at the threshold asked for, and refuses others", () => {
  const thresholds = [0.1, 0.1 + 0.2];
  const report = reportChain("cam", [LOW, HIGH], thresholds, NAMES, [], 0.3);
  assert.equal(report.chosenHere, false);
  close(report.at.present, (2 / 4 + 4 / 6 + 1) / 3);
  assert.throws(() => reportChain("cam", [LOW, HIGH], thresholds, NAMES, [], 0.25), RangeError);
});
