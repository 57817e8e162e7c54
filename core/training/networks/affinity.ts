/** Training of AffinityNet on affinity labels. */

import * as ort from "onnxruntime-node";
import { affinityNet } from "../../nets/affinity_net.ts";
import type { Backbone } from "../../nets/backbones.ts";
import type { LearntLayers } from "../../nets/learnt_layers.ts";
import type { GraphBuilder, Value } from "../../onnx/graph_builder.ts";
import { affinityLoss } from "./affinity_loss.ts";
import type { Batch } from "../data/sample_loader.ts";
import type { Feeds } from "./network_trainer.ts";

/** Pixels per cell of edges and labels. */
export const AFFINITY_STRIDE = 4;

/** What the graph is built for. */
export interface AffinityTraining {
  readonly backbone: Backbone;
  readonly batch: number;
  /** Side of the crops, in pixels. */
  readonly size: number;
  /** Distance of the farthest pairs, exclusive, in cells. */
  readonly radius: number;
}

/** Inputs: `image` `N×3×S×S`, `labels` `N×⌈S/4⌉×⌈S/4⌉` bytes with 255 = trusted neither way. */
export function affinityLosses(
  { backbone, batch, size, radius }: AffinityTraining,
): (
  g: GraphBuilder,
  layers: LearntLayers,
) => Record<"loss" | "background" | "foreground" | "different", Value> {
  return (g, layers) => {
    const side = Math.ceil(size / AFFINITY_STRIDE);
    const image = g.input("image", "float32", [batch, 3, size, size]);
    const labels = g.input("labels", "uint8", [batch, side, side]);
    const { map } = affinityNet(layers, image, backbone);
    return { ...affinityLoss(g, layers.leave(map, 1), labels, { radius }) };
  };
}

/** What a step is fed of a batch. */
export function affinityFeeds(
  { images, masks }: Batch,
  { batch, size }: AffinityTraining,
): Feeds {
  const side = Math.ceil(size / AFFINITY_STRIDE);
  return {
    image: new ort.Tensor("float32", images, [batch, 3, size, size]),
    labels: new ort.Tensor("uint8", masks!, [batch, side, side]),
  };
}
