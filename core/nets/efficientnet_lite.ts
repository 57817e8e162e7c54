/**
 * EfficientNet-Lite, the EfficientNets of Tan and Le (arXiv 1905.11946) without squeeze-and-excite
 * and with ReLU6 for swish, so that they run well on processors without a GPU.
 *
 * A stem, sixteen or more inverted bottlenecks (MobileNetV2, arXiv 1801.04381) in seven stages, and
 * a head of 1280 channels. Convolutions pad as TensorFlow's "same" does, so that inputs of any size
 * give `ceil(size / stride)` cells.
 *
 * Weights go by the names of the PyTorch package efficientnet_lite_pytorch: `_conv_stem.weight`,
 * `_bn0.*`, `_blocks.3._expand_conv.weight`, …, `_conv_head.weight`, `_bn1.*`, `_fc.*`.
 */

import { OptionError } from "../errors.ts";
import { GraphBuilder, type Value } from "../onnx/graph_builder.ts";
import { type StateDict } from "../weights/state_dict.ts";
import { ConstantLayers, listTensors } from "./constant_layers.ts";
import type { NetworkLayers } from "./network_layers.ts";

/** How one network of the family differs from the smallest. */
export interface EfficientNetLiteScale {
  /** Factor of the channels, which are rounded to multiples of 8. */
  readonly width: number;
  /** Factor of the number of blocks in each stage, rounded up; not of the first and the last. */
  readonly depth: number;
}

/** A published network of the family. */
export interface EfficientNetLiteVariant extends EfficientNetLiteScale {
  /** Side of the square images it was trained on, in pixels. */
  readonly size: number;
}

/** The networks there are published weights for. */
export const EFFICIENTNET_LITE = {
  "efficientnet-lite0": { width: 1, depth: 1, size: 224 },
  "efficientnet-lite1": { width: 1, depth: 1.1, size: 240 },
  "efficientnet-lite2": { width: 1.1, depth: 1.2, size: 260 },
} as const satisfies Record<string, EfficientNetLiteVariant>;

/** Name of a published network. */
export type EfficientNetLiteName = keyof typeof EFFICIENTNET_LITE;

/** Input of the published weights: `(RGB / 255 − mean) / std`, the same for all three channels. */
export const EFFICIENTNET_LITE_MEAN = 0.498;
/** See `EFFICIENTNET_LITE_MEAN`. */
export const EFFICIENTNET_LITE_STD = 0.502;

/** Options of `efficientNetLite`. */
export interface EfficientNetLiteOptions {
  /**
   * Input pixels per cell of the features. At 16 the last strided stage keeps its resolution; its
   * first block stays as it is, the depthwise convolutions behind it are dilated by 2. Default 32.
   */
  readonly outputStride?: 16 | 32;
  /** Before the names of all its tensors. Default none. */
  readonly prefix?: string;
}

/** What a network computes from an image. */
export interface EfficientNetLiteFeatures {
  /** Output of each of the seven stages, before the head; not rectified. */
  readonly stages: readonly Value[];
  /** Channels of each stage. */
  readonly channels: readonly number[];
  /** 1280 channels, behind the head's ReLU6. Made when first asked for: not all networks have a head. */
  readonly features: Value;
}

const STEM_CHANNELS = 32;
/** Channels of the features. */
export const HEAD_CHANNELS = 1280;
const IMAGENET_CLASSES = 1000;
const BATCH_NORM_EPSILON = 1e-3;

/** A stage before scaling: number of blocks, depthwise kernel, stride, expansion, channels. */
const STAGES = [
  { repeats: 1, kernel: 3, stride: 1, expansion: 1, channels: 16 },
  { repeats: 2, kernel: 3, stride: 2, expansion: 6, channels: 24 },
  { repeats: 2, kernel: 5, stride: 2, expansion: 6, channels: 40 },
  { repeats: 3, kernel: 3, stride: 2, expansion: 6, channels: 80 },
  { repeats: 3, kernel: 5, stride: 1, expansion: 6, channels: 112 },
  { repeats: 4, kernel: 5, stride: 2, expansion: 6, channels: 192 },
  { repeats: 1, kernel: 3, stride: 1, expansion: 6, channels: 320 },
] as const;

