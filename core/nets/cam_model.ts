/** Networks for class activation maps: a backbone at output stride 16 and linear heads on its features. */

import { ModelError } from "../errors.ts";
import { GraphBuilder } from "../onnx/graph_builder.ts";
import { CLASSIFIER_TENSORS } from "../stages/classifier.ts";
import type { StateDict } from "../weights/state_dict.ts";
import { ConstantLayers } from "./constant_layers.ts";
import {
  EFFICIENTNET_LITE,
  efficientNetLite,
  type EfficientNetLiteName,
} from "./efficientnet_lite.ts";

/** What the heads are made of; `K` classes, `C` features. */
export interface CamHeads {
  /** `K×C`: a 1×1 convolution without bias that makes the maps. */
  readonly maps: Float32Array;
  /** `K×C`: makes the logits of the features' mean over the map. */
  readonly tags: Float32Array;
  /** `K`, added to the logits. */
  readonly tagBias: Float32Array;
}

/** Options of {@linkcode buildCamModel}. */
export interface CamModelOptions {
  /** `"fp16"` stores the backbone's weights as float16. Default: float32. */
  storage?: "fp16";
  /** Kept in the file. Default: none. */
  metadata?: Readonly<Record<string, string>>;
}

/**
 * A CAM model as the bytes of an ONNX file: input `image` `N×3×H×W` of any size, outputs `maps`
 * `N×K×⌈H/16⌉×⌈W/16⌉` (before ReLU) and `logits` `N×K`.
 *
 * @throws {ModelError} The backbone's weights or the heads do not fit.
 */
export function buildCamModel(
  name: EfficientNetLiteName,
  backbone: StateDict,
  { maps, tags, tagBias }: CamHeads,
  { storage, metadata }: CamModelOptions = {},
): Uint8Array<ArrayBuffer> {
  const g = new GraphBuilder();
  const image = g.input(CLASSIFIER_TENSORS.input, "float32", ["N", 3, "H", "W"]);
  const layers = new ConstantLayers(g, backbone, { storage });
  const { features } = efficientNetLite(layers, image, EFFICIENTNET_LITE[name], {
    outputStride: 16,
  });
  layers.check("EfficientNet-Lite");
  const channels = features.size(1);
  const classes = tagBias.length;
  if (maps.length !== classes * channels || tags.length !== maps.length) {
    throw new ModelError(
      `Cannot build a CAM model: ${classes} classes of ${channels} features need heads of ` +
        `${classes * channels} weights, got ${maps.length} and ${tags.length}`,
    );
  }
  const mapWeights = g.initializer("maps.weight", maps, [classes, channels, 1, 1]);
  const tagWeights = g.initializer("tags.weight", tags, [classes, channels]);
  const bias = g.initializer("tags.bias", tagBias, [classes]);
  const mean = g.reshape(g.globalAveragePool(features), [0, channels]);
  g.output(CLASSIFIER_TENSORS.maps, g.conv(features, mapWeights));
  g.output(CLASSIFIER_TENSORS.logits, g.gemm(mean, tagWeights, { c: bias, transB: true }));
  return g.build({ name: `cam-${name}`, metadata });
}
