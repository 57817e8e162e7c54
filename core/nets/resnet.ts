/**
 * ResNets with bottleneck blocks (K. He et al., arXiv 1512.03385), the stride in the 3×3 convolution, at
 * output stride 16: the last stage keeps its resolution and, as in the published code of IRN and
 * Puzzle-CAM, is not dilated.
 *
 * Weights go by torchvision's names: `conv1.weight`, `bn1.*`, `layer1.0.conv1.weight`, …,
 * `layer1.0.downsample.0.weight`.
 */

import type { Value } from "../onnx/graph_builder.ts";
import type { BackboneFeatures, FeatureMap } from "./features.ts";
import type { NetworkLayers } from "./network_layers.ts";

/** How one network of the family differs from others. */
export interface ResNetScale {
  /** Blocks of the four stages behind the stem. */
  readonly blocks: readonly [number, number, number, number];
  /** Channels of the stem and inside the first stage's blocks, doubled by every stage. Default 64. */
  readonly width?: number;
}

/** The networks there are published weights for. */
export const RESNET = {
  resnet50: { blocks: [3, 4, 6, 3] },
  resnet101: { blocks: [3, 4, 23, 3] },
} as const satisfies Record<string, ResNetScale>;

/** A block gives this many times the channels it computes with. */
export const EXPANSION = 4;
/** Strides of the four stages at output stride 16. */
export const STAGE_STRIDES = [1, 2, 2, 1] as const;

/**
 * A network from the image to its features.
 *
 * @param image `N×3×H×W`, normalised.
 * @param prefix Before the names of all its tensors.
 */
export function resNet(
  layers: NetworkLayers,
  image: Value,
  { blocks, width = 64 }: ResNetScale,
  prefix = "",
): BackboneFeatures {
  const stem = layers.convNorm(image, `${prefix}conv1`, `${prefix}bn1`, [width, 3, 7, 7], {
    stride: 2,
    activation: "relu",
  });
  const stages: FeatureMap[] = [
    { map: layers.maxPool(stem, 3, 2, 1, width), channels: width, stride: 4 },
  ];
  blocks.forEach((count, stage) => {
    let { map, channels, stride } = stages.at(-1)!;
    const inner = width * 2 ** stage;
    for (let i = 0; i < count; i++) {
      const name = `${prefix}layer${stage + 1}.${i}`;
      map = block(layers, map, name, channels, inner, i === 0 ? STAGE_STRIDES[stage]! : 1);
      channels = inner * EXPANSION;
    }
    stride *= STAGE_STRIDES[stage]!;
    stages.push({ map, channels, stride });
  });
  const five = stages as [FeatureMap, FeatureMap, FeatureMap, FeatureMap, FeatureMap];
  return { stages: five, features: five[4] };
}

function block(
  layers: NetworkLayers,
  x: Value,
  name: string,
  input: number,
  inner: number,
  stride: number,
): Value {
  const output = inner * EXPANSION;
  const activation = "relu";
  const shortcut = input === output && stride === 1
    ? x
    : layers.convNorm(x, `${name}.downsample.0`, `${name}.downsample.1`, [output, input, 1, 1], {
      stride,
    });
  const thin = layers.convNorm(x, `${name}.conv1`, `${name}.bn1`, [inner, input, 1, 1], {
    activation,
  });
  const seen = layers.convNorm(thin, `${name}.conv2`, `${name}.bn2`, [inner, inner, 3, 3], {
    stride,
    activation,
  });
  return layers.convNorm(seen, `${name}.conv3`, `${name}.bn3`, [output, inner, 1, 1], {
    add: shortcut,
    activation,
  });
}
