/**
 * Layers whose weights are learnt: inputs of the graph, so that every run may bring others. Tensors
 * that are not to be learnt become constants, and nothing flows back through layers made of these
 * alone. Batch normalisation keeps its stored statistics; it is merged into the weights of its
 * convolution inside the graph, so that the gradient reaches weights, scale and shift at the cost of
 * the weights' size, not of the map's.
 *
 * Maps may be in either layout; every method changes a map's layout where it needs to. Sizes are
 * fixed.
 */

import { ModelError } from "../errors.ts";
import type { GraphBuilder, Value } from "../onnx/graph_builder.ts";
import { type Activation, createLayers, type Layers } from "../onnx/layouts.ts";
import { view } from "../onnx/layouts/blocks.ts";
import { resizeByProducts } from "../onnx/resize.ts";
import { shapeText } from "../onnx/shape.ts";
import type { StateDict } from "../weights/state_dict.ts";
import { toFloat32 } from "../weights/tensor.ts";
import { DROPOUT_RANK, dropoutMask } from "./dropout_mask.ts";
import { groupNorm } from "./group_norm.ts";
import { joinedList, joinImages, partImages } from "./image_channels.ts";
import type {
  ConvNormOptions,
  ConvShape,
  NetworkConvOptions,
  NetworkLayers,
} from "./network_layers.ts";

/** What {@linkcode LearntLayers} are made of. */
export interface LearntLayersOptions {
  /** From `probeBlockSize()` for the CPU; `null` for standard operators only. */
  readonly blockSize: number | null;
  /** All tensors of the network, learnt or not. */
  readonly weights: StateDict;
  /** Whether a tensor is learnt. Stored statistics never are. Default: all are. */
  readonly learns?: (name: string) => boolean;
  /** Whether dropout drops. Default true. */
  readonly dropout?: boolean;
}

/** One use of dropout: the two inputs that its mask is made of. */
export interface DropoutInput {
  /** float32, `rows×DROPOUT_RANK` and `DROPOUT_RANK×columns`: whole numbers for {@linkcode dropoutMask}. */
  readonly rows: Value;
  readonly columns: Value;
}

/** Prefix of the inputs that carry learnt tensors. */
export const PARAMETER_PREFIX = "parameter/";

/** See the head of this file. */
export class LearntLayers implements NetworkLayers {
  /** The inputs that carry learnt tensors, by the tensors' names, in order of first use. */
  readonly learnt = new Map<string, Value>();
  /** The inputs of each use of dropout. */
  readonly dropouts: DropoutInput[] = [];
  readonly #g: GraphBuilder;
  readonly #layers: Layers;
  readonly #options: LearntLayersOptions;
  readonly #tensors = new Map<string, Value>();
  readonly #merged = new Map<string, MergedConvolution>();

  constructor(g: GraphBuilder, options: LearntLayersOptions) {
    this.#g = g;
    this.#layers = createLayers(g, options.blockSize);
    this.#options = options;
  }

  /**
   * A tensor of the network: an input where it is learnt, else a constant. The same value at every
   * call, so that networks may be applied several times.
   *
   * @throws {ModelError} when it is missing or has another shape.
   */
  tensor(name: string, shape: readonly number[]): Value {
    const known = this.#tensors.get(name);
    if (known) {
      if (shapeText(known.shape) !== shapeText(shape)) this.#misfit(name, known.shape, shape);
      return known;
    }
    const tensor = this.#options.weights.get(name);
    if (!tensor) throw new ModelError(`Cannot build the network: its tensor "${name}" is missing`);
    if (shapeText(tensor.shape) !== shapeText(shape)) this.#misfit(name, tensor.shape, shape);
    const value = this.learns(name)
      ? this.#g.input(PARAMETER_PREFIX + name, "float32", shape)
      : this.#g.constant(toFloat32(tensor), shape);
    if (this.learns(name)) this.learnt.set(name, value);
    this.#tensors.set(name, value);
    return value;
  }

  /** Whether a tensor is learnt. */
  learns(name: string): boolean {
    if (name.endsWith(".running_mean") || name.endsWith(".running_var")) return false;
    return this.#options.learns?.(name) ?? true;
  }

