/** Pseudo labels: what a segmentation network is trained on in place of drawn masks. */

import { argmaxOver, checkKeys, reviseLabels } from "./crf_labels.ts";
import {
  argmaxPlanes,
  type CrfKernel,
  inferDenseCrf,
  unaryFromProbabilities,
} from "./dense_crf.ts";
import { inRange } from "./image_arguments.ts";

/** What a CRF starts from: the best label of each pixel, or how far all of them are above each other. */
export const UNARIES = ["labels", "values"] as const;
export type Unary = typeof UNARIES[number];

/** Options of {@link pseudoLabels}. */
export interface PseudoLabelOptions {
  /** A pixel is background where no class is above this, 0..2. Default: 0.35. */
  readonly threshold?: number;
  /**
   * `labels`, as published: the best class is right with the probability `certainty`. `values`: classes
   * are as probable as their values, and background as the threshold, over the sum of all. Default: `labels`.
   */
  readonly unary?: Unary;
  /** Probability that the CRF's labels are right, between 0 and 1; of the unary `labels`. Default: 0.7. */
  readonly certainty?: number;
  /** Mean-field updates. Default: 1. */
  readonly steps?: number;
  /**
   * Called before the CRF's first update and after every one, and not at all where there is no CRF: without
   * kernels or classes. What it throws ends the work. It must not call kernels. Default: nothing is.
   */
  readonly checkpoint?: () => void;
}

/**
 * The best class above a threshold, revised by a CRF.
 *
 * @param cam `C×H×W` in the image's size, as a rule walked and divided by its largest value.
 * @param keys 0 and the C classes, ascending.
 * @param kernels The CRF's, of the image; none leaves the argmax as it is.
 * @returns `H×W` keys, and as `argmax` the indices into the keys before the CRF.
 * @throws {TypeError} The CAM does not fit the keys or the kernels.
 * @throws {RangeError} Keys or an option are out of range.
 */
export function pseudoLabels(
  cam: Float32Array,
  keys: ArrayLike<number>,
  width: number,
  height: number,
  kernels: readonly CrfKernel[],
  options: PseudoLabelOptions = {},
): { readonly labels: Uint8Array; readonly argmax: Uint8Array } {
  const { threshold = 0.35, unary = "labels", certainty = 0.7, steps = 1 } = options;
  const inference = { steps, checkpoint: options.checkpoint };
  const pixels = width * height;
  checkKeys(keys, cam, pixels, "make pseudo labels");
  inRange("threshold", threshold, 0, 2);
  const best = argmaxOver(cam, pixels, threshold);
  const revise = () => {
    if (kernels.length === 0 || keys.length === 1) return best;
    if (unary === "labels") {
      return reviseLabels(best, keys.length, kernels, { certainty, ...inference });
    }
    const energies = unaryFromProbabilities(shares(cam, pixels, threshold));
    return argmaxPlanes(inferDenseCrf(energies, keys.length, kernels, inference), keys.length);
  };
  const revised = revise();
  const names = Uint8Array.from(keys);
  const labels = new Uint8Array(pixels);
  for (let p = 0; p < pixels; p++) labels[p] = names[revised[p]!]!;
  return { labels, argmax: best };
}

/** Below this, classes are as improbable as each other. */
const LEAST = 1e-4;

/** `[threshold | cam]` divided by the sum over all classes: `(C+1)×pixels`. */
function shares(cam: Float32Array, pixels: number, threshold: number): Float32Array {
  const result = new Float32Array(pixels + cam.length);
  const background = Math.max(threshold, LEAST);
  const sums = new Float64Array(pixels).fill(background);
  for (let i = 0, p = 0; i < cam.length; i++, p = p + 1 === pixels ? 0 : p + 1) {
    const value = Math.max(cam[i]!, LEAST);
    result[pixels + i] = value;
    sums[p]! += value;
  }
  for (let p = 0; p < pixels; p++) result[p] = background / sums[p]!;
  for (let i = 0, p = 0; i < cam.length; i++, p = p + 1 === pixels ? 0 : p + 1) {
    result[pixels + i]! /= sums[p]!;
  }
  return result;
}
