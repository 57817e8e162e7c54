/** Trainings of full size on made-up labels, to be timed and compared. */

import * as ort from "onnxruntime-node";
import { type BackboneName, backboneNamed } from "../../core/nets/backbones.ts";
import { AFFINITY_STRIDE, affinityLosses } from "../../core/training/networks/affinity.ts";
import { classifierLosses } from "../../core/training/networks/classifier.ts";
import { segmentationLosses } from "../../core/training/networks/segmentation.ts";
import type { BuildLosses, Feeds } from "../../core/training/networks/network_trainer.ts";
import { Pcg64 } from "../../kernels/pcg64.ts";

/** A training, and what it is fed. */
export interface TrainingCase {
  readonly kind: "classifier" | "affinity" | "deeplabv3plus";
  readonly backbone: BackboneName;
  readonly batch: number;
  /** Side of the images, in pixels. */
  readonly size: number;
  /** Weight of the Puzzle-CAM module of a classifier. Default: it is left out. */
  readonly alpha?: number;
}

/** Number of a network's classes: VOC's, with background where it segments. */
export const CLASSES = { classifier: 20, affinity: 0, deeplabv3plus: 21 } as const;

const RADIUS = 10;
/** Side of the made-up things in label maps, in labels. */
const BLOCK = 12;
/** Of made-up labels: two classes and the background; one more stands for pixels that do not count. */
const MAP_CLASSES = 3;
const IGNORED = 255;

/** The losses of a case. */
export function caseLosses({ kind, batch, size, ...rest }: TrainingCase): BuildLosses<string> {
  const training = { backbone: backboneNamed(rest.backbone), batch, size, classes: CLASSES[kind] };
  switch (kind) {
    case "classifier":
      return classifierLosses({ ...training, puzzle: rest.alpha !== undefined });
    case "affinity":
      return affinityLosses({ ...training, radius: RADIUS });
    case "deeplabv3plus":
      return segmentationLosses({ ...training, labelStride: 1 });
  }
}

/**
 * A batch of a case with made-up labels.
 *
 * @param images `N×3×S×S`. Default: noise.
 */
export function caseFeeds(each: TrainingCase, images?: Float32Array): Feeds {
  const { kind, batch, size, alpha } = each;
  const random = new Pcg64(1);
  const pixels = images ??
    Float32Array.from({ length: batch * 3 * size * size }, () => random.normal());
  const image = new ort.Tensor("float32", pixels, [batch, 3, size, size]);
  if (kind === "classifier") {
    const classes = CLASSES[kind];
    const tags = Float32Array.from(
      { length: batch * classes },
      () => Number(random.uniform() < 0.2),
    );
    return {
      image,
      labels: new ort.Tensor("float32", tags, [batch, classes]),
      ...(alpha !== undefined && { alpha: new ort.Tensor("float32", Float32Array.of(alpha), []) }),
    };
  }
  const side = kind === "affinity" ? Math.ceil(size / AFFINITY_STRIDE) : size;
  const labels = Uint8Array.from({ length: batch * side * side }, (_, at) => {
    const [row, column] = [Math.floor(at / side) % side, at % side];
    const number = Math.floor(at / side ** 2) + Math.floor(row / BLOCK) +
      2 * Math.floor(column / BLOCK);
    const label = number % (MAP_CLASSES + 1);
    return label === MAP_CLASSES ? IGNORED : label;
  });
  return { image, labels: new ort.Tensor("uint8", labels, [batch, side, side]) };
}
