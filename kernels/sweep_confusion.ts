/** How the masks of a CAM compare with the truth, for many background thresholds in one pass. */

import { type Confusion, createConfusion } from "./confusion.ts";
import { checkKeys } from "./crf_labels.ts";

/** Truth of pixels that do not count. */
const IGNORE = 255;

/**
 * Confusion matrices of `argmax` over `[threshold | cam]` for every threshold. A pixel is background where
 * no class is above the threshold; of equal classes the first is taken.
 *
 * @param truth Class of every pixel, or 255.
 * @param cam `C×pixels`.
 * @param keys 0 and the C classes, ascending.
 * @param thresholds Ascending; taken in single precision as the CAM is.
 * @param classes Classes of the matrices, background among them.
 * @throws {TypeError} The CAM does not fit truth and keys.
 * @throws {RangeError} A class is not below `classes`, keys or thresholds do not ascend.
 */
export function sweepConfusion(
  truth: Uint8Array,
  cam: Float32Array,
  keys: ArrayLike<number>,
  thresholds: readonly number[],
  classes: number,
): Confusion[] {
  const pixels = truth.length;
  checkKeys(keys, cam, pixels, "measure a CAM");
  if (keys[keys.length - 1]! >= classes) {
    throw new RangeError(`Keys must be below ${classes}, got ${keys[keys.length - 1]}`);
  }
  const limits = Float32Array.from(thresholds);
  if (limits.some((limit, i) => i > 0 && !(limit > limits[i - 1]!))) {
    throw new RangeError(`Thresholds must ascend, got ${thresholds.join(", ")}`);
  }
  // Pixels by how many thresholds their best class is above, by truth and by that class.
  const levels = limits.length + 1;
  const table = new Float64Array(levels * classes * classes);
  for (let p = 0; p < pixels; p++) {
    const actual = truth[p]!;
    if (actual === IGNORE) continue;
    if (actual >= classes) throw new RangeError(`Truth must be below ${classes}, got ${actual}`);
    let best = -Infinity;
    let label = 0;
    for (let i = p, k = 1; i < cam.length; i += pixels, k++) {
      if (cam[i]! > best) {
        best = cam[i]!;
        label = keys[k]!;
      }
    }
    let level = 0;
    while (level < limits.length && best > limits[level]!) level++;
    table[(level * classes + actual) * classes + label]! += 1;
  }
  return thresholds.map((_, k) => {
    const confusion = createConfusion(classes);
    for (let level = 0; level < levels; level++) {
      for (let t = 0; t < classes; t++) {
        for (let c = 0; c < classes; c++) {
          const count = table[(level * classes + t) * classes + c]!;
          confusion.counts[t * classes + (level > k ? c : 0)]! += count;
        }
      }
    }
    return confusion;
  });
}
