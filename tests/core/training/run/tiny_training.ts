/** A small training that is a real one: noisy pictures of two kinds, a network with dropout, momentum. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { encodeMaskPng, encodeRgbPng } from "../../../../core/image/mod.ts";
import {
  type Batch,
  type Sample,
  SampleLoader,
} from "../../../../core/training/data/sample_loader.ts";
import { binaryCrossEntropy } from "../../../../core/onnx/losses.ts";
import { type Feeds, NetworkTrainer } from "../../../../core/training/networks/network_trainer.ts";
import { makeSchedule } from "../../../../core/training/run/schedules.ts";
import type { TrainingPlan } from "../../../../core/training/run/training_loop.ts";
import type { WeightTensor } from "../../../../core/weights/tensor.ts";
import { Pcg64 } from "../../../../kernels/pcg64.ts";

const SIZE = 8;
const BATCH = 4;
const CLASSES = 2;
export const STEPS = 23;

/** Eighteen photographs of 13×10 px and up, with masks and labels. */
export function writeSamples(folder: string): Sample[] {
  mkdirSync(folder, { recursive: true });
  const random = new Pcg64(5);
  return Array.from({ length: 18 }, (_, i) => {
    const [width, height] = [13 + i, 10 + (i % 3)];
    const kind = i % CLASSES;
    const data = Uint8Array.from(
      { length: 3 * width * height },
      (_, at) => Math.floor(120 * random.uniform()) + (at % 3 === kind ? 120 : 0),
    );
    const mask = Uint8Array.from({ length: width * height }, (_, at) => (at * 7 + i) % 21);
    const paths = { image: join(folder, `${i}.png`), mask: join(folder, `${i}.mask.png`) };
    writeFileSync(paths.image, encodeRgbPng({ width, height, data }));
    writeFileSync(paths.mask, encodeMaskPng({ width, height, data: mask }));
    return { id: String(i), ...paths, labels: [kind] };
  });
}

export function openLoader(samples: readonly Sample[], workers = 0): SampleLoader {
  return new SampleLoader(samples, {
    batch: BATCH,
    seed: 7,
    classes: CLASSES,
    size: SIZE,
    longSide: [7, 14],
    mean: [0.5, 0.5, 0.5],
    std: [0.25, 0.25, 0.25],
    jitter: { brightness: 0.2, saturation: 0.3, hue: 0.1 },
    workers,
  });
}

/** Scores are means over a linear map of the pixels, some of which are dropped. */
export async function openTrainer(): Promise<NetworkTrainer> {
  const random = new Pcg64(1);
  const weights = Float32Array.from({ length: CLASSES * 3 }, () => 0.1 * random.normal());
  const parameters = new Map<string, WeightTensor>([
    ["head.weight", { shape: [CLASSES, 3, 1, 1], dtype: "float32", data: weights }],
    ["head.bias", { shape: [CLASSES], dtype: "float32", data: new Float32Array(CLASSES) }],
  ]);
  return await NetworkTrainer.create({
    parameters,
    groups: [{ match: /weight$/, weightDecay: 1e-3 }, { match: /bias$/, rate: 2 }],
    optimizer: { type: "sgd", momentum: 0.9, nesterov: true },
    blockSize: null,
    seed: 3,
    session: { threads: 1 },
    build: (g, layers) => {
      const images = g.input("images", "float32", [BATCH, 3, SIZE, SIZE]);
      const labels = g.input("labels", "float32", [BATCH, CLASSES]);
      const kept = layers.dropout(images, 0.25);
      const maps = layers.conv(kept, "head", [CLASSES, 3, 1, 1], { bias: true });
      const logits = g.reduceMean(maps, [2, 3], { keep: false });
      return { loss: binaryCrossEntropy(g, logits, labels) };
    },
  });
}

/** All of a plan but what the test is about. */
export function planOf(
  run: string,
  loader: SampleLoader,
  trainer: NetworkTrainer,
): TrainingPlan<Batch, Feeds> {
  return {
    run,
    trainer,
    source: loader,
    steps: STEPS,
    schedule: makeSchedule({ rate: 0.5, steps: STEPS, warmUp: 3 }),
    feeds: ({ images, labels }) => ({
      images: new ort.Tensor("float32", images, [BATCH, 3, SIZE, SIZE]),
      labels: new ort.Tensor("float32", labels!, [BATCH, CLASSES]),
    }),
    config: { seed: 7, rate: 0.5, keep: 2 },
    mayChange: ["keep"],
    madeWith: { samples: loader.fingerprint },
    checkpointEvery: 5,
    validation: {
      every: 4,
      metric: "size",
      better: "lower",
      // Falls while the weights grow: there is a best one, and it is not the last by necessity.
      run: (step) => Promise.resolve({ size: Math.abs(weightOf(trainer) - 1), step }),
    },
  };
}

/** One number that stands for the weights. */
export function weightOf(trainer: NetworkTrainer): number {
  return (trainer.parameters().get("head.weight")!.data as Float32Array)[0]!;
}
