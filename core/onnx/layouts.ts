/**
 * Two back ends for networks that are trained: the same building blocks over plain `N×C×H×W`
 * tensors in standard operators, or over ONNX Runtime's own blocked CPU layout, which computes
 * convolutions with changing weights up to three times faster.
 *
 * The blocked operators (`com.microsoft.nchwc`) are internal to ONNX Runtime and exist on x86-64 CPUs
 * only; `probeBlockSize` says whether they do. Everything that is differentiated here is covered
 * by `gradients()` in both back ends.
 */

import type { GraphBuilder, Named, Value } from "./graph_builder.ts";
import { BlockedLayers } from "./layouts/blocked.ts";
import { PortableLayers } from "./layouts/portable.ts";

/** What follows a convolution in the same pass. */
export type Activation = "relu" | "relu6";

/** How a convolution of a layer is done. */
export interface LayerConvOptions extends Named {
  /** One value for each output channel. Default none. */
  bias?: Value;
  /** A map of the output's shape that is added before the activation. Default none. */
  add?: Value;
  /** Default none. */
  activation?: Activation;
  /** Default 1. */
  stride?: number;
  /** Default 1. */
  dilation?: number;
  /**
   * Zeros on all four sides, or above, left, below, right. Default: as many as keep the size at
   * stride 1, for odd kernels.
   */
  padding?: number | readonly [number, number, number, number];
  /** 1, or as many groups as channels. Default 1. */
  group?: number;
}

/** How a scaling by channel is done. */
export interface AffineOptions extends Named {
  /** A map of the same shape that is added before the activation. Default none. */
  add?: Value;
  /** Default none. */
  activation?: Activation;
}

/**
 * The building blocks. Maps of the blocked back end have their channels filled up with zeros to a
 * multiple of the block size, so take channel counts from the network, not from a map's shape.
 * Between blocks, maps may be combined element by element by the builder's own methods.
 */
export interface Layers {
  readonly kind: "portable" | "blocked";
  /** `N×C×H×W` → a map of this back end. */
  enter(x: Value): Value;
  /** A map of this back end → `N×C×H×W` with `channels` channels. */
  leave(x: Value, channels: number): Value;
  /** Correlation with `O×(C/group)×k×k`. In the blocked back end the first one takes plain images. */
  conv(x: Value, weights: Value, options?: LayerConvOptions): Value;
  /** `scale·x + shift` with one scale and, if given, shift (lists of C) for each channel. */
  affine(x: Value, scale: Value, shift: Value | null, options?: AffineOptions): Value;
  /**
   * The sum over images, rows and columns for each channel, as a list of C; rows are summed first,
   * so that float32 loses nothing on large images.
   */
  channelSum(x: Value, channels: number): Value;
  /** The mean over rows and columns: `N×C`. */
  globalMean(x: Value, channels: number): Value;
  /** The greatest value of each window. */
  maxPool(x: Value, kernel: number, stride: number, padding: number, channels: number): Value;
}

/**
 * The building blocks over one of the back ends.
 *
 * @param blockSize from `probeBlockSize()`; `null` gives the portable back end.
 */
export function createLayers(g: GraphBuilder, blockSize: number | null): Layers {
  return blockSize === null ? new PortableLayers(g) : new BlockedLayers(g, blockSize);
}
