/**
 * ResNeSts (H. Zhang et al., arXiv 2004.08955): ResNets whose 3×3 convolutions give two groups of maps,
 * blended by attention, with a stem of three convolutions and strides made by mean pooling. At output
 * stride 16: in the last stage the first block is not dilated, the others are by 2.
 *
 * Weights go by the names of the authors' package: `conv1.0.weight`, …, `layer1.0.conv2.conv.weight`,
 * `layer1.0.conv2.bn0.*`, `layer1.0.conv2.fc1.*`, `layer1.0.downsample.1.weight`.
 */

import type { Value } from "../onnx/graph_builder.ts";
import type { BackboneFeatures, FeatureMap } from "./features.ts";
import type { NetworkLayers } from "./network_layers.ts";
import { EXPANSION, type ResNetScale, STAGE_STRIDES } from "./resnet.ts";

/** How one network of the family differs from others. */
export interface ResNeStScale extends ResNetScale {
  /** Channels of the stem's first two convolutions; the third has twice as many. */
  readonly stem: number;
}

/** The networks there are published weights for. */
export const RESNEST = {
  resnest50: { blocks: [3, 4, 6, 3], stem: 32 },
  resnest101: { blocks: [3, 4, 23, 3], stem: 64 },
  resnest269: { blocks: [3, 30, 48, 8], stem: 64 },
} as const satisfies Record<string, ResNeStScale>;

/** Groups of maps that attention blends. */
const RADIX = 2;

/**
 * A network from the image to its features.
 *
 * @param image `N×3×H×W`, normalised.
 * @param prefix Before the names of all its tensors.
 */
export function resNeSt(
  layers: NetworkLayers,
  image: Value,
  { blocks, width = 64, stem }: ResNeStScale,
  prefix = "",
): BackboneFeatures {
  const activation = "relu";
  const stemLayers = [
    { conv: "conv1.0", norm: "conv1.1", shape: [stem, 3, 3, 3], stride: 2 },
    { conv: "conv1.3", norm: "conv1.4", shape: [stem, stem, 3, 3], stride: 1 },
    { conv: "conv1.6", norm: "bn1", shape: [2 * stem, stem, 3, 3], stride: 1 },
  ] as const;
  let x = image;
  for (const { conv, norm, shape, stride } of stemLayers) {
    x = layers.convNorm(x, prefix + conv, prefix + norm, shape, { stride, activation });
  }
  const stages: FeatureMap[] = [
    { map: layers.maxPool(x, 3, 2, 1, 2 * stem), channels: 2 * stem, stride: 4 },
  ];
  blocks.forEach((count, stage) => {
    let { map, channels, stride } = stages.at(-1)!;
    const inner = width * 2 ** stage;
    for (let i = 0; i < count; i++) {
      map = block(layers, map, `${prefix}layer${stage + 1}.${i}`, channels, inner, {
        stride: i === 0 ? STAGE_STRIDES[stage]! : 1,
        pooled: i === 0 && stage > 0,
        dilation: i > 0 && stage === 3 ? 2 : 1,
      });
      channels = inner * EXPANSION;
    }
    stride *= STAGE_STRIDES[stage]!;
    stages.push({ map, channels, stride });
  });
  const five = stages as [FeatureMap, FeatureMap, FeatureMap, FeatureMap, FeatureMap];
  return { stages: five, features: five[4] };
}

/** How a block looks at its map. */
interface BlockWindow {
  readonly stride: number;
  /** Whether 3×3 means are taken behind the convolution: in a stage's first block, at any stride. */
  readonly pooled: boolean;
  readonly dilation: number;
}

function block(
  layers: NetworkLayers,
  x: Value,
  name: string,
  input: number,
  inner: number,
  { stride, pooled, dilation }: BlockWindow,
): Value {
  const output = inner * EXPANSION;
  const thin = layers.convNorm(x, `${name}.conv1`, `${name}.bn1`, [inner, input, 1, 1], {
    activation: "relu",
  });
  let seen = splitConvolution(layers, thin, `${name}.conv2`, inner, dilation);
  // Zeros around the map count in these means, as they do by PyTorch's default.
  if (pooled) seen = layers.averagePool(seen, 3, stride, { padding: 1, countPadding: true });
  return layers.convNorm(seen, `${name}.conv3`, `${name}.bn3`, [output, inner, 1, 1], {
    add: input === output && stride === 1 ? x : shortcut(layers, x, name, input, output, stride),
    activation: "relu",
  });
}

function shortcut(
  layers: NetworkLayers,
  x: Value,
  name: string,
  input: number,
  output: number,
  stride: number,
): Value {
  const means = stride === 1 ? x : layers.averagePool(x, stride, stride, { ceil: true });
  const shape = [output, input, 1, 1] as const;
  return layers.convNorm(means, `${name}.downsample.1`, `${name}.downsample.2`, shape);
}

/** A 3×3 convolution with split attention. */
function splitConvolution(
  layers: NetworkLayers,
  x: Value,
  name: string,
  channels: number,
  dilation: number,
): Value {
  const all = RADIX * channels;
  const groups = layers.convNorm(
    x,
    `${name}.conv`,
    `${name}.bn0`,
    [all, channels / RADIX, 3, 3],
    { group: RADIX, dilation, activation: "relu" },
  );
  const hidden = Math.max(all / 4, 32);
  return layers.splitAttention(groups, channels, RADIX, (pooled) => {
    const h = layers.convNorm(pooled, `${name}.fc1`, `${name}.bn1`, [hidden, channels, 1, 1], {
      bias: true,
      activation: "relu",
    });
    return layers.conv(h, `${name}.fc2`, [all, hidden, 1, 1], { bias: true });
  });
}
