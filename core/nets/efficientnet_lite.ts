/**
 * EfficientNet-Lite, the EfficientNets of Tan and Le (arXiv 1905.11946) without squeeze-and-excite
 * and with ReLU6 for swish, so that they run well on processors without a GPU.
 *
 * A stem, sixteen or more inverted bottlenecks (MobileNetV2, arXiv 1801.04381) in seven stages, and
 * a head of 1280 channels. Batch normalisation is folded into the convolutions. Convolutions pad as
 * TensorFlow's "same" does, so that inputs of any size give `ceil(size / stride)` cells.
 *
 * Weights go by the names of the PyTorch package efficientnet_lite_pytorch: `_conv_stem.weight`,
 * `_bn0.*`, `_blocks.3._expand_conv.weight`, …, `_conv_head.weight`, `_bn1.*`, `_fc.*`.
 */

import { OptionError } from "../errors.ts";
import { GraphBuilder, type Value } from "../onnx/graph_builder.ts";
import { requireTensors, type StateDict } from "../weights/state_dict.ts";
import { toFloat32 } from "../weights/tensor.ts";
import { foldBatchNorm } from "./fold_batch_norm.ts";

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
  /** `"fp16"` stores the weights as float16; computation stays float32. Default: float32. */
  readonly storage?: "fp16";
}

/** What a network computes from an image. */
export interface EfficientNetLiteFeatures {
  /** Output of each of the seven stages, before the head; not rectified. */
  readonly stages: readonly Value[];
  /** `N×1280×h×w`, behind the head's ReLU6. */
  readonly features: Value;
}

const STEM_CHANNELS = 32;
const HEAD_CHANNELS = 1280;
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
  const tensors = new Map<string, readonly number[]>();
  const add = (convolution: string, norm: string, shape: readonly number[]) => {
    tensors.set(`${convolution}.weight`, shape);
    for (const name of ["weight", "bias", "running_mean", "running_var"]) {
      tensors.set(`${norm}.${name}`, [shape[0]!]);
    }
  };
  add("_conv_stem", "_bn0", [STEM_CHANNELS, 3, 3, 3]);
  let channels = STEM_CHANNELS;
  for (const { name, kernel, expansion, input, output } of listBlocks(scale)) {
    const inner = input * expansion;
    if (expansion > 1) add(`${name}._expand_conv`, `${name}._bn0`, [inner, input, 1, 1]);
    add(`${name}._depthwise_conv`, `${name}._bn1`, [inner, 1, kernel, kernel]);
    add(`${name}._project_conv`, `${name}._bn2`, [output, inner, 1, 1]);
    channels = output;
  }
  add("_conv_head", "_bn1", [HEAD_CHANNELS, channels, 1, 1]);
  if (classes > 0) {
    tensors.set("_fc.weight", [classes, HEAD_CHANNELS]);
    tensors.set("_fc.bias", [classes]);
  }
  return tensors;
}

/**
 * Adds a network to a graph, from the image to its features.
 *
 * @param image `N×3×H×W`, normalised as `EFFICIENTNET_LITE_MEAN` says; H and W may be open.
 * @param weights Tensors by the package's names; others beside them are ignored.
 * @throws {ModelError} when tensors are missing or have other shapes; names the first few.
 * @throws {OptionError} when `outputStride` is neither 16 nor 32.
 */
export function efficientNetLite(
  g: GraphBuilder,
  image: Value,
  weights: StateDict,
  scale: EfficientNetLiteScale,
  options: EfficientNetLiteOptions = {},
): EfficientNetLiteFeatures {
  const { outputStride = 32, storage } = options;
  if (outputStride !== 16 && outputStride !== 32) {
    throw new OptionError(
      `Cannot build EfficientNet-Lite: output stride is ${outputStride}, not 16 or 32`,
    );
  }
  requireTensors(weights, efficientNetLiteTensors(scale), "EfficientNet-Lite");

  const convolve = (
    x: Value,
    convolution: string,
    norm: string,
    { stride = 1, dilation = 1, group = 1, rectify = true } = {},
  ): Value => {
    const folded = foldBatchNorm(weights, convolution, norm, BATCH_NORM_EPSILON);
    const w = g.initializer(`${convolution}.weight`, folded.weights, folded.shape, { storage });
    const bias = g.initializer(`${convolution}.bias`, folded.bias, [folded.bias.length]);
    // With stride 1 "same" pads alike on both sides at any input size; with other strides the
    // padding hangs on the size. ONNX Runtime does not combine automatic padding with dilation.
    const padding = stride === 1
      ? { pads: (dilation * (folded.shape[2]! - 1)) / 2 }
      : { autoPad: "SAME_UPPER" as const };
    const name = convolution;
    const y = g.conv(x, w, { strides: stride, dilations: dilation, group, bias, ...padding, name });
    return rectify ? g.clip(y, 0, 6, { name: `${convolution}.relu6` }) : y;
  };

  let x = convolve(image, "_conv_stem", "_bn0", { stride: 2 });
  let reached = 2;
  let dilation = 1;
  const stages: Value[] = [];
  for (const block of listBlocks(scale)) {
    const { name, input, expansion } = block;
    let { stride } = block;
    const blockDilation = dilation;
    if (stride > 1 && reached === outputStride) {
      // Blocks behind this one see the cells they would have seen after the stride.
      dilation *= stride;
      stride = 1;
    }
    reached *= stride;
    let y = x;
    if (expansion > 1) y = convolve(y, `${name}._expand_conv`, `${name}._bn0`);
    y = convolve(y, `${name}._depthwise_conv`, `${name}._bn1`, {
      stride,
      dilation: blockDilation,
      group: input * expansion,
    });
    y = convolve(y, `${name}._project_conv`, `${name}._bn2`, { rectify: false });
    x = block.shortcut ? g.add(y, x, { name: `${name}.add` }) : y;
    stages[block.stage] = x;
  }
  return { stages, features: convolve(x, "_conv_head", "_bn1") };
}

/**
 * Adds the classifier: the mean of the features over all cells, then the linear layer `_fc`.
 *
 * @param features `N×1280×h×w`
 * @returns Logits, `N×classes`.
 * @throws {ModelError} when `_fc` is missing or has other shapes.
 */
export function efficientNetLiteClassifier(
  g: GraphBuilder,
  features: Value,
  weights: StateDict,
  options: Pick<EfficientNetLiteOptions, "storage"> = {},
): Value {
  const classes = weights.get("_fc.weight")?.shape[0] ?? 1000;
  const expected = new Map([
    ["_fc.weight", [classes, HEAD_CHANNELS]],
    ["_fc.bias", [classes]],
  ]);
  requireTensors(weights, expected, "EfficientNet-Lite's classifier");
  const [weight, bias] = ["_fc.weight", "_fc.bias"].map((name) => weights.get(name)!);
  const { storage } = options;
  const w = g.initializer("_fc.weight", toFloat32(weight!), weight!.shape, { storage });
  const c = g.initializer("_fc.bias", toFloat32(bias!), bias!.shape);
  const pooled = g.reshape(g.globalAveragePool(features), [0, HEAD_CHANNELS]);
  return g.gemm(pooled, w, { c, transB: true, name: "_fc" });
}

/** Options of `buildEfficientNetLite`. */
export interface BuildEfficientNetLiteOptions extends EfficientNetLiteOptions {
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
  const { features } = efficientNetLite(g, image, weights, variant, options);
  if (head === "logits") {
    g.output("logits", efficientNetLiteClassifier(g, features, weights, options));
  } else {
    g.output("features", features);
  }
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
