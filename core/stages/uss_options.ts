/** Options of the unsupervised segmentation, apart from the runtime that does it. */

import { OptionError } from "../errors.ts";
import { USS_LABELS } from "../nets/uss_labels.ts";

/** Options of `UssSegmenter.segment()`. */
export interface UssOptions {
  /** The most iterations, 1..64. Default: 64; most photos need 3 to 10. */
  iterations?: number;
  /** Training ends after an iteration that leaves fewer labels than this, 1..32. Default: 20. */
  minLabels?: number;
  /** Learning rate, above 0 and up to 1. Default: 0.05. */
  learningRate?: number;
  /** Share of the optimiser's direction kept at each step, 0..0.999. Default: 0.9. */
  momentum?: number;
  /** Seed of the initial weights, a whole number below 2^32. Default: 43. */
  seed?: number;
}

/** The most iterations that may be asked for, as many as the published code does. */
const MAX_USS_ITERATIONS = 64;

/** Least and greatest of the options that are whole numbers. */
export const USS_RANGES = {
  iterations: [1, MAX_USS_ITERATIONS],
  minLabels: [1, USS_LABELS],
  seed: [0, 2 ** 32 - 1],
} as const;

/**
 * The options with defaults.
 *
 * @throws {OptionError} One is out of its range.
 */
export function checkUssOptions(options: UssOptions): Required<UssOptions> {
  const {
    iterations = MAX_USS_ITERATIONS,
    minLabels = 20,
    learningRate = 0.05,
    momentum = 0.9,
    seed = 43,
  } = options;
  const whole = (name: keyof typeof USS_RANGES, value: number) => {
    const [least, most] = USS_RANGES[name];
    if (Number.isInteger(value) && value >= least && value <= most) return;
    throw new OptionError(`${name} must be a whole number in ${least}..${most}, got ${value}`);
  };
  whole("iterations", iterations);
  whole("minLabels", minLabels);
  whole("seed", seed);
  if (!(learningRate > 0 && learningRate <= 1)) {
    throw new OptionError(`learningRate must lie above 0 and up to 1, got ${learningRate}`);
  }
  if (!(momentum >= 0 && momentum <= 0.999)) {
    throw new OptionError(`momentum must lie in 0..0.999, got ${momentum}`);
  }
  return { iterations, minLabels, learningRate, momentum, seed };
}
