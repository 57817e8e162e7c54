/** The task `evaluate`: an image's pixels by true and by predicted class, for every threshold. */

import { addConfusion, createConfusion } from "../../../kernels/confusion.ts";
import { sweepConfusion } from "../../../kernels/sweep_confusion.ts";
import { decodeMaskPng } from "../../image/mod.ts";
import { encodeNpz } from "../../npz.ts";
import { decodeMaps } from "../codecs.ts";
import type { Prepare } from "../task.ts";

/** What the task is told. */
export interface EvaluateOptions {
  /** Background thresholds to try on maps, ascending; masks have none. */
  readonly thresholds: readonly number[];
  /** How many classes there are, with background. */
  readonly classes: number;
}

/** Inputs: `truth`, and `predicted`, a file of maps or a mask. Output: `counts`, T×classes×classes. */
export const prepare: Prepare<EvaluateOptions> = ({ thresholds, classes }) => (files) => {
  const truth = decodeMaskPng(files.truth!);
  const predicted = files.predicted!;
  const isMask = predicted[0] === 0x89;
  const size = (what: { width: number; height: number }) => {
    if (what.width === truth.width && what.height === truth.height) return;
    throw new TypeError(
      `The result is ${what.width}×${what.height} px, its truth ${truth.width}×${truth.height}`,
    );
  };
  let matrices;
  if (isMask) {
    const mask = decodeMaskPng(predicted);
    size(mask);
    const confusion = createConfusion(classes);
    addConfusion(confusion, truth.data, mask.data);
    matrices = [confusion];
  } else {
    const { keys, planes } = decodeMaps(predicted);
    size(planes);
    matrices = sweepConfusion(truth.data, planes.data, keys, thresholds, classes);
  }
  const counts = new Float64Array(matrices.length * classes ** 2);
  matrices.forEach((matrix, i) => counts.set(matrix.counts, i * classes ** 2));
  const shape = [matrices.length, classes, classes];
  return Promise.resolve({
    counts: encodeNpz({ counts: { shape, data: counts } }, { compress: true }),
  });
};
