/** How masks compare with the truth: a confusion matrix, and the figures read from it. */

/** Truth of pixels that do not count. */
const IGNORE = 255;

/** Counts of pixels by true and by predicted class. */
export interface Confusion {
  readonly classes: number;
  /** `classes×classes`: row = truth, column = prediction. Exact up to 2⁵³ pixels. */
  readonly counts: Float64Array;
}

/** An empty confusion matrix. @throws {RangeError} `classes` is no integer in 1..255. */
export function createConfusion(classes: number): Confusion {
  if (!(Number.isInteger(classes) && classes >= 1 && classes <= IGNORE)) {
    throw new RangeError(`A confusion matrix has 1 to 255 classes, got ${classes}`);
  }
  return { classes, counts: new Float64Array(classes * classes) };
}

/**
 * Counts one image's pixels, in place. Pixels whose truth is 255 are skipped.
 *
 * @param truth Class of every pixel, or 255.
 * @param predicted Class of every pixel.
 * @throws {TypeError} The masks differ in size.
 * @throws {RangeError} A pixel that counts has a class the matrix does not have; nothing is counted.
 */
export function addConfusion(
  { classes, counts }: Confusion,
  truth: Uint8Array,
  predicted: Uint8Array,
): void {
  if (truth.length !== predicted.length) {
    throw new TypeError(
      `Truth and prediction must be of one size, got ${truth.length} and ${predicted.length} px`,
    );
  }
  // All pairs of bytes are counted first, so that the loop has no branch and wrong classes show.
  const pairs = new Uint32Array(256 * 256);
  for (let i = 0; i < truth.length; i++) pairs[(truth[i]! << 8) | predicted[i]!]! += 1;
  for (let t = 0; t < IGNORE; t++) {
    for (let p = 0; p < 256; p++) {
      if (pairs[(t << 8) | p] !== 0 && (t >= classes || p >= classes)) {
        throw new RangeError(
          `Classes must be below ${classes}, got truth ${t} and prediction ${p}`,
        );
      }
    }
  }
  for (let t = 0; t < classes; t++) {
    for (let p = 0; p < classes; p++) counts[t * classes + p]! += pairs[(t << 8) | p]!;
  }
}

/** Figures of one class; P pixels predicted, T true, TP both. Shares of the union `P + T − TP`. */
export interface ClassFigures {
  readonly predicted: number;
  readonly truth: number;
  readonly hits: number;
  /** `TP/(P + T − TP)`, 0..1; `NaN` when the class is neither predicted nor there. */
  readonly iou: number;
  /** `(P − TP)/(P + T − TP)`: false positives. */
  readonly fp: number;
  /** `(T − TP)/(P + T − TP)`: false negatives. */
  readonly fn: number;
}

/** The figures of every class. */
export function classFigures({ classes, counts }: Confusion): ClassFigures[] {
  return Array.from({ length: classes }, (_, c) => {
    let truth = 0;
    let predicted = 0;
    for (let other = 0; other < classes; other++) {
      truth += counts[c * classes + other]!;
      predicted += counts[other * classes + c]!;
    }
    const hits = counts[c * classes + c]!;
    const union = predicted + truth - hits;
    return {
      predicted,
      truth,
      hits,
      iou: hits / union,
      fp: (predicted - hits) / union,
      fn: (truth - hits) / union,
    };
  });
}

/**
 * The mean of a figure over chosen classes. Classes that are neither predicted nor there have no
 * figures and do not count; without any the mean is `NaN`.
 */
export function meanFigure(
  figures: readonly ClassFigures[],
  figure: "iou" | "fp" | "fn",
  classes: readonly number[] = figures.map((_, c) => c),
): number {
  const values = classes.map((c) => figures[c]![figure]).filter((value) => !Number.isNaN(value));
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The classes that occur in the truth. */
export function classesPresent(figures: readonly ClassFigures[]): number[] {
  return figures.flatMap(({ truth }, c) => truth > 0 ? [c] : []);
}
