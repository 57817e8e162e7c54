/** How well class activation maps, and the masks cut from them, fit a set of images with truth. */

import { readFile } from "node:fs/promises";
import { addConfusion, type Confusion, createConfusion } from "../../kernels/confusion.ts";
import type { CamModelInfo } from "../runtime/models.ts";
import type { Silop } from "../silop.ts";
import { type Cam, predictedClasses } from "../stages/cam.ts";
import { segmentCam } from "../stages/segment.ts";
import { classNames } from "../data/class_list.ts";
import type { DataSet } from "../data/data_set.ts";
import { checkTruthSize, inLanes } from "./measure_images.ts";

/** Options of {@linkcode evaluateCamSet}. */
export interface EvaluateCamOptions {
  /** Scales at which images are looked at. Default: the model's. */
  scales?: readonly number[];
  /** CAM threshold of the masks. Default: the model's. */
  threshold?: number;
  /** Further thresholds to try on the maps with known labels. Default: none. */
  sweep?: readonly number[];
  /** Called after every image. */
  onImage?: () => void;
}

/** What the classifier says of one image, and what is true. */
export interface ImageTags {
  readonly id: string;
  /** Sigmoid scores of all classes. */
  readonly scores: Float32Array;
  /** 0-based classes that are in the image by its annotation. */
  readonly labels: readonly number[];
}

/** Pixels by true and by predicted class, summed over a set. */
export interface CamEvaluation {
  /** Known labels, argmax over [threshold | maps] as it is: the usual measure of maps. */
  readonly cam: Confusion;
  /** The same for each threshold of the sweep, in its order. */
  readonly sweep: readonly { readonly threshold: number; readonly confusion: Confusion }[];
  /** Known labels, as the stage `segment` answers: specks removed. */
  readonly segmentKnown: Confusion;
  /** Labels predicted, as the stage `segment` answers without any. */
  readonly segmentPredicted: Confusion;
  /** In the order of the set. */
  readonly images: readonly ImageTags[];
}

/**
 * Looks once at each image, through the same stage functions as all users, and compares with the truth.
 *
 * Every class's map is normalised by itself, so that the maps of some classes are those of all classes
 * with the others left out; one look therefore serves known and predicted labels.
 *
 * Images without a truth only add to `images`.
 *
 * @param info The model that `silop` runs.
 * @param data Its classes must be the model's, in the same order.
 * @throws {RangeError} They are not.
 * @throws The codec's errors; the file system's.
 */
export async function evaluateCamSet(
  silop: Silop,
  info: CamModelInfo,
  data: DataSet,
  ids: readonly string[],
  { scales, threshold = info.threshold, sweep = [], onImage }: EvaluateCamOptions = {},
): Promise<CamEvaluation> {
  if (JSON.stringify(classNames(data.classes)) !== JSON.stringify(info.classes)) {
    throw new RangeError(
      `The data set's classes must be the model's: ${info.classes.join(", ")}; name them in a file`,
    );
  }
  const create = () => createConfusion(info.classes.length + 1);
  const result = {
    cam: create(),
    sweep: sweep.map((threshold) => ({ threshold, confusion: create() })),
    segmentKnown: create(),
    segmentPredicted: create(),
  };
  const images: ImageTags[] = [];
  await inLanes(ids, silop.plan.workers, async (id, index) => {
    const [bytes, labels, truth] = await Promise.all([
      readFile(data.imagePath(id)),
      data.labels(id),
      data.truthPath(id) === null ? null : data.truth(id),
    ]);
    const all = await silop.cam(bytes, { labels: info.classes, scales });
    images[index] = { id, scores: all.scores, labels };
    onImage?.();
    if (truth === null) return;
    const known = selectClasses(all, labels);
    const predicted = selectClasses(all, predictedClasses(all.scores, info.scoreThresholds));
    const count = (to: Confusion, cam: Cam, threshold: number, minArea?: number) => {
      const mask = segmentCam(cam, threshold, { minArea });
      checkTruthSize(id, mask, truth);
      addConfusion(to, truth.data, mask.data);
    };
    count(result.cam, known, threshold, 0);
    for (const point of result.sweep) count(point.confusion, known, point.threshold, 0);
    count(result.segmentKnown, known, threshold);
    count(result.segmentPredicted, predicted, threshold);
  });
  return { ...result, images };
}

/** Maps of some of a CAM's classes. @param classes 0-based, ascending, among those the CAM has. */
export function selectClasses(cam: Cam, classes: readonly number[]): Cam {
  const pick = (planes: Cam["cam"]): Cam["cam"] => {
    const size = planes.width * planes.height;
    const data = new Float32Array(classes.length * size);
    classes.forEach((index, i) => {
      const from = cam.keys.indexOf(index + 1) - 1;
      if (from < 0) throw new RangeError(`The maps have no class ${index + 1}`);
      data.set(planes.data.subarray(from * size, (from + 1) * size), i * size);
    });
    return { ...planes, channels: classes.length, data };
  };
  const keys = [0, ...classes.map((index) => index + 1)];
  return { ...cam, keys, cam: pick(cam.cam), hrCam: pick(cam.hrCam) };
}
