/** Training of a segmentation network on label maps (`REFERENCE`: DeepLabv3+ on pseudo labels). */

import * as ort from "onnxruntime-node";
import type { Backbone } from "../../nets/backbones.ts";
import { networkMap } from "../../nets/build_network.ts";
import type { LearntLayers } from "../../nets/learnt_layers.ts";
import type { GraphBuilder, Value } from "../../onnx/graph_builder.ts";
import { resizeByProducts } from "../../onnx/resize.ts";
import type { Batch } from "../data/sample_loader.ts";
import { IGNORED } from "../data/augment.ts";
import type { Feeds } from "../network_trainer.ts";

/** What a graph for training a segmentation network is built for. */
export interface SegmentationTraining {
  readonly backbone: Backbone;
  /** With background. */
  readonly classes: number;
  readonly batch: number;
  /** Side of the crops, in pixels. */
  readonly size: number;
  /** Pixels of the crop per pixel of the label maps, each way. */
  readonly labelStride: number;
}

/** Builds the loss: the mean cross-entropy over pixels that are not to be ignored. */
export function segmentationLosses(
  { backbone, classes, batch, size, labelStride }: SegmentationTraining,
): (g: GraphBuilder, layers: LearntLayers) => { loss: Value } {
  return (g, layers) => {
    const image = g.input("image", "float32", [batch, 3, size, size]);
    const { map } = networkMap("deeplabv3plus", layers, image, backbone, classes);
    const side = Math.ceil(size / labelStride);
    const target = g.input("target", "int64", [batch, 1, side, side]);
    const share = g.input("share", "float32", [batch, 1, side, side]);
    const plain = layers.leave(map, classes);
    const coordinates = backbone.family === "efficientnet-lite" ? "half_pixel" : "align_corners";
    const logits = plain.size(2) === side
      ? plain
      : resizeByProducts(g, plain, side, side, { coordinates });
    const shifted = g.sub(logits, g.reduceMax(logits, [1]));
    const chosen = g.gatherElements(shifted, target, 1);
    const surprise = g.sub(g.log(g.reduceSum(g.exp(shifted), [1])), chosen);
    return { loss: g.reduceSum(g.mul(surprise, share), [], { keep: false }) };
  };
}

/** What a step is fed of a batch. */
export function segmentationFeeds({ images, masks }: Batch, training: SegmentationTraining): Feeds {
  const { batch, size, labelStride } = training;
  const side = Math.ceil(size / labelStride);
  const target = new BigInt64Array(masks!.length);
  const share = new Float32Array(masks!.length);
  let counted = 0;
  for (const label of masks!) if (label !== IGNORED) counted++;
  for (let p = 0; p < target.length; p++) {
    const label = masks![p]!;
    if (label === IGNORED) continue;
    target[p] = BigInt(label);
    share[p] = 1 / counted;
  }
  const shape = [batch, 1, side, side];
  return {
    image: new ort.Tensor("float32", images, [batch, 3, size, size]),
    target: new ort.Tensor("int64", target, shape),
    share: new ort.Tensor("float32", share, shape),
  };
}
