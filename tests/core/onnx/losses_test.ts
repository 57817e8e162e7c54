import assert from "node:assert/strict";
import { GraphBuilder } from "../../../core/onnx/graph_builder.ts";
import {
  binaryCrossEntropy,
  crossEntropy,
  pixelCrossEntropy,
  segmentationCrossEntropy,
} from "../../../core/onnx/losses.ts";
import { checkGradients, type Tensor64 } from "./gradient_check.ts";
import { run } from "./session.ts";

const mean = (values: readonly number[]) =>
  values.length === 0 ? 0 : values.reduce((a, b) => a + b) / values.length;

/** A scalar as the gradient check wants it. */
const scalar = (value: number): Tensor64 => ({ shape: [], data: Float64Array.of(value) });

function assertClose(actual: number | bigint | undefined, expected: number): void {
  assert.ok(Math.abs(Number(actual) - expected) < 1e-5, `${actual} is not ${expected}`);
}

Deno.test("binaryCrossEntropy() is the mean of −log of the right side's probability", async () => {
  const z = [3, -2, 0, -90, 90];
  const y = [1, 1, 0, 1, 1];
  const g = new GraphBuilder();
  const logits = g.constant(Float32Array.from(z), [5, 1]);
  g.output("loss", binaryCrossEntropy(g, logits, g.constant(Float32Array.from(y), [5, 1])));
  const { loss } = await run(g.build());
  assert.deepEqual(loss!.dims, []);
  const each = [Math.log1p(Math.exp(-3)), Math.log1p(Math.exp(2)), Math.log(2), 90, 0];
  assertClose(loss!.data[0], mean(each));
});

Deno.test("crossEntropy() is the mean of −log of the target's softmax", async () => {
  const rows = [[1, 2, -1], [0.5, 0, 3]];
  const targets = [1, 0];
  const g = new GraphBuilder();
  const logits = g.constant(Float32Array.from(rows.flat()), [2, 3]);
  const classes = g.constant(targets, [2], { dtype: "int64" });
  g.output("loss", crossEntropy(g, logits, classes));
  const { loss } = await run(g.build());
  const expected = rows.map((row, i) =>
    Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0)) - row[targets[i]!]!
  );
  assertClose(loss!.data[0], mean(expected));
});

Deno.test("pixelCrossEntropy() has the right value and gradient", () => {
  const targets = [3, 0, 4, 4, 1, 2, 0];
  const [classes, pixels] = [5, targets.length];
  return checkGradients({
    inputs: [[classes, pixels]],
    build: (g, [scores]) =>
      pixelCrossEntropy(g, scores!, g.constant(targets, [pixels], { dtype: "int64" })),
    reference: ([scores]) => {
      const losses = targets.map((target, p) => {
        const column = Array.from({ length: classes }, (_, c) => scores!.data[c * pixels + p]!);
        const sum = column.reduce((total, score) => total + Math.exp(score), 0);
        return Math.log(sum) - column[target]!;
      });
      return scalar(mean(losses));
    },
    range: [-3, 3],
  });
});

const LABELS = [0, 2, 255, 1, 1, 0, 255, 2, 2, 0, 1, 0];

Deno.test("segmentationCrossEntropy() has the right value and gradient", () =>
  checkGradients({
    inputs: [[2, 3, 2, 3]],
    build: (g, [logits]) =>
      segmentationCrossEntropy(g, logits!, g.constant(LABELS, [2, 2, 3], { dtype: "uint8" })),
    reference: ([logits]) => {
      const costs = LABELS.flatMap((label, at) => {
        if (label === 255) return [];
        const [image, pixel] = [Math.floor(at / 6), at % 6];
        const scores = [0, 1, 2].map((c) => logits!.data[(image * 3 + c) * 6 + pixel]!);
        return [Math.log(scores.reduce((sum, s) => sum + Math.exp(s), 0)) - scores[label]!];
      });
      return scalar(mean(costs));
    },
  }));

Deno.test("segmentationCrossEntropy() is 0 when no pixel counts, and finite for huge logits", async () => {
  const g = new GraphBuilder();
  const logits = g.constant([1e4, -1e4, 0, 3e4], [1, 2, 1, 2]);
  const lossOf = (labels: readonly number[]) =>
    segmentationCrossEntropy(g, logits, g.constant(labels, [1, 1, 2], { dtype: "uint8" }));
  g.output("none", lossOf([255, 255]));
  g.output("some", lossOf([0, 255]));
  const { none, some } = await run(g.build());
  assert.deepEqual([...none!.data as Float32Array], [0]);
  assert.deepEqual([...some!.data as Float32Array], [0]);
});
