/** How good a CAM classifier is that is being trained: its maps against true masks, its labels against tags. */

import { readFile } from "node:fs/promises";
import type { DataSet } from "../../data/data_set.ts";
import { averagePrecision } from "../../evaluation/average_precision.ts";
import { chooseScoreThresholds } from "../../evaluation/calibrate.ts";
import { SWEEP } from "../../evaluation/cam_measures.ts";
import type { ImageTags } from "../../evaluation/cam_set.ts";
import { decodeImage } from "../../image/mod.ts";
import type { SessionOptions } from "../../runtime/device.ts";
import type { CamModelInfo } from "../../runtime/models.ts";
import { openClassifier } from "../../stages/classifier.ts";
import { computeCam } from "../../stages/cam.ts";
import { ThresholdSweep } from "./threshold_sweep.ts";

/** What a network is measured on. */
export interface ClassifierValidation {
  readonly data: DataSet;
  readonly ids: readonly string[];
  /** Classes of masks that the mean goes over. Default: those in the truth. */
  readonly measured?: readonly number[];
  readonly session?: SessionOptions;
  readonly signal?: AbortSignal;
}

/** What is measured of a classifier. */
export interface ClassifierFigures {
  /** Mean IoU of CAMs with known labels, 0..1, at the best threshold. */
  readonly miou: number;
  readonly threshold: number;
  /** Mean average precision of the scores of classes that are there. */
  readonly meanAveragePrecision: number;
  /** Score from which a class counts as present, by class. */
  readonly scoreThresholds: readonly number[];
}

/**
 * Looks at photographs as users do, at the scales of `info`.
 *
 * @param model The ONNX file's bytes.
 */
export async function validateClassifier(
  model: Uint8Array,
  info: CamModelInfo,
  { data, ids, measured, session, signal }: ClassifierValidation,
): Promise<ClassifierFigures> {
  const classifier = await openClassifier(model, info, session);
  try {
    const sweep = new ThresholdSweep(SWEEP, info.classes.length + 1);
    const images: ImageTags[] = [];
    for (const id of ids) {
      signal?.throwIfAborted();
      const [bytes, labels, truth] = await Promise.all([
        readFile(data.imagePath(id)),
        data.labels(id),
        data.truth(id),
      ]);
      const names = labels.map((label) => info.classes[label]!);
      const image = await decodeImage(bytes);
      const { hrCam, keys, scores } = await computeCam(image, classifier, {
        labels: names,
        workingSize: Math.max(image.width, image.height),
      });
      images.push({ id, scores, labels });
      sweep.add(truth.data, hrCam.data, keys);
    }
    return {
      ...sweep.best(measured),
      meanAveragePrecision: meanPrecision(images, info.classes.length),
      scoreThresholds: chooseScoreThresholds(images, info.classes.length)
        .map(({ threshold }) => Number(threshold.toFixed(4))),
    };
  } finally {
    await classifier.release();
  }
}

function meanPrecision(images: readonly ImageTags[], classes: number): number {
  const values = Array.from({ length: classes }, (_, c) =>
    averagePrecision(
      images.map(({ scores }) => scores[c]!),
      images.map(({ labels }) => labels.includes(c)),
    )).filter((value) => !Number.isNaN(value));
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