/** One inverted bottleneck. */
interface Block {
  /** Prefix of its tensors' names. */
  readonly name: string;
  /** Index of its stage, 0..6. */
  readonly stage: number;
  readonly kernel: number;
  readonly stride: number;
  readonly expansion: number;
  readonly input: number;
  readonly output: number;
  /** Whether its input is added to its output: all but a stage's first block. */
  readonly shortcut: boolean;
}

/** Channels scaled and rounded to a multiple of 8, never by more than a tenth downwards. */
function scaleChannels(channels: number, width: number): number {
  const wanted = channels * width;
  const rounded = Math.max(8, Math.floor((wanted + 4) / 8) * 8);
  return rounded < 0.9 * wanted ? rounded + 8 : rounded;
}

function listBlocks(scale: EfficientNetLiteScale): Block[] {
  for (const [name, value] of Object.entries({ width: scale.width, depth: scale.depth })) {
    if (!(value > 0 && value < 100)) {
      throw new OptionError(`Cannot build EfficientNet-Lite: ${name} is ${value}, not in 0..100`);
    }
  }
  const blocks: Block[] = [];
  let input = STEM_CHANNELS;
  STAGES.forEach((spec, stage) => {
    const { repeats, kernel, stride, expansion } = spec;
    const scaled = stage > 0 && stage < STAGES.length - 1;
    const count = scaled ? Math.ceil(repeats * scale.depth) : repeats;
    const output = scaleChannels(spec.channels, scale.width);
    for (let i = 0; i < count; i++) {
      const name = `_blocks.${blocks.length}`;
      const first = i === 0;
      const block = { name, stage, kernel, expansion, input, output };
      blocks.push({ ...block, stride: first ? stride : 1, shortcut: !first });
      input = output;
    }
  });
  return blocks;
}

/**
 * Names and shapes of the tensors a network needs, in its own order.
 *
 * @param classes Number of classes of the classifier `_fc`; default 0: without it.
 */
export function efficientNetLiteTensors(
  scale: EfficientNetLiteScale,
  classes = 0,
): Map<string, readonly number[]> {
  return listTensors((layers, image) => {
    const { features } = efficientNetLite(layers, image, scale);
    if (classes > 0) efficientNetLiteClassifier(layers, features, classes);
  });
}

/**
 * A network from the image to its features.
 *
 * @param image `N×3×H×W`, normalised as `EFFICIENTNET_LITE_MEAN` says.
 * @returns Maps of `layers`.
 * @throws {OptionError} when `outputStride` is neither 16 nor 32, or the scale is out of range.
 */
