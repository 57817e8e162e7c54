/** Training of segmentation networks (DeepLabv3+) on label maps. */

import * as ort from "onnxruntime-node";
import type { Backbone } from "../../nets/backbones.ts";
import { networkMap } from "../../nets/build_network.ts";
import type { GraphBuilder, Value } from "../../onnx/graph_builder.ts";
import type { LearntLayers } from "../../nets/learnt_layers.ts";
import { resizeByProducts } from "../../onnx/resize.ts";
import type { Batch } from "../data/sample_loader.ts";
import { segmentationCrossEntropy } from "../../onnx/losses.ts";
import type { Feeds } from "./network_trainer.ts";

/** What the graph is built for. */
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

/**
 * The mean cross-entropy over the pixels that have a label. Inputs: `image` `N×3×S×S`, `labels` `N×M×M`
 * bytes with 255 = ignore.
 */
export function segmentationLosses(
  { backbone, classes, batch, size, labelStride }: SegmentationTraining,
): (g: GraphBuilder, layers: LearntLayers) => { loss: Value } {
  return (g, layers) => {
    const side = Math.ceil(size / labelStride);
    const image = g.input("image", "float32", [batch, 3, size, size]);
    const labels = g.input("labels", "uint8", [batch, side, side]);
    const map = networkMap("deeplabv3plus", layers, image, backbone, classes).map;
    const cells = layers.leave(map, classes);
    const coordinates = backbone.family === "efficientnet-lite" ? "half_pixel" : "align_corners";
    const logits = cells.size(2) === side
      ? cells
      : resizeByProducts(g, cells, side, side, { coordinates });
    return { loss: segmentationCrossEntropy(g, logits, labels) };
  };
}

/** What a step is fed of a batch. */
export function segmentationFeeds(
  { images, masks }: Batch,
  { batch, size, labelStride }: SegmentationTraining,
): Feeds {
  const side = Math.ceil(size / labelStride);
  return {
    image: new ort.Tensor("float32", images, [batch, 3, size, size]),
    labels: new ort.Tensor("uint8", masks!, [batch, side, side]),
  };
}
