/** The head that tells where in a photo a class is: its map is zero where background begins. */

import * as ort from "onnxruntime-node";
import { Pcg64 } from "../../../kernels/pcg64.ts";
import { HeadTrainer } from "./head_trainer.ts";
import { cosineRate } from "../run/schedules.ts";
import {
  applyPrior,
  deviations,
  type LinearHead,
  type Prior,
  standardizePrior,
  weightsWithPrior,
} from "./linear_head.ts";
import { binaryCrossEntropy, crossEntropy, sumOfSquares } from "../../onnx/losses.ts";
import { randomIndex, randomOrder } from "../random.ts";
import type { Seeds } from "./seeds.ts";
import type { TaggedMeans } from "./tag_head.ts";

/** Options of {@linkcode trainMapHead}. */
export interface MapHeadOptions {
  /** Passes over the cells. Default: 4. */
  epochs?: number;
  /** Cells a step. Default: 2048. */
  cells?: number;
  /** Images a step. Default: 512. */
  images?: number;
  /** Learning rate at the start; it falls to 0 along a cosine. Default: 0.002. */
  rate?: number;
  /** Weight of the squared weights, in units of standardised features. Default: 0.01. */
  weightDecay?: number;
  /** Weight of the image-level loss beside the cells'. Default: 1. */
  imageWeight?: number;
  /** Seed of all choices. Default: 0. */
  seed?: number;
  /** Called after every step. */
  onStep?: (step: number, steps: number, loss: number) => void;
  /** Native threads. Default: ONNX Runtime's choice. */
  threads?: number;
}

const DEVIATION_FLOOR = 1e-2;

/**
 * Learns one row of weights for background and each class, jointly from
 * - cells with guessed classes: cross-entropy of the softmax over all rows;
 * - whole images with certain labels: binary cross-entropy of what remains of a class's row after taking
 *   background's away, on the averaged features, plus a bias.
 *
 * @returns Each class's row minus background's, and the biases that make image-level logits of the
 *   averaged maps.
 * @throws {TypeError} The arrays' sizes do not fit, or there are fewer cells than a step takes.
 */
export async function trainMapHead(
  seeds: Seeds,
  { means, tags, classes }: TaggedMeans,
  prior: Prior,
  {
    epochs = 4,
    cells: cellBatch = 2048,
    images: imageBatch = 512,
    rate = 0.002,
    weightDecay = 0.01,
    imageWeight = 1,
    seed = 0,
    onStep,
    threads,
  }: MapHeadOptions = {},
): Promise<LinearHead> {
  const count = seeds.classes.length;
  const channels = seeds.cells.length / count;
  const imageCount = tags.length / classes;
  if (means.length !== imageCount * channels || count < cellBatch) {
    throw new TypeError(
      `Cannot train: ${count} cells of ${channels} features and ${means.length} features of ` +
        `${imageCount} images do not fit, or are fewer than the ${cellBatch} cells of a step`,
    );
  }
  const scale = deviations(seeds.cells, channels, DEVIATION_FLOOR);
  const rows = classes + 1;
  // Background has no prior.
  const directions = new Float32Array(rows * channels);
  directions.set(standardizePrior(prior, means, scale), channels);
  await using trainer = await HeadTrainer.create(
    {
      own: { shape: [rows, channels], data: new Float32Array(rows * channels) },
      strength: { shape: [rows, 1], data: new Float32Array(rows).fill(1) },
      bias: { shape: [classes], data: new Float32Array(classes) },
    },
    (g, { own, strength, bias }) => {
      const cells = g.input("cells", "float32", [cellBatch, channels]);
      const cellClasses = g.input("cellClasses", "int64", [cellBatch]);
      const x = g.input("means", "float32", [imageBatch, channels]);
      const y = g.input("tags", "float32", [imageBatch, classes]);
      const weights = weightsWithPrior(g, own, strength, directions, scale);
      const perCell = crossEntropy(g, g.gemm(cells, weights, { transB: true }), cellClasses);
      const background = g.slice(weights, [0], [1]);
      const differences = g.sub(g.slice(weights, [1], [rows]), background);
      const logits = g.add(g.gemm(x, differences, { transB: true }), bias);
      const perImage = g.mul(binaryCrossEntropy(g, logits, y), classes * imageWeight);
      return g.add(g.add(perCell, perImage), g.mul(sumOfSquares(g, own), weightDecay));
    },
    { threads },
  );

  const random = new Pcg64(seed);
  const perEpoch = Math.floor(count / cellBatch);
  const steps = epochs * perEpoch;
  const batch = {
    cells: new Float32Array(cellBatch * channels),
    cellClasses: new BigInt64Array(cellBatch),
    means: new Float32Array(imageBatch * channels),
    tags: new Float32Array(imageBatch * classes),
  };
  for (let step = 0, order = randomOrder(random, count); step < steps; step++) {
    const first = (step % perEpoch) * cellBatch;
    if (step > 0 && first === 0) order = randomOrder(random, count);
    for (let i = 0; i < cellBatch; i++) {
      const from = order[first + i]!;
      copyRow(seeds.cells, from, batch.cells, i, channels);
      batch.cellClasses[i] = BigInt(seeds.classes[from]!);
    }
    for (let i = 0; i < imageBatch; i++) {
      const from = randomIndex(random, imageCount);
      copyRow(means, from, batch.means, i, channels);
      copyRow(tags, from, batch.tags, i, classes);
    }
    const loss = await trainer.step({
      cells: new ort.Tensor("float32", batch.cells, [cellBatch, channels]),
      cellClasses: new ort.Tensor("int64", batch.cellClasses, [cellBatch]),
      means: new ort.Tensor("float32", batch.means, [imageBatch, channels]),
      tags: new ort.Tensor("float32", batch.tags, [imageBatch, classes]),
    }, cosineRate(rate, step, steps));
    onStep?.(step + 1, steps, loss);
  }
  const { own, strength, bias } = trainer.parameters();
  const weights = applyPrior(own, strength, directions, scale);
  const differences = weights.subarray(channels).map((value, i) => value - weights[i % channels]!);
  return { weights: differences, bias };
}

function copyRow(
  from: Float32Array | Float16Array,
  row: number,
  to: Float32Array,
  at: number,
  length: number,
): void {
  to.set(from.subarray(row * length, (row + 1) * length), at * length);
}