  enter(x: Value): Value {
    // A convolution takes a plain map of few channels, such as an image, as it is.
    const { blockSize } = this.#options;
    return blockSize === null || x.layout === "blocked" || x.size(1) < blockSize
      ? x
      : this.#layers.enter(x);
  }

  leave(x: Value, channels: number): Value {
    return x.layout === "blocked" ? this.#layers.leave(x, channels) : x;
  }

  convNorm(
    x: Value,
    conv: string,
    norm: string,
    shape: ConvShape,
    options: ConvNormOptions = {},
  ): Value {
    const { weights, bias } = this.#merge(conv, norm, shape, options);
    return this.#convolve(x, weights, bias, conv, options);
  }

  conv(
    x: Value,
    name: string,
    shape: ConvShape,
    options: NetworkConvOptions & { readonly bias?: boolean } = {},
  ): Value {
    const weights = this.tensor(`${name}.weight`, shape);
    const bias = options.bias ? this.tensor(`${name}.bias`, [shape[0]]) : undefined;
    return this.#convolve(x, weights, bias, name, options);
  }

  norm(
    x: Value,
    name: string,
    channels: number,
    options: { readonly epsilon?: number; readonly activation?: Activation } = {},
  ): Value {
    const { scale, shift } = this.#affineOf(name, channels, options.epsilon);
    const { activation } = options;
    return this.#layers.affine(this.#map(x), scale, shift, { activation, name });
  }

