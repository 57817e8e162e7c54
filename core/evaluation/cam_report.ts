/** The figures of an evaluated set, ready to be printed or kept as JSON. */

import {
  classesPresent,
  type ClassFigures,
  classFigures,
  type Confusion,
  meanFigure,
} from "../../kernels/confusion.ts";
import type { CamModelInfo } from "../runtime/models.ts";
import { predictedClasses } from "../stages/cam.ts";
import { averagePrecision } from "./average_precision.ts";
import type { CamEvaluation } from "./cam_set.ts";

/** Means over classes of one kind of mask; shares, 0..1. */
export interface MaskMeans {
  /** Mean IoU over the classes asked for. */
  readonly chosen: number;
  /** Mean IoU over the classes that occur in the truth. */
  readonly present: number;
  /** Mean IoU over all classes that occur or are predicted. */
  readonly all: number;
  /** Mean share of false positives over the foreground classes that occur or are predicted. */
  readonly fp: number;
  /** Mean share of false negatives over the same. */
  readonly fn: number;
}

/** What is known about one class. */
export interface ClassReport {
  readonly name: string;
  /** Images of the set whose annotation names it; all of them for background. */
  readonly images: number;
  /** IoU of each kind of mask, 0..1; `null` where the class neither occurs nor is predicted. */
  readonly iou: Readonly<Record<MaskKind, number | null>>;
  /** Average precision of the scores, 0..1; `null` without images, and for background. */
  readonly averagePrecision: number | null;
  /** Images in which the class is predicted, and those of them that show it. */
  readonly predicted: number | null;
  readonly hits: number | null;
}

/** The kinds of masks that are measured; see {@linkcode CamEvaluation}. */
export const MASK_KINDS = ["cam", "segmentKnown", "segmentPredicted"] as const;
export type MaskKind = typeof MASK_KINDS[number];

/** The figures of an evaluated set. */
export interface CamReport {
  readonly images: number;
  /** Classes of the means called `chosen`. */
  readonly chosen: readonly string[];
  readonly means: Readonly<Record<MaskKind, MaskMeans>>;
  readonly classes: readonly ClassReport[];
  /** `chosen` of the maps at each threshold tried. */
  readonly sweep: readonly { readonly threshold: number; readonly chosen: number }[];
}

const BACKGROUND = "background";

/**
 * Indices of classes in masks, background being 0.
 *
 * @throws {RangeError} A name is no class of the model.
 */
export function maskClasses(names: readonly string[], classes: readonly string[]): number[] {
  return names.map((name) => {
    const index = name === BACKGROUND ? 0 : classes.indexOf(name) + 1;
    if (index === 0 && name !== BACKGROUND) {
      throw new RangeError(
        `Unknown class "${name}"; there are ${BACKGROUND}, ${classes.join(", ")}`,
      );
    }
    return index;
  });
}

/**
 * @param chosen Names of the classes the first mean is over; `background` is one.
 * @throws {RangeError} A name is no class of the model.
 */
export function reportCams(
  evaluation: CamEvaluation,
  { classes, scoreThresholds }: Pick<CamModelInfo, "classes" | "scoreThresholds">,
  chosen: readonly string[],
): CamReport {
  const wanted = maskClasses(chosen, classes);
  const figures = Object.fromEntries(
    MASK_KINDS.map((kind) => [kind, classFigures(evaluation[kind])]),
  ) as Record<MaskKind, ClassFigures[]>;
  const { images } = evaluation;
  const predicted = images.map(({ scores }) => predictedClasses(scores, scoreThresholds));
  return {
    images: images.length,
    chosen,
    means: mapKinds((kind) => maskMeans(figures[kind], wanted)),
    classes: [BACKGROUND, ...classes].map((name, c) => {
      const iou = mapKinds((kind) => orNull(figures[kind][c]!.iou));
      if (c === 0) {
        const none = { averagePrecision: null, predicted: null, hits: null };
        return { name, images: images.length, iou, ...none };
      }
      const shown = images.map(({ labels }) => labels.includes(c - 1));
      const found = predicted.map((list) => list.includes(c - 1));
      const scores = images.map(({ scores }) => scores[c - 1]!);
      return {
        name,
        images: shown.filter(Boolean).length,
        iou,
        averagePrecision: orNull(averagePrecision(scores, shown)),
        predicted: found.filter(Boolean).length,
        hits: found.filter((is, i) => is && shown[i]).length,
      };
    }),
    sweep: evaluation.sweep.map(({ threshold, confusion }) => ({
      threshold,
      chosen: meanIou(confusion, wanted),
    })),
  };
}

/** Mean IoU over chosen classes. */
export function meanIou(confusion: Confusion, classes: readonly number[]): number {
  return meanFigure(classFigures(confusion), "iou", classes);
}

function maskMeans(figures: readonly ClassFigures[], chosen: readonly number[]): MaskMeans {
  const foreground = figures.map((_, c) => c).slice(1);
  return {
    chosen: meanFigure(figures, "iou", chosen),
    present: meanFigure(figures, "iou", classesPresent(figures)),
    all: meanFigure(figures, "iou"),
    fp: meanFigure(figures, "fp", foreground),
    fn: meanFigure(figures, "fn", foreground),
  };
}

function mapKinds<T>(of: (kind: MaskKind) => T): Record<MaskKind, T> {
  return Object.fromEntries(MASK_KINDS.map((kind) => [kind, of(kind)])) as Record<MaskKind, T>;
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
