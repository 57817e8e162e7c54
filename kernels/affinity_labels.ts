/**
 * Affinity labels: the pixels whose class is trusted enough to teach AffinityNet (J. Ahn, S. Cho and
 * S. Kwak, CVPR 2019).
 */

import { argmaxOver, checkKeys, reviseLabels } from "./crf_labels.ts";
import type { CrfKernel } from "./dense_crf.ts";
import { inRange } from "./image_arguments.ts";

/** Label of pixels that are trusted neither as an object nor as background. */
export const IGNORE_LABEL = 255;

/** Options of {@link affinityLabels}. */
export interface AffinityLabelOptions {
  /** Foreground is trusted where a class is above this. Default: 0.6. */
  readonly foreground?: number;
  /** Background is trusted where no class is above this. Default: 0.4. */
  readonly background?: number;
  /** Probability that the CRF's labels are right, between 0 and 1. Default: 0.7. */
  readonly certainty?: number;
  /** Mean-field updates of both CRFs. Default: 10. */
  readonly steps?: number;
  /**
   * Called before the first update of either CRF and after every one, unless there are no classes; what it
   * throws ends the work. It must not call kernels. Default: nothing is.
   */
  readonly checkpoint?: () => void;
}

/** Affinity labels and what they were made from. */
export interface AffinityLabels {
  /** Keys, and {@link IGNORE_LABEL}. */
  readonly labels: Uint8Array;
  /** Indices into the keys over the foreground's threshold, before and after the CRF. */
  readonly foreground: { readonly argmax: Uint8Array; readonly revised: Uint8Array };
  /** The same over the background's threshold. */
  readonly background: { readonly argmax: Uint8Array; readonly revised: Uint8Array };
}

/**
 * Two label maps, one with a high and one with a low threshold, each revised by a CRF: a class of the
 * first is taken; where both say background it is background; else the pixel is ignored.
 *
 * @param cam `C×H×W`, in the image's size; combined CAMs reach 2.
 * @param keys 0 and the C classes, ascending.
 * @param kernels The CRF's, of the image.
 * @throws {TypeError} The CAM does not fit the keys or the kernels.
 * @throws {RangeError} Keys or an option are out of range.
 */
export function affinityLabels(
  cam: Float32Array,
  keys: ArrayLike<number>,
  width: number,
  height: number,
  kernels: readonly CrfKernel[],
  options: AffinityLabelOptions = {},
): AffinityLabels {
  const { foreground = 0.6, background = 0.4, certainty = 0.7, steps = 10 } = options;
  const inference = { certainty, steps, checkpoint: options.checkpoint };
  const pixels = width * height;
  checkKeys(keys, cam, pixels, "label affinities");
  inRange("foreground", foreground, 0, 2);
  inRange("background", background, 0, 2);
  const [high, low] = [foreground, background].map((threshold) => {
    const argmax = argmaxOver(cam, pixels, threshold);
    const revised = reviseLabels(argmax, keys.length, kernels, inference);
    return { argmax, revised };
  });
  const labels = new Uint8Array(pixels);
  for (let p = 0; p < pixels; p++) {
    const label = high!.revised[p]!;
    if (label !== 0) labels[p] = keys[label]!;
    else if (low!.revised[p] !== 0) labels[p] = IGNORE_LABEL;
  }
  return { labels, foreground: high!, background: low! };
}
