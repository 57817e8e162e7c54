/**
 * The layers of networks for inference: weights from a file become constants, normalisations with
 * stored statistics are folded into the convolutions in front of them. Batch, height and width may be
 * open.
 */

import { GraphBuilder, type Value } from "../onnx/graph_builder.ts";
import { activate } from "../onnx/layouts/activate.ts";
import { evenPadding } from "../onnx/layouts/padding.ts";
import type { Dim, Shape } from "../onnx/shape.ts";
import type { StateDict } from "../weights/state_dict.ts";
import { averagePool } from "./average_pool.ts";
import { ConstantTensors } from "./constant_tensors.ts";
import { channelMap, foldNormalisation } from "./fold_batch_norm.ts";
import {
  type ActivationOptions,
  type AveragePoolOptions,
  type ConvNormOptions,
  type ConvShape,
  type NetworkConvOptions,
  type NetworkLayers,
  NORM_EPSILON,
  type NormOptions,
} from "./network_layers.ts";

/** Options of {@linkcode ConstantLayers}. */
export interface ConstantLayersOptions {
  /** `"fp16"` stores convolutions' weights as float16; computation stays float32. Default: float32. */
  readonly storage?: "fp16";
}

/**
 * See the head of this file. Tensors which are missing or of another shape do not stop the building of
 * a network, so that all of them can be named at once: call `check` when it is done.
 */
export class ConstantLayers implements NetworkLayers {
  readonly #g: GraphBuilder;
  readonly #tensors: ConstantTensors;

  /** @param weights Tensors by name; those which the network does not ask for are ignored. */
  constructor(g: GraphBuilder, weights: StateDict, { storage }: ConstantLayersOptions = {}) {
    this.#g = g;
    this.#tensors = new ConstantTensors(g, weights, storage);
  }

  /** Names and shapes of the tensors that the network asked for, in its order. */
  get used(): ReadonlyMap<string, readonly number[]> {
    return this.#tensors.used;
  }

  /** See {@linkcode ConstantTensors.check}. */
  check(what: string): void {
    this.#tensors.check(what);
  }

  enter(x: Value): Value {
    return x;
  }

  leave(x: Value): Value {
    return x;
  }

