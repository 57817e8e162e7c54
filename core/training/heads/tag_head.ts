/** The head that tells which classes are in a photo: logistic regression on averaged features. */

import * as ort from "onnxruntime-node";
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
import { binaryCrossEntropy, sumOfSquares } from "../../onnx/losses.ts";

/** Features and labels of the training images. */
export interface TaggedMeans {
  /** `N×C`: features averaged over each image's map. */
  readonly means: Float32Array;
  /** `N×K`: 1 where an image shows a class. */
  readonly tags: Float32Array;
  readonly classes: number;
}

/** Options of {@linkcode trainTagHead}. */
export interface TagHeadOptions {
  /** Steps over all images at once. Default: 300. */
  steps?: number;
  /** Learning rate at the start; it falls to 0 along a cosine. Default: 0.01. */
  rate?: number;
  /** Weight of the squared weights, in units of standardised features. Default: 0.2. */
  weightDecay?: number;
  /** Called after every step. */
  onStep?: (step: number, steps: number, loss: number) => void;
  /** Native threads. Default: ONNX Runtime's choice. */
  threads?: number;
}

/** Keeps features that hardly vary from being blown up. */
const DEVIATION_FLOOR = 1e-3;
/** Where the bias starts: a class is in few images. */
const START_BIAS = -2;

/**
 * Learns one logistic regression per class, all images in every step.
 *
 * @throws {TypeError} The arrays' sizes do not fit.
 */
export async function trainTagHead(
  { means, tags, classes }: TaggedMeans,
  prior: Prior,
  { steps = 300, rate = 0.01, weightDecay = 0.2, onStep, threads }: TagHeadOptions = {},
): Promise<LinearHead> {
  const count = tags.length / classes;
  const channels = means.length / count;
  if (!Number.isInteger(count) || prior.directions.length !== classes * channels) {
    throw new TypeError(
      `Cannot train: ${means.length} features, ${tags.length} tags and ` +
        `${prior.directions.length} directions do not fit ${classes} classes`,
    );
  }
  const scale = deviations(means, channels, DEVIATION_FLOOR);
  const directions = standardizePrior(prior, means, scale);
  await using trainer = await HeadTrainer.create(
    {
      own: { shape: [classes, channels], data: new Float32Array(classes * channels) },
      strength: { shape: [classes, 1], data: new Float32Array(classes).fill(1) },
      bias: { shape: [classes], data: new Float32Array(classes).fill(START_BIAS) },
    },
    (g, { own, strength, bias }) => {
      const x = g.input("means", "float32", [count, channels]);
      const y = g.input("tags", "float32", [count, classes]);
      const weights = weightsWithPrior(g, own, strength, directions, scale);
      const logits = g.add(g.gemm(x, weights, { transB: true }), bias);
      // The mean over classes would weaken each class's own regression, hence their number.
      const loss = g.mul(binaryCrossEntropy(g, logits, y), classes);
      return g.add(loss, g.mul(sumOfSquares(g, own), weightDecay));
    },
    { threads },
  );
  const feeds = {
    means: new ort.Tensor("float32", means, [count, channels]),
    tags: new ort.Tensor("float32", tags, [count, classes]),
  };
  for (let step = 0; step < steps; step++) {
    const loss = await trainer.step(feeds, cosineRate(rate, step, steps));
    onStep?.(step + 1, steps, loss);
  }
  const { own, strength, bias } = trainer.parameters();
  return { weights: applyPrior(own, strength, directions, scale), bias };
}