  groupNorm(
    x: Value,
    name: string,
    channels: number,
    groups: number,
    options: { readonly activation?: Activation } = {},
  ): Value {
    const scale = this.tensor(`${name}.weight`, [channels]);
    const shift = this.tensor(`${name}.bias`, [channels]);
    return groupNorm(this.#g, this.#layers, this.#map(x), { scale, shift }, {
      groups,
      name,
      ...options,
    });
  }

  relu(x: Value): Value {
    return this.#g.relu(x);
  }

  add(a: Value, b: Value): Value {
    return a.layout === b.layout ? this.#g.add(a, b) : this.#g.add(this.#map(a), this.#map(b));
  }

  linear(x: Value, name: string, shape: readonly [out: number, input: number]): Value {
    const weights = this.tensor(`${name}.weight`, shape);
    const bias = this.tensor(`${name}.bias`, [shape[0]]);
    const rows = x.rank === 2 ? x : this.#g.reshape(this.leave(x, shape[1]), [x.size(0), shape[1]]);
    return this.#g.gemm(rows, weights, { c: bias, transB: true, name });
  }

  maxPool(x: Value, kernel: number, stride: number, padding: number, channels: number): Value {
    return this.#layers.maxPool(this.#map(x), kernel, stride, padding, channels);
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
    // Channels that only fill up blocks are zero before and after.
    const plain = this.leave(x, x.size(1));
    const y = this.#g.op("AveragePool", [plain], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
      ceil_mode: ceil ? 1 : undefined,
      count_include_pad: countPadding ? 1 : undefined,
    });
    return x.layout === "blocked" ? this.enter(y) : y;
  }

  globalMean(x: Value, channels: number): Value {
    return this.#g.unsqueeze(this.#layers.globalMean(this.#map(x), channels), [2, 3]);
  }

  resizeLike(x: Value, like: Value, channels: number, alignCorners: boolean): Value {
    const [height, width] = [like.size(2), like.size(3)];
    if (height === x.size(2) && width === x.size(3)) return x;
    const coordinates = alignCorners ? "align_corners" : "half_pixel";
    const y = resizeByProducts(this.#g, this.leave(x, channels), height, width, { coordinates });
    return x.layout === "blocked" ? this.enter(y) : y;
  }

  enlargeLike(x: Value, factor: number, like: Value, channels: number): Value {
    const [height, width] = [like.size(2), like.size(3)];
    if (factor === 1 && height === x.size(2) && width === x.size(3)) return x;
    const plain = this.leave(x, channels);
    const large = resizeByProducts(this.#g, plain, x.size(2) * factor, x.size(3) * factor);
    const fits = large.size(2) === height && large.size(3) === width;
    const y = fits ? large : this.#g.slice(large, [0, 0], [height, width], { axes: [2, 3] });
    return x.layout === "blocked" ? this.enter(y) : y;
  }

  splitAttention(
    x: Value,
    channels: number,
    radix: number,
    logits: (pooled: Value) => Value,
  ): Value {
    const g = this.#g;
    const map = this.#map(x);
    const images = map.size(0);
    const groups = [images, radix, channels];
    const means = g.reshape(this.#layers.globalMean(map, radix * channels), groups);
    const pooled = g.reshape(g.reduceSum(means, [1]), [images, channels, 1, 1]);
    const scores = this.leave(logits(this.enter(pooled)), radix * channels);
    const shares = g.reshape(g.softmax(g.reshape(scores, groups), 1), [images, radix * channels]);
    const list = joinedList(g, shares, map.size(1));
    const scaled = partImages(g, this.#layers.affine(joinImages(g, map), list, null), images);
    const parts = this.#split(scaled, new Array<number>(radix).fill(channels));
    return parts.reduce((sum, part) => g.add(sum, part));
  }

  concat(maps: readonly Value[], channels: readonly number[]): Value {
    const g = this.#g;
    const block = this.#options.blockSize;
    if (block === null || maps.every((map) => map.layout === "plain")) return g.concat(maps, 1);
    if (channels.every((count) => count % block === 0)) {
      // Whole blocks lie one after the other in both orders.
      const parts = maps.map((map) => this.#map(map)).map((map) => view(g, map, sizes(map)));
      const joined = g.concat(parts, 1);
      return view(g, joined, sizes(joined), "blocked");
    }
    return this.enter(g.concat(maps.map((map, at) => this.leave(map, channels[at]!)), 1));
  }

  dropout(x: Value, probability: number): Value {
    if (this.#options.dropout === false || probability === 0) return x;
    const [images, channels, height, width] = sizes(x) as [number, number, number, number];
    const at = this.dropouts.length;
    const rows = this.#g.input(`dropout/${at}/rows`, "float32", [images * channels, DROPOUT_RANK]);
    const columns = this.#g.input(`dropout/${at}/columns`, "float32", [
      DROPOUT_RANK,
      height * width,
    ]);
    this.dropouts.push({ rows, columns });
    const mask = dropoutMask(this.#g, rows, columns, probability);
    return this.#g.mul(x, view(this.#g, mask, sizes(x), x.layout));
  }

  /** A map in the layout that layers work on. */
  #map(x: Value): Value {
    const block = this.#options.blockSize;
    return block === null || x.layout === "blocked" ? x : this.#layers.enter(x);
  }

  #convolve(
    x: Value,
    weights: Value,
    bias: Value | undefined,
    name: string,
    options: NetworkConvOptions,
  ): Value {
    const { stride = 1, dilation = 1, group = 1, activation } = options;
    const block = this.#options.blockSize;
    const input = this.#isSmall(x, weights, group) ? x : this.#map(x);
    const padding = options.padding === "same"
      ? samePads(x, weights, stride, dilation)
      : options.padding;
    const add = options.add && this.#map(options.add);
    const rest = { bias, add, activation, stride, dilation, padding, group, name };
    const depthwise = group === weights.size(0) && weights.size(1) === 1;
    if (block === null || group === 1 || depthwise) {
      return this.#layers.conv(input, weights, rest);
    }
    return this.#convolveGroups(input, weights, rest);
  }

  /** Blocked convolutions know no groups: each group is a convolution of its own. */
  #convolveGroups(
    x: Value,
    weights: Value,
    { group, bias, add, activation, name, ...window }: GroupedConvolution,
  ): Value {
    const g = this.#g;
    const [outputs, inputs] = [weights.size(0) / group, weights.size(1)];
    const slice = (v: Value, size: number, at: number) =>
      g.slice(v, [at * size], [(at + 1) * size]);
    const parts = this.#split(x, new Array<number>(group).fill(inputs)).map((part, at) =>
      this.#layers.conv(part, slice(weights, outputs, at), {
        ...window,
        bias: bias && slice(bias, outputs, at),
        name: `${name}.${at}`,
      })
    );
    const y = this.#map(this.concat(parts, parts.map(() => outputs)));
    const sum = add ? g.add(y, add) : y;
    if (activation === undefined) return sum;
    return activation === "relu" ? g.relu(sum) : g.clip(sum, 0, 6);
  }

  /** A map's channels in parts, undoing `concat`. */
  #split(x: Value, channels: readonly number[]): Value[] {
    const g = this.#g;
    const block = this.#options.blockSize;
    const whole = block !== null && channels.every((count) => count % block === 0);
    const plain = whole ? view(g, x, sizes(x)) : this.leave(x, channels.reduce((a, b) => a + b));
    return channels.map((count, at) => {
      const start = channels.slice(0, at).reduce((a, b) => a + b, 0);
      const part = g.slice(plain, [start], [start + count], { axes: [1] });
      return whole && x.layout === "blocked"
        ? view(g, part, sizes(part), "blocked")
        : this.#map(part);
    });
  }

  /** Whether a map is one of the few channels that convolutions take unblocked. */
  #isSmall(x: Value, weights: Value, group: number): boolean {
    const block = this.#options.blockSize;
    return block !== null && x.layout === "plain" && group === 1 && weights.size(1) < block;
  }

  /** The convolution that does the work of `conv` and the normalisation behind it. */
  #merge(
    conv: string,
    norm: string,
    shape: ConvShape,
    options: ConvNormOptions,
  ): MergedConvolution {
    const known = this.#merged.get(`${conv}\n${norm}`);
    if (known) return known;
    const g = this.#g;
    const { epsilon = 1e-5, bias: biased = false } = options;
    const weights = this.tensor(`${conv}.weight`, shape);
    const own = biased ? this.tensor(`${conv}.bias`, [shape[0]]) : null;
    const { scale, shift } = this.#affineOf(norm, shape[0], epsilon);
    const merged = {
      weights: g.mul(weights, g.unsqueeze(scale, [1, 2, 3])),
      bias: own ? g.add(shift, g.mul(own, scale)) : shift,
    };
    this.#merged.set(`${conv}\n${norm}`, merged);
    return merged;
  }

  /** The linear map that a normalisation with stored statistics comes down to. */
  #affineOf(name: string, channels: number, epsilon = 1e-5): { scale: Value; shift: Value } {
    const g = this.#g;
    const weight = this.tensor(`${name}.weight`, [channels]);
    const bias = this.tensor(`${name}.bias`, [channels]);
    const mean = this.#require(`${name}.running_mean`, [channels]);
    const variance = this.#require(`${name}.running_var`, [channels]);
    const precision = variance.map((v) => 1 / Math.sqrt(v + epsilon));
    const scale = g.mul(weight, g.constant(precision));
    return { scale, shift: g.sub(bias, g.mul(scale, g.constant(mean))) };
  }

  #require(name: string, shape: readonly number[]): Float32Array {
    const tensor = this.#options.weights.get(name);
    if (!tensor) throw new ModelError(`Cannot build the network: its tensor "${name}" is missing`);
    if (shapeText(tensor.shape) !== shapeText(shape)) this.#misfit(name, tensor.shape, shape);
    return toFloat32(tensor);
  }

  #misfit(name: string, is: readonly unknown[], wanted: readonly number[]): never {
    throw new ModelError(
      `Cannot build the network: its tensor "${name}" is [${is.join(", ")}], not [${
        wanted.join(", ")
      }]`,
    );
  }
}

interface MergedConvolution {
  readonly weights: Value;
  readonly bias: Value;
}

interface GroupedConvolution {
  readonly group: number;
  readonly bias: Value | undefined;
  readonly add: Value | undefined;
  readonly activation: Activation | undefined;
  readonly name: string;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: number | readonly [number, number, number, number] | undefined;
}

/** All sizes of a value as numbers. */
function sizes(x: Value): number[] {
  return x.shape.map((_, axis) => x.size(axis));
}

/** TensorFlow's "same": `ceil(size / stride)` cells, the odd zero below and right. */
function samePads(
  x: Value,
  weights: Value,
  stride: number,
  dilation: number,
): [number, number, number, number] {
  const along = (axis: 2 | 3): [number, number] => {
    const reach = (weights.size(axis) - 1) * dilation + 1;
    const cells = Math.ceil(x.size(axis) / stride);
    const total = Math.max(0, (cells - 1) * stride + reach - x.size(axis));
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  };
  const [top, bottom] = along(2);
  const [left, right] = along(3);
  return [top, left, bottom, right];
}
