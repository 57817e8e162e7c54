/**
 * The layers networks are written in. A network is a function of a `NetworkLayers` and an image; who
 * provides the layers decides what becomes of the weights: constants with batch normalisation folded
 * in, for inference (`constant_layers.ts`), or inputs that are learnt (`learnt_layers.ts`), plain or
 * blocked. So each network is described once.
 *
 * Weights go by the names of the published PyTorch code; a layer named `conv1` reads
 * `conv1.weight` and, where it has one, `conv1.bias`; a normalisation `bn1` reads `bn1.weight`,
 * `bn1.bias`, `bn1.running_mean` and `bn1.running_var`.
 */

import type { Activation } from "../onnx/layouts.ts";
import type { Value } from "../onnx/graph_builder.ts";

/** Added to variances by normalisations that name no epsilon; PyTorch's default. */
export const NORM_EPSILON = 1e-5;

/** Shape of a convolution's weights: output channels, input channels per group, kernel. */
export type ConvShape = readonly [out: number, inPerGroup: number, height: number, width: number];

/** How a convolution slides and what follows it. */
export interface NetworkConvOptions {
  /** Default 1. */
  readonly stride?: number;
  /** Default 1. */
  readonly dilation?: number;
  /**
   * Zeros on all four sides, or `"same"`: as TensorFlow pads, `ceil(size / stride)` cells, the odd zero
   * below and right. Default: as many as keep the size at stride 1, for odd kernels.
   */
  readonly padding?: number | "same";
  /** Default 1. */
  readonly group?: number;
  /** Whether it has a bias of its own. Default false. */
  readonly bias?: boolean;
  /** A map of the output's shape that is added before the activation. Default none. */
  readonly add?: Value;
  /** Default none. */
  readonly activation?: Activation;
}

/** How a convolution with batch normalisation behind it is done. */
export interface ConvNormOptions extends NetworkConvOptions {
  /** Added to the variance. Default: {@linkcode NORM_EPSILON}. */
  readonly epsilon?: number;
}

/** What follows a layer. */
export interface ActivationOptions {
  /** Default none. */
  readonly activation?: Activation;
}

/** How a batch normalisation on its own is done. */
export interface NormOptions extends ActivationOptions {
  /** Added to the variance. Default: {@linkcode NORM_EPSILON}. */
  readonly epsilon?: number;
}

/** How means of windows are taken. */
export interface AveragePoolOptions {
  /** Zeros on all four sides. Default 0. */
  readonly padding?: number;
  /** Whether a last, partial window counts. Default false. */
  readonly ceil?: boolean;
  /** Whether zeros of the padding count. Default false. */
  readonly countPadding?: boolean;
}

/** See the head of this file. Maps may be blocked: take channel counts from the network. */
export interface NetworkLayers {
  /** `N×C×H×W` → a map of these layers. */
  enter(x: Value): Value;
  /** A map of these layers → `N×C×H×W` with `channels` channels. */
  leave(x: Value, channels: number): Value;
  /** A convolution followed by batch normalisation with its stored (fixed) statistics. */
  convNorm(
    x: Value,
    conv: string,
    norm: string,
    shape: ConvShape,
    options?: ConvNormOptions,
  ): Value;
  /** A convolution. */
  conv(x: Value, name: string, shape: ConvShape, options?: NetworkConvOptions): Value;
  /** Batch normalisation with its stored statistics, on its own. */
  norm(x: Value, name: string, channels: number, options?: NormOptions): Value;
  /** Group normalisation (arXiv 1803.08494) with an affine part. */
  groupNorm(
    x: Value,
    name: string,
    channels: number,
    groups: number,
    options?: ActivationOptions,
  ): Value;
  relu(x: Value): Value;
  add(a: Value, b: Value): Value;
  /** A fully connected layer with bias on `N×C` or `N×C×1×1`: `N×out`, plain. */
  linear(x: Value, name: string, shape: readonly [out: number, input: number]): Value;
  maxPool(x: Value, kernel: number, stride: number, padding: number, channels: number): Value;
  /** The mean of each window. */
  averagePool(x: Value, kernel: number, stride: number, options?: AveragePoolOptions): Value;
  /** The mean over rows and columns, `N×C×1×1`, plain; `enter` it before a convolution. */
  globalMean(x: Value, channels: number): Value;
  /** Bilinear, to the size of `like`. */
  resizeLike(x: Value, like: Value, channels: number, alignCorners: boolean): Value;
  /**
   * Bilinear (half-pixel centres), enlarged by a whole factor and cut right and below to the size of
   * `like`.
   */
  enlargeLike(x: Value, factor: number, like: Value, channels: number): Value;
  /**
   * Split attention (arXiv 2004.08955): of `radix` groups of `channels` channels each, the sum weighted
   * by a softmax over the groups.
   *
   * @param x A map of radix·channels channels.
   * @param logits From the mean over rows and columns of the groups' sum (`N×channels×1×1`, a map of these
   *   layers) to the weights before the softmax (`N×(radix·channels)×1×1`, a map of these layers).
   */
  splitAttention(
    x: Value,
    channels: number,
    radix: number,
    logits: (pooled: Value) => Value,
  ): Value;
  /** Joins maps along the channels. */
  concat(maps: readonly Value[], channels: readonly number[]): Value;
  /** Zeroes elements with the given probability while training; nothing at inference. */
  dropout(x: Value, probability: number): Value;
}