export function efficientNetLite(
  layers: NetworkLayers,
  image: Value,
  scale: EfficientNetLiteScale,
  options: EfficientNetLiteOptions = {},
): EfficientNetLiteFeatures {
  const { outputStride = 32, prefix = "" } = options;
  if (outputStride !== 16 && outputStride !== 32) {
    throw new OptionError(
      `Cannot build EfficientNet-Lite: output stride is ${outputStride}, not 16 or 32`,
    );
  }
  const same = { padding: "same", epsilon: BATCH_NORM_EPSILON } as const;
  const rectified = { ...same, activation: "relu6" } as const;
  const stem = [STEM_CHANNELS, 3, 3, 3] as const;
  let x = layers.convNorm(image, `${prefix}_conv_stem`, `${prefix}_bn0`, stem, {
    ...rectified,
    stride: 2,
  });
  let reached = 2;
  let dilation = 1;
  let width = STEM_CHANNELS;
  const stages: Value[] = [];
  const channels: number[] = [];
  for (const block of listBlocks(scale)) {
    const { kernel, input, output, expansion } = block;
    const name = prefix + block.name;
    let { stride } = block;
    const blockDilation = dilation;
    if (stride > 1 && reached === outputStride) {
      // Blocks behind this one see the cells they would have seen after the stride.
      dilation *= stride;
      stride = 1;
    }
    reached *= stride;
    const inner = input * expansion;
    let y = x;
    if (expansion > 1) {
      const shape = [inner, input, 1, 1] as const;
      y = layers.convNorm(y, `${name}._expand_conv`, `${name}._bn0`, shape, rectified);
    }
    y = layers.convNorm(
      y,
      `${name}._depthwise_conv`,
      `${name}._bn1`,
      [inner, 1, kernel, kernel],
      { ...rectified, stride, dilation: blockDilation, group: inner },
    );
    x = layers.convNorm(y, `${name}._project_conv`, `${name}._bn2`, [output, inner, 1, 1], {
      ...same,
      add: block.shortcut ? x : undefined,
    });
    stages[block.stage] = x;
    channels[block.stage] = output;
    width = output;
  }
  const head = [HEAD_CHANNELS, width, 1, 1] as const;
  let features: Value | undefined;
  return {
    stages,
    channels,
    get features() {
      return features ??= layers.convNorm(
        x,
        `${prefix}_conv_head`,
        `${prefix}_bn1`,
        head,
        rectified,
      );
    },
  };
}

/**
 * The classifier: the mean of the features over all cells, then the linear layer `_fc`.
 *
 * @param features 1280 channels, a map of `layers`.
 * @returns Logits, `N×classes`.
 */
export function efficientNetLiteClassifier(
  layers: NetworkLayers,
  features: Value,
  classes: number,
): Value {
  return layers.linear(layers.globalMean(features, HEAD_CHANNELS), "_fc", [classes, HEAD_CHANNELS]);
}

/** Options of `buildEfficientNetLite`. */
export interface BuildEfficientNetLiteOptions
  extends Pick<EfficientNetLiteOptions, "outputStride"> {
  /** `"fp16"` stores the weights as float16; computation stays float32. Default: float32. */
  readonly storage?: "fp16";
  /** What the model gives: `features` (`N×1280×h×w`) or ImageNet `logits` (`N×1000`). Default features. */
  readonly head?: "features" | "logits";
}

/**
 * A published network as the bytes of an ONNX file with the input `image` (`N×3×H×W`, any size) and
 * one output, `features` or `logits`. Its metadata says how to prepare images.
 *
 * @throws {ModelError} when the weights do not fit. @throws {OptionError} for unknown options.
 */
export function buildEfficientNetLite(
  name: EfficientNetLiteName,
  weights: StateDict,
  options: BuildEfficientNetLiteOptions = {},
): Uint8Array<ArrayBuffer> {
  const { head = "features", outputStride = 32, storage } = options;
  const variant = EFFICIENTNET_LITE[name];
  const g = new GraphBuilder();
  const image = g.input("image", "float32", ["N", 3, "H", "W"]);
  const layers = new ConstantLayers(g, weights, { storage });
  const { features } = efficientNetLite(layers, image, variant, { outputStride });
  if (head === "logits") {
    const classes = weights.get("_fc.weight")?.shape[0] ?? IMAGENET_CLASSES;
    g.output("logits", efficientNetLiteClassifier(layers, features, classes));
  } else {
    g.output("features", features);
  }
  layers.check("EfficientNet-Lite");
  return g.build({
    name,
    metadata: {
      architecture: name,
      input: `RGB, (value / 255 - ${EFFICIENTNET_LITE_MEAN}) / ${EFFICIENTNET_LITE_STD}`,
      native_size: String(variant.size),
      output_stride: String(outputStride),
      precision: storage === "fp16" ? "weights float16, computation float32" : "float32",
    },
  });
}
