/** What backbones answer. */

import type { Value } from "../onnx/graph_builder.ts";

/** A map of features. */
export interface FeatureMap {
  /** A map of the layers that made it. */
  readonly map: Value;
  readonly channels: number;
  /** Image pixels per cell; an image of n pixels a side has ⌈n / stride⌉ cells. */
  readonly stride: number;
}

/** The maps of a backbone at output stride 16. */
export interface BackboneFeatures {
  /** Outputs of five stages, finest first; the last four have strides 4, 8, 16 and 16. */
  readonly stages: readonly [FeatureMap, FeatureMap, FeatureMap, FeatureMap, FeatureMap];
  /** What a classifier is put on. May be made when first asked for. */
  readonly features: FeatureMap;
}
