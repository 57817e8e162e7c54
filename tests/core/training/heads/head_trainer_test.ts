import assert from "node:assert/strict";
import * as ort from "onnxruntime-node";
import { HeadTrainer } from "../../../../core/training/heads/head_trainer.ts";
import { trainMapHead } from "../../../../core/training/heads/map_head.ts";
import { trainTagHead } from "../../../../core/training/heads/tag_head.ts";
import { sumOfSquares } from "../../../../core/onnx/losses.ts";

const close = (actual: number, expected: number, tolerance = 1e-6) =>
  assert.ok(Math.abs(actual - expected) < tolerance, `${actual} is not ${expected}`);

Deno.test("HeadTrainer steps as Adam is defined", async () => {
  // The loss is the sum of (a·x)² + b·y, whose gradients are 2·a·x² and y.
  const start = { a: [0.5, -1, 2], b: [0.3] };
  const trainer = await HeadTrainer.create(
    {
      a: { shape: [3], data: Float32Array.from(start.a) },
      b: { shape: [], data: Float32Array.from(start.b) },
    },
    (g, { a, b }) => {
      const x = g.input("x", "float32", [3]);
      const y = g.input("y", "float32", []);
      return g.add(sumOfSquares(g, g.mul(a, x)), g.mul(b, y));
    },
    { threads: 1 },
  );
  const rates = [0.1, 0.05, 0.02];
  const feeds = [[1, 0.5, -2, 3], [0, 2, 1, -1], [1, 1, 1, 0.25]];
  const value = [...start.a, ...start.b];
  const mean = [0, 0, 0, 0];
  const square = [0, 0, 0, 0];
  for (const [t, rate] of rates.entries()) {
    const x = feeds[t]!.slice(0, 3);
    const y = feeds[t]![3]!;
    const loss = await trainer.step({
      x: new ort.Tensor("float32", Float32Array.from(x), [3]),
      y: new ort.Tensor("float32", Float32Array.of(y), []),
    }, rate);
    close(loss, x.reduce((sum, v, i) => sum + (v * value[i]!) ** 2, 0) + value[3]! * y, 1e-5);
    const gradient = [...x.map((v, i) => 2 * v * v * value[i]!), y];
    gradient.forEach((d, i) => {
      mean[i] = 0.9 * mean[i]! + 0.1 * d;
      square[i] = 0.999 * square[i]! + 0.001 * d * d;
      const m = mean[i]! / (1 - 0.9 ** (t + 1));
      const s = square[i]! / (1 - 0.999 ** (t + 1));
      value[i]! -= (rate * m) / (Math.sqrt(s) + 1e-8);
    });
    const { a, b } = trainer.parameters();
    [...a, ...b].forEach((v, i) => close(v, value[i]!, 1e-5));
  }
  await trainer.release();
});

Deno.test("HeadTrainer.create() throws TypeError when the loss does not use a parameter", async () => {
  const one = { shape: [], data: Float32Array.of(1) };
  await assert.rejects(
    HeadTrainer.create({ used: one, unused: one }, (g, { used }) => g.mul(used, used)),
    { name: "TypeError", message: /unused/ },
  );
});

Deno.test("HeadTrainer is released when what it is used for throws", async () => {
  const { release } = HeadTrainer.prototype;
  let released = 0;
  HeadTrainer.prototype.release = async function () {
    released++;
    await release.call(this);
  };
  const images = { means: new Float32Array(6), tags: Float32Array.of(1, 0, 0), classes: 1 };
  const prior = { directions: new Float32Array(2), used: new Float32Array(1) };
  const stop = new Error("stop");
  const onStep = () => {
    throw stop;
  };
  const seeds = { cells: new Float16Array(8), classes: Uint8Array.of(0, 1, 0, 1) };
  try {
    await assert.rejects(trainTagHead(images, prior, { onStep, threads: 1 }), stop);
    assert.equal(released, 1);
    const options = { onStep, threads: 1, cells: 2, images: 2 };
    await assert.rejects(trainMapHead(seeds, images, prior, options), stop);
    assert.equal(released, 2);
  } finally {
    HeadTrainer.prototype.release = release;
  }
});
