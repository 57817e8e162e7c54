/** From CAMs to label maps: the best class above a threshold, made to follow the image by a CRF. */

import { argmaxPlanes, type CrfKernel, inferDenseCrf, unaryFromLabels } from "./dense_crf.ts";

/** What a label map's CRF takes. */
export interface LabelCrfOptions {
  /** Probability that a label given is right, between 0 and 1. Default: 0.7. */
  readonly certainty?: number;
  /** Mean-field updates. */
  readonly steps: number;
  /**
   * Called before the first update and after every one, unless there is one label alone; what it throws
   * ends the work. It must not call kernels, whose memory is at work. Default: nothing is.
   */
  readonly checkpoint?: () => void;
}

/**
 * Refuses keys that do not fit a CAM.
 *
 * @throws {TypeError} The CAM does not hold a plane of `pixels` for every key but the first.
 * @throws {RangeError} Keys do not ascend from 0, or are no bytes.
 */
export function checkKeys(
  keys: ArrayLike<number>,
  cam: Float32Array,
  pixels: number,
  task: string,
): void {
  for (let i = 0; i < keys.length; i++) {
    const ascends = i === 0 ? keys[i] === 0 : keys[i]! > keys[i - 1]!;
    if (!ascends || !Number.isInteger(keys[i]) || keys[i]! > 254) {
      throw new RangeError(
        `Cannot ${task}: keys are ${
          Array.from(keys).join(", ")
        }, must ascend from 0 to at most 254`,
      );
    }
  }
  if (keys.length === 0 || cam.length !== (keys.length - 1) * pixels) {
    throw new TypeError(
      `Cannot ${task}: the CAM holds ${cam.length} values, ${keys.length} keys of which one is the ` +
        `background need ${Math.max(0, keys.length - 1)} planes of ${pixels}`,
    );
  }
}

/**
 * `argmax` over `[threshold | cam]`.
 *
 * @param cam `C×pixels`.
 * @param threshold Value of the background, taken in single precision as the CAM is; it wins ties.
 * @returns `pixels` indices: 0 where no class is above the threshold, else 1 + the best class, the
 *   first of equal ones.
 */
export function argmaxOver(cam: Float32Array, pixels: number, threshold: number): Uint8Array {
  const labels = new Uint8Array(pixels);
  const best = new Float32Array(pixels).fill(threshold);
  for (let start = 0, label = 1; start < cam.length; start += pixels, label++) {
    for (let p = 0; p < pixels; p++) {
      const value = cam[start + p]!;
      if (value > best[p]!) {
        best[p] = value;
        labels[p] = label;
      }
    }
  }
  return labels;
}

/**
 * Lets a CRF revise a label map.
 *
 * @param map Labels 0..count-1.
 * @param count Number of labels, 1..256.
 * @param kernels Of the image.
 * @returns The most probable labels, a new array.
 * @throws {TypeError} A kernel is of another number of pixels.
 * @throws {RangeError} A label or an option is out of range.
 */
export function reviseLabels(
  map: Uint8Array,
  count: number,
  kernels: readonly CrfKernel[],
  { certainty, steps, checkpoint }: LabelCrfOptions,
): Uint8Array {
  if (count === 1) return map.slice();
  const unary = unaryFromLabels(map, count, { certainty });
  return argmaxPlanes(inferDenseCrf(unary, count, kernels, { steps, checkpoint }), count);
}
