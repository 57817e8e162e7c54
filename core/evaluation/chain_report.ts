/** The figures of the results of a run, ready to be printed, drawn or kept as JSON. */

import {
  type ClassFigures,
  classFigures,
  type Confusion,
  meanFigure,
} from "../../kernels/confusion.ts";

/** Means over classes; shares, 0..1; `null` where there is no class to take a mean of. */
export interface ChainMeans {
  /** Mean IoU of all classes, those that neither occur nor are predicted counting as 0. */
  readonly miou: number;
  /** Mean IoU of the classes that occur in the truth. */
  readonly present: number | null;
  /** Mean IoU of the classes asked for that occur in the truth. */
  readonly chosen: number | null;
  /** Mean share of false positives of the foreground classes that occur or are predicted. */
  readonly fp: number | null;
  /** Mean share of false negatives of the same. */
  readonly fn: number | null;
}

/** Figures at one threshold; masks have none. */
export interface ChainPoint extends ChainMeans {
  readonly threshold: number | null;
}

/** What is known about one class. */
export interface ChainClass {
  readonly name: string;
  readonly iou: number | null;
  readonly fp: number | null;
  readonly fn: number | null;
  /** Pixels of the truth. */
  readonly pixels: number;
}

/** The figures of one kind of result. */
export interface ChainResult {
  readonly kind: string;
  /** At the threshold asked for, else at the best of the sweep. */
  readonly at: ChainPoint;
  /** Whether the threshold is the best of these very images, which flatters. */
  readonly chosenHere: boolean;
  readonly sweep: readonly ChainPoint[];
  /** At the same threshold. */
  readonly classes: readonly ChainClass[];
}

/**
 * Figures of one kind of result.
 *
 * @param matrices One for every threshold, or one alone for masks.
 * @param thresholds As many, or none for masks.
 * @param names Of the classes, background first.
 * @param chosen Indices of the classes of the mean called `chosen`, as far as the truth shows them; empty for
 *   none.
 * @param threshold Report at this one. Default: the best by the mean of the chosen classes, or of all.
 * @throws {RangeError} `threshold` is none of `thresholds`.
 */
export function reportChain(
  kind: string,
  matrices: readonly Confusion[],
  thresholds: readonly number[],
  names: readonly string[],
  chosen: readonly number[],
  threshold?: number,
): ChainResult {
  const figures = matrices.map(classFigures);
  const sweep = figures.map((of, i): ChainPoint => ({
    threshold: thresholds[i] ?? null,
    ...meansOf(of, chosen),
  }));
  const score = ({ miou, chosen }: ChainPoint) => chosen ?? miou;
  let at = 0;
  if (thresholds.length > 0 && threshold !== undefined) {
    at = thresholds.findIndex((value) => Math.abs(value - threshold) < 1e-9);
    if (at < 0) {
      throw new RangeError(`${threshold} is none of the thresholds ${thresholds.join(", ")}`);
    }
  } else sweep.forEach((point, i) => score(point) > score(sweep[at]!) && (at = i));
  return {
    kind,
    at: sweep[at]!,
    chosenHere: thresholds.length > 0 && threshold === undefined,
    sweep,
    classes: figures[at]!.map(({ iou, fp, fn, truth }, c) => ({
      name: names[c]!,
      iou: orNull(iou),
      fp: orNull(fp),
      fn: orNull(fn),
      pixels: truth,
    })),
  };
}

function meansOf(figures: readonly ClassFigures[], chosen: readonly number[]): ChainMeans {
  const all = figures.map((_, c) => c);
  const isPresent = (c: number) => figures[c]!.truth > 0;
  const present = all.filter(isPresent);
  return {
    miou: figures.reduce((sum, { iou }) => sum + (Number.isNaN(iou) ? 0 : iou), 0) /
      figures.length,
    present: orNull(meanFigure(figures, "iou", present)),
    chosen: chosen.length === 0
      ? null
      : orNull(meanFigure(figures, "iou", chosen.filter(isPresent))),
    fp: orNull(meanFigure(figures, "fp", all.slice(1))),
    fn: orNull(meanFigure(figures, "fn", all.slice(1))),
  };
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
