/** Masks of maps at many background thresholds, summed over images, and the best of these thresholds. */

import {
  classesPresent,
  classFigures,
  type Confusion,
  createConfusion,
  meanFigure,
} from "../../../kernels/confusion.ts";
import { sweepConfusion } from "../../../kernels/sweep_confusion.ts";

/** Sums of {@linkcode sweepConfusion}. */
export class ThresholdSweep {
  readonly #sums: readonly Confusion[];

  /**
   * @param thresholds Ascending.
   * @param classes Of masks, background included.
   */
  constructor(readonly thresholds: readonly number[], readonly classes: number) {
    this.#sums = thresholds.map(() => createConfusion(classes));
  }

  /**
   * Counts an image.
   *
   * @param truth Class of every pixel, or 255.
   * @param maps `C×pixels`; empty where there is no class, and all is background.
   * @param keys 0 and the C classes, ascending.
   */
  add(truth: Uint8Array, maps: Float32Array, keys: ArrayLike<number>): void {
    const found = sweepConfusion(truth, maps, keys, this.thresholds, this.classes);
    found.forEach(({ counts }, at) => {
      const sum = this.#sums[at]!.counts;
      for (let i = 0; i < counts.length; i++) sum[i]! += counts[i]!;
    });
  }

  /**
   * The greatest mean IoU, and the least threshold that it is reached at.
   *
   * @param measured Classes of masks that the mean goes over. Default: those in the truth.
   */
  best(measured?: readonly number[]): { miou: number; threshold: number } {
    const means = this.#sums.map((confusion) => {
      const figures = classFigures(confusion);
      return meanFigure(figures, "iou", measured ?? classesPresent(figures));
    });
    const miou = Math.max(...means);
    return { miou, threshold: this.thresholds[means.indexOf(miou)]! };
  }
}
