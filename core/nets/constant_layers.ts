/**
 * The layers of networks for inference: weights from a file become constants, normalisations with
 * stored statistics are folded into the convolutions in front of them. Batch, height and width may be
 * open.
 */

import { GraphBuilder, Value } from "../onnx/graph_builder.ts";
import type { Dim, Shape } from "../onnx/shape.ts";
import type { Activation } from "../onnx/layouts.ts";
import { ModelError } from "../errors.ts";
import { requireTensors, type StateDict } from "../weights/state_dict.ts";
import { toFloat32 } from "../weights/tensor.ts";
import { type BatchNormStatistics, channelMap, foldNormalisation } from "./fold_batch_norm.ts";
import type {
  ConvNormOptions,
  ConvShape,
  NetworkConvOptions,
  NetworkLayers,
} from "./network_layers.ts";

/** Epsilon of normalisations that name none; PyTorch's default. */
const EPSILON = 1e-5;

/** The largest magnitudes that can be stored. */
const LARGEST = { float32: 3.4028234663852886e38, fp16: 65504 } as const;

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
  readonly #weights: StateDict;
  readonly #storage: "fp16" | undefined;
  readonly #used = new Map<string, readonly number[]>();
  /** The first constant with values that cannot be stored, or are none. */
  #overflowing: string | undefined;

  /** @param weights Tensors by name; those which the network does not ask for are ignored. */
  constructor(g: GraphBuilder, weights: StateDict, options: ConstantLayersOptions = {}) {
    this.#g = g;
    this.#weights = weights;
    this.#storage = options.storage;
  }

  /** Names and shapes of the tensors that the network asked for, in its order. */
  get used(): ReadonlyMap<string, readonly number[]> {
    return this.#used;
  }

  /**
   * To be called once the network is built.
   *
   * @param what The network, for the message.
   * @throws {ModelError} naming the first few tensors that are missing or of another shape, or the first
   *   that holds values which are no numbers or too large to be stored.
   */
  check(what: string): void {
    requireTensors(this.#weights, this.#used, what);
    if (this.#overflowing !== undefined) {
      throw new ModelError(
        `Cannot build ${what}: ${this.#overflowing} holds values that are no numbers or too large ` +
          `for ${this.#storage ?? "float32"}`,
      );
    }
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
    const weights = this.#read(`${conv}.weight`, shape);
    const bias = options.bias ? this.#read(`${conv}.bias`, [shape[0]]) : null;
    const statistics = this.#statistics(norm, shape[0]);
    const folded = weights && bias !== undefined && statistics
      ? foldNormalisation(weights, bias, statistics, options.epsilon ?? EPSILON)
      : undefined;
    return this.#convolve(x, conv, shape, options, {
      weights: this.#constant(`${conv}.weight`, folded?.weights, shape, true),
      bias: this.#constant(`${conv}.bias`, folded?.bias, [shape[0]]),
    });
  }

  conv(
    x: Value,
    name: string,
    shape: ConvShape,
    options: NetworkConvOptions & { readonly bias?: boolean } = {},
  ): Value {
    return this.#convolve(x, name, shape, options, {
      weights: this.#load(`${name}.weight`, shape, true),
      bias: options.bias ? this.#load(`${name}.bias`, [shape[0]]) : undefined,
    });
  }

  norm(
    x: Value,
    name: string,
    channels: number,
    options: { readonly epsilon?: number; readonly activation?: Activation } = {},
  ): Value {
    const statistics = this.#statistics(name, channels);
    const map = statistics && channelMap(statistics, options.epsilon ?? EPSILON);
    const scale = this.#constant(`${name}.weight`, map?.scale, [channels, 1, 1]);
    const shift = this.#constant(`${name}.bias`, map?.shift, [channels, 1, 1]);
    return this.#activate(this.#g.add(this.#g.mul(x, scale), shift), options.activation);
  }

  groupNorm(
    x: Value,
    name: string,
    channels: number,
    groups: number,
    options: { readonly activation?: Activation } = {},
  ): Value {
    const g = this.#g;
    const scale = this.#load(`${name}.weight`, [channels], false, [channels, 1, 1]);
    const shift = this.#load(`${name}.bias`, [channels], false, [channels, 1, 1]);
    const [ones, zeros] = [1, 0].map((value) => g.constant(new Float32Array(groups).fill(value)));
    const rows = g.reshape(x, [0, groups, -1]);
    const normalised = g.op("InstanceNormalization", [rows, ones, zeros], {
      epsilon: { float: EPSILON },
    });
    const map = g.reshape(normalised, g.shapeOf(x), { shape: x.shape });
    return this.#activate(g.add(g.mul(map, scale), shift, { name }), options.activation);
  }

  relu(x: Value): Value {
    return this.#g.relu(x);
  }

  add(a: Value, b: Value): Value {
    return this.#g.add(a, b);
  }

  linear(x: Value, name: string, [out, input]: readonly [out: number, input: number]): Value {
    const weights = this.#load(`${name}.weight`, [out, input], true);
    const c = this.#load(`${name}.bias`, [out]);
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
    options: {
      readonly padding?: number;
      readonly ceil?: boolean;
      readonly countPadding?: boolean;
    } = {},
  ): Value {
    const { padding = 0, ceil, countPadding } = options;
    return this.#g.op("AveragePool", [x], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
      ceil_mode: ceil ? 1 : undefined,
      count_include_pad: countPadding ? 1 : undefined,
    });
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
    return this.#activate(add ? this.#g.add(y, add, { name: `${name}.add` }) : y, activation, name);
  }

  #activate(x: Value, activation?: Activation, name = x.name): Value {
    if (activation === "relu") return this.#g.relu(x, { name: `${name}.relu` });
    return activation === "relu6" ? this.#g.clip(x, 0, 6, { name: `${name}.relu6` }) : x;
  }

  #statistics(norm: string, channels: number): BatchNormStatistics | undefined {
    const [weight, bias, mean, variance] = ["weight", "bias", "running_mean", "running_var"]
      .map((part) => this.#read(`${norm}.${part}`, [channels]));
    return weight && bias && mean && variance ? { weight, bias, mean, variance } : undefined;
  }

  /** The tensor's values; `undefined` where it does not fit, which `check` will say. */
  #read(name: string, shape: readonly number[]): Float32Array | undefined {
    this.#used.set(name, shape);
    const tensor = this.#weights.get(name);
    const fits = tensor && tensor.shape.length === shape.length &&
      shape.every((size, axis) => size === tensor.shape[axis]);
    return fits ? toFloat32(tensor) : undefined;
  }

  /** A tensor as it is, as a constant of the same name; `as` gives it another shape. */
  #load(
    name: string,
    shape: readonly number[],
    large = false,
    as: readonly number[] = shape,
  ): Value {
    return this.#constant(name, this.#read(name, shape), as, large);
  }

  #constant(
    name: string,
    data: Float32Array | undefined,
    shape: readonly number[],
    large = false,
  ): Value {
    // Stands for what is missing until `check` refuses the whole.
    if (!data) return new Value(this.#g, name, "float32", shape);
    const storage = large ? this.#storage : undefined;
    if (!staysBelow(data, LARGEST[storage ?? "float32"])) this.#overflowing ??= name;
    return this.#g.initializer(name, data, shape, { storage });
  }
}

function staysBelow(data: Float32Array, limit: number): boolean {
  let below = true;
  for (let i = 0; i < data.length; i++) below = below && Math.abs(data[i]!) <= limit;
  return below;
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
  if (height !== width || height % 2 === 0) {
    throw new TypeError(`Cannot pad evenly for a ${height}×${width} kernel: give the padding`);
  }
  return { pads: (dilation * (height - 1)) / 2 };
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