  convNorm(
    x: Value,
    conv: string,
    norm: string,
    shape: ConvShape,
    options: ConvNormOptions = {},
  ): Value {
    const weights = this.#tensors.read(`${conv}.weight`, shape);
    const bias = options.bias ? this.#tensors.read(`${conv}.bias`, [shape[0]]) : null;
    const statistics = this.#tensors.statistics(norm, shape[0]);
    const folded = weights && bias !== undefined && statistics
      ? foldNormalisation(weights, bias, statistics, options.epsilon ?? NORM_EPSILON)
      : undefined;
    return this.#convolve(x, conv, shape, options, {
      weights: this.#tensors.constant(`${conv}.weight`, folded?.weights, shape, { large: true }),
      bias: this.#tensors.constant(`${conv}.bias`, folded?.bias, [shape[0]]),
    });
  }

  conv(
    x: Value,
    name: string,
    shape: ConvShape,
    options: NetworkConvOptions = {},
  ): Value {
    return this.#convolve(x, name, shape, options, {
      weights: this.#tensors.load(`${name}.weight`, shape, { large: true }),
      bias: options.bias ? this.#tensors.load(`${name}.bias`, [shape[0]]) : undefined,
    });
  }

  norm(
    x: Value,
    name: string,
    channels: number,
    options: NormOptions = {},
  ): Value {
    const statistics = this.#tensors.statistics(name, channels);
    const map = statistics && channelMap(statistics, options.epsilon ?? NORM_EPSILON);
    const scale = this.#tensors.constant(`${name}.weight`, map?.scale, [channels, 1, 1]);
    const shift = this.#tensors.constant(`${name}.bias`, map?.shift, [channels, 1, 1]);
    return activated(this.#g, this.#g.add(this.#g.mul(x, scale), shift), options);
  }

  groupNorm(
    x: Value,
    name: string,
    channels: number,
    groups: number,
    options: ActivationOptions = {},
  ): Value {
    const g = this.#g;
    const scale = this.#tensors.load(`${name}.weight`, [channels], { as: [channels, 1, 1] });
    const shift = this.#tensors.load(`${name}.bias`, [channels], { as: [channels, 1, 1] });
    const [ones, zeros] = [1, 0].map((value) => g.constant(new Float32Array(groups).fill(value)));
    const rows = g.reshape(x, [0, groups, -1]);
    const normalised = g.op("InstanceNormalization", [rows, ones, zeros], {
      epsilon: { float: NORM_EPSILON },
    });
    const map = g.reshape(normalised, g.shapeOf(x), { shape: x.shape });
    return activated(this.#g, g.add(g.mul(map, scale), shift, { name }), options);
  }

  relu(x: Value): Value {
    return this.#g.relu(x);
  }

  add(a: Value, b: Value): Value {
    return this.#g.add(a, b);
  }

  linear(x: Value, name: string, [out, input]: readonly [out: number, input: number]): Value {
    const weights = this.#tensors.load(`${name}.weight`, [out, input], { large: true });
    const c = this.#tensors.load(`${name}.bias`, [out]);
    const rows = x.rank === 2 ? x : this.#g.reshape(x, [0, input]);
    return this.#g.gemm(rows, weights, { c, transB: true, name });
  }

  maxPool(x: Value, kernel: number, stride: number, padding: number): Value {
    return this.#g.maxPool(x, kernel, { strides: stride, pads: padding });
  }

  averagePool(
    x: Value,
    kernel: number,
    stride: number,
    options: AveragePoolOptions = {},
  ): Value {
    return averagePool(this.#g, x, kernel, stride, options);
  }

  globalMean(x: Value): Value {
    return this.#g.globalAveragePool(x);
  }

  resizeLike(x: Value, like: Value, channels: number, alignCorners: boolean): Value {
    const g = this.#g;
    const [images, , height, width] = x.shape as [Dim, Dim, Dim, Dim];
    const shape: Shape = [images, channels, like.dim(2), like.dim(3)];
    if (height === shape[2] && width === shape[3]) return x;
    const [own, wanted] = [g.shapeOf(x), g.shapeOf(like)];
    const sizes = g.concat([g.slice(own, [0], [2]), g.slice(wanted, [2], [4])], 0);
    // From one cell all others are equal to it.
    if (height === 1 && width === 1) return g.expand(x, sizes, { shape });
    const coordinates = alignCorners ? "align_corners" : "half_pixel";
    return g.resize(x, { sizes, shape }, { coordinates });
  }

  enlargeLike(x: Value, factor: number, like: Value, channels: number): Value {
    const g = this.#g;
    const large = factor === 1 ? x : g.resize(x, { scales: [1, 1, factor, factor] });
    const ends = g.slice(g.shapeOf(like), [2], [4]);
    const shape: Shape = [x.dim(0), channels, like.dim(2), like.dim(3)];
    return g.op("Slice", [large, g.ints([0, 0]), ends, g.ints([2, 3])], {}, {
      outputs: [{ dtype: x.dtype, shape }],
    });
  }

  splitAttention(
    x: Value,
    channels: number,
    radix: number,
    logits: (pooled: Value) => Value,
  ): Value {
    const g = this.#g;
    const means = g.reshape(g.globalAveragePool(x), [0, radix, channels, 1]);
    const pooled = g.reshape(g.reduceSum(means, [1]), [0, channels, 1, 1]);
    const groups = g.reshape(logits(pooled), [0, radix, channels, 1]);
    const shares = g.reshape(g.softmax(groups, 1), [0, radix * channels, 1, 1]);
    const parts = g.split(g.mul(x, shares), new Array<number>(radix).fill(channels), 1);
    return parts.reduce((sum, part) => g.add(sum, part));
  }

  concat(maps: readonly Value[]): Value {
    return this.#g.concat(maps, 1);
  }

  dropout(x: Value): Value {
    return x;
  }

  #convolve(
    x: Value,
    name: string,
    shape: ConvShape,
    options: NetworkConvOptions,
    { weights, bias }: { weights: Value; bias: Value | undefined },
  ): Value {
    const { stride = 1, dilation = 1, group = 1, add, activation } = options;
    const y = this.#g.conv(x, weights, {
      strides: stride,
      dilations: dilation,
      group,
      bias,
      name,
      ...window(shape, options.padding, stride, dilation),
    });
    const sum = add ? this.#g.add(y, add, { name: `${name}.add` }) : y;
    return activate(this.#g, sum, activation, name);
  }
}

/** How a convolution pads, in the builder's words. */
function window(
  [, , height, width]: ConvShape,
  padding: number | "same" | undefined,
  stride: number,
  dilation: number,
) {
  // With stride 1 "same" pads alike on both sides at any input size; with other strides the padding
  // hangs on the size. ONNX Runtime does not combine automatic padding with dilation.
  if (padding === "same" && stride > 1) return { autoPad: "SAME_UPPER" as const };
  if (typeof padding === "number") return { pads: padding };
  return { pads: evenPadding(height, width, dilation) };
}

/** A map's activation, named after the map. */
function activated(g: GraphBuilder, x: Value, { activation }: ActivationOptions): Value {
  return activate(g, x, activation, x.name);
}

/**
 * Names and shapes of the tensors that a network asks for, in its order.
 *
 * @param build The network, as a function of layers and an image `N×3×H×W`.
 */
export function listTensors(
  build: (layers: NetworkLayers, image: Value) => unknown,
): Map<string, readonly number[]> {
  const g = new GraphBuilder();
  const layers = new ConstantLayers(g, new Map());
  build(layers, g.input("image", "float32", ["N", 3, "H", "W"]));
  return new Map(layers.used);
}
