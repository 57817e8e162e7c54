/** The backbones of all networks here, by name. */

import { OptionError } from "../errors.ts";
import type { Value } from "../onnx/graph_builder.ts";
import {
  EFFICIENTNET_LITE,
  EFFICIENTNET_LITE_MEAN,
  EFFICIENTNET_LITE_STD,
  efficientNetLite,
  type EfficientNetLiteScale,
  HEAD_CHANNELS,
} from "./efficientnet_lite.ts";
import type { BackboneFeatures, FeatureMap } from "./features.ts";
import type { NetworkLayers } from "./network_layers.ts";
import { RESNEST, resNeSt, type ResNeStScale } from "./resnest.ts";
import { RESNET, resNet, type ResNetScale } from "./resnet.ts";

/** Means or deviations of red, green and blue. */
export type PerColour = readonly [number, number, number];

/** A backbone at output stride 16. */
export interface Backbone {
  /** Whose kind of network it is, which decides the kind of head. */
  readonly family: "resnet" | "resnest" | "efficientnet-lite";
  /** Its input is `(RGB/255 − mean)/std`. */
  readonly mean: PerColour;
  readonly std: PerColour;
  /** @param prefix Before the names of all its tensors; default none. */
  build(layers: NetworkLayers, image: Value, prefix?: string): BackboneFeatures;
}

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
const LITE = {
  mean: [EFFICIENTNET_LITE_MEAN, EFFICIENTNET_LITE_MEAN, EFFICIENTNET_LITE_MEAN],
  std: [EFFICIENTNET_LITE_STD, EFFICIENTNET_LITE_STD, EFFICIENTNET_LITE_STD],
} as const;

/** A ResNet as a backbone. */
export function resNetBackbone(scale: ResNetScale): Backbone {
  return {
    family: "resnet",
    ...IMAGENET,
    build: (layers, image, prefix) => resNet(layers, image, scale, prefix),
  };
}

/** A ResNeSt as a backbone. */
export function resNeStBackbone(scale: ResNeStScale): Backbone {
  return {
    family: "resnest",
    ...IMAGENET,
    build: (layers, image, prefix) => resNeSt(layers, image, scale, prefix),
  };
}

/** The last blocks of these stages are those whose maps networks are built on. */
const LITE_STAGES = [0, 1, 2, 4, 6] as const;
const LITE_STRIDES = [2, 4, 8, 16, 16] as const;

/** An EfficientNet-Lite as a backbone; its first stage has stride 2. */
export function efficientNetLiteBackbone(scale: EfficientNetLiteScale): Backbone {
  return {
    family: "efficientnet-lite",
    ...LITE,
    build(layers, image, prefix) {
      const options = { outputStride: 16, prefix } as const;
      const network = efficientNetLite(layers, image, scale, options);
      const five = LITE_STAGES.map((stage, i): FeatureMap => ({
        map: network.stages[stage]!,
        channels: network.channels[stage]!,
        stride: LITE_STRIDES[i]!,
      }));
      return {
        stages: five as [FeatureMap, FeatureMap, FeatureMap, FeatureMap, FeatureMap],
        get features() {
          return { map: network.features, channels: HEAD_CHANNELS, stride: 16 };
        },
      };
    },
  };
}

/** The backbones there are published weights for. */
export const BACKBONES = {
  "resnet50": resNetBackbone(RESNET.resnet50),
  "resnet101": resNetBackbone(RESNET.resnet101),
  "resnest50": resNeStBackbone(RESNEST.resnest50),
  "resnest101": resNeStBackbone(RESNEST.resnest101),
  "resnest269": resNeStBackbone(RESNEST.resnest269),
  "efficientnet-lite0": efficientNetLiteBackbone(EFFICIENTNET_LITE["efficientnet-lite0"]),
  "efficientnet-lite1": efficientNetLiteBackbone(EFFICIENTNET_LITE["efficientnet-lite1"]),
  "efficientnet-lite2": efficientNetLiteBackbone(EFFICIENTNET_LITE["efficientnet-lite2"]),
} as const satisfies Record<string, Backbone>;

/** Name of a backbone. */
export type BackboneName = keyof typeof BACKBONES;

/** All names of backbones. */
export const BACKBONE_NAMES = Object.keys(BACKBONES) as BackboneName[];

/**
 * A backbone by its name.
 *
 * @throws {OptionError} when there is none of the name.
 */
export function backboneNamed(name: string): Backbone {
  if (Object.hasOwn(BACKBONES, name)) return BACKBONES[name as BackboneName];
  throw new OptionError(`Unknown backbone "${name}"; there are ${BACKBONE_NAMES.join(", ")}`);
}
