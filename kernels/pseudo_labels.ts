/** Pseudo labels: what a segmentation network is trained on in place of drawn masks. */

import { argmaxOver, checkKeys, reviseLabels } from "./crf_labels.ts";
import type { CrfKernel } from "./dense_crf.ts";
import { inRange } from "./image_arguments.ts";

/** Options of {@link pseudoLabels}. */
export interface PseudoLabelOptions {
  /** A pixel is background where no class is above this, 0..2. Default: 0.35. */
  readonly threshold?: number;
  /** Probability that the CRF's labels are right, between 0 and 1. Default: 0.7. */
  readonly certainty?: number;
  /** Mean-field updates. Default: 1. */
  readonly steps?: number;
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
  const { threshold = 0.35, certainty = 0.7, steps = 1 } = options;
  const pixels = width * height;
  checkKeys(keys, cam, pixels, "make pseudo labels");
  inRange("threshold", threshold, 0, 2);
  const best = argmaxOver(cam, pixels, threshold);
  const revised = kernels.length === 0
    ? best
    : reviseLabels(best, keys.length, kernels, { certainty, steps });
  const names = Uint8Array.from(keys);
  const labels = new Uint8Array(pixels);
  for (let p = 0; p < pixels; p++) labels[p] = names[revised[p]!]!;
  return { labels, argmax: best };
}
