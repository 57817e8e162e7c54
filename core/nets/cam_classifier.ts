/**
 * A classifier whose last layer is a map for each class (Puzzle-CAM, arXiv 2101.11253): a backbone and a
 * 1×1 convolution without bias. The logits are the means of the maps.
 *
 * Weights go by the published names: those of the backbone behind `model.`, and `classifier.weight`.
 */

import type { Value } from "../onnx/graph_builder.ts";
import type { Backbone } from "./backbones.ts";
import type { FeatureMap } from "./features.ts";
import type { NetworkLayers } from "./network_layers.ts";

/** Before the names of a backbone's tensors in all networks built on one. */
export const BACKBONE_PREFIX = "model.";

/**
 * The maps of a classifier, before ReLU.
 *
 * @param image `N×3×H×W`, normalised as the backbone wants it.
 * @returns `classes` channels at stride 16, a map of `layers`.
 */
export function camClassifier(
  layers: NetworkLayers,
  image: Value,
  backbone: Backbone,
  classes: number,
): FeatureMap {
  const { features } = backbone.build(layers, image, BACKBONE_PREFIX);
  const { map, channels, stride } = features;
  const maps = layers.conv(map, "classifier", [classes, channels, 1, 1]);
  return { map: maps, channels: classes, stride };
}
