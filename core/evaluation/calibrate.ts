/** Numbers of a CAM model's manifest that are chosen on a set of images apart from the training's. */

import { meanIou } from "./cam_report.ts";
import type { CamEvaluation, ImageTags } from "./cam_set.ts";
import { bestScoreThreshold } from "./score_threshold.ts";

/** Scales and CAM threshold, and what they reach. */
export interface ChosenScales {
  readonly scales: readonly number[];
  readonly threshold: number;
  /** Mean IoU of the maps, 0..1. */
  readonly iou: number;
  readonly evaluation: CamEvaluation;
}

/**
 * The evaluation, and the threshold of its sweep, with the best mean IoU of maps with known labels.
 *
 * @param candidates Evaluations of the same set at different scales, with sweeps.
 * @param classes Classes of the mean, background being 0.
 * @throws {RangeError} There is no candidate, or none with a sweep.
 */
export function chooseScales(
  candidates: readonly { scales: readonly number[]; evaluation: CamEvaluation }[],
  classes: readonly number[],
): ChosenScales {
  const points = candidates.flatMap(({ scales, evaluation }) =>
    evaluation.sweep.map(({ threshold, confusion }) => ({
      scales,
      threshold,
      iou: meanIou(confusion, classes),
      evaluation,
    }))
  );
  if (points.length === 0) throw new RangeError("There is no threshold to choose from");
  return points.reduce((best, point) => point.iou > best.iou ? point : best);
}

/** Where a score threshold comes from. */
export type ThresholdRule = "f1" | "fallback";

/** A class's score threshold. */
export interface ChosenThreshold {
  readonly threshold: number;
  readonly rule: ThresholdRule;
  /** Images that show the class. */
  readonly positives: number;
  /** F1 over the set; `null` by the fallback. */
  readonly f1: number | null;
}

/** With fewer images of a class than this, F1 says nothing. */
const MIN_POSITIVES = 3;
/** No class is found at a score below this: the set may show few things that look like it. */
const LOWEST = 0.15;
/** Nor, without enough images to choose on, below this. */
const LOWEST_FALLBACK = 0.4;
/** How far above the highest wrong score the fallback stays. */
const MARGIN = 0.01;

/**
 * For each class the score from which it counts as present.
 *
 * With at least {@linkcode MIN_POSITIVES} images it is the one of the best F1, at least
 * {@linkcode LOWEST}. Otherwise it is {@linkcode LOWEST_FALLBACK}, or just above the highest score of any
 * image without the class where that is higher, so that nothing in the set is found wrongly.
 */
export function chooseScoreThresholds(
  images: readonly ImageTags[],
  classes: number,
): ChosenThreshold[] {
  return Array.from({ length: classes }, (_, c) => {
    const scores = images.map(({ scores }) => scores[c]!);
    const shown = images.map(({ labels }) => labels.includes(c));
    const positives = shown.filter(Boolean).length;
    if (positives >= MIN_POSITIVES) {
      const best = bestScoreThreshold(scores, shown, LOWEST);
      if (best.f1 > 0) return { ...best, rule: "f1", positives };
    }
    const highest = scores.reduce((most, score, i) => shown[i] ? most : Math.max(most, score), 0);
    const threshold = Math.min(1, Math.max(LOWEST_FALLBACK, highest + MARGIN));
    return { threshold, rule: "fallback", positives, f1: null };
  });
}
