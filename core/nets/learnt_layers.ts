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

import type { GraphBuilder, Value } from "../onnx/graph_builder.ts";
import { type Activation, createLayers, type Layers } from "../onnx/layouts.ts";
import { activate } from "../onnx/layouts/activate.ts";
import { view } from "../onnx/layouts/blocks.ts";
import { tensorflowPadding } from "../onnx/layouts/padding.ts";
import { resizeByProducts } from "../onnx/resize.ts";
import type { StateDict } from "../weights/state_dict.ts";
import { averagePool } from "./average_pool.ts";
import { DROPOUT_RANK, dropoutMask } from "./dropout_mask.ts";
import { groupNorm } from "./group_norm.ts";
import { joinedList, joinImages, partImages } from "./image_channels.ts";
import { LearntTensors } from "./learnt_tensors.ts";
import { MapLayouts, sizesOf } from "./map_layouts.ts";
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

/** See the head of this file. */
export class LearntLayers implements NetworkLayers {
  /** The inputs of each use of dropout. */
  readonly dropouts: DropoutInput[] = [];
  readonly #g: GraphBuilder;
  readonly #layers: Layers;
  readonly #options: LearntLayersOptions;
  readonly #tensors: LearntTensors;
  readonly #layouts: MapLayouts;
  readonly #merged = new Map<string, MergedConvolution>();

  constructor(g: GraphBuilder, options: LearntLayersOptions) {
    this.#g = g;
    this.#layers = createLayers(g, options.blockSize);
    this.#options = options;
    this.#tensors = new LearntTensors(g, options.weights, options.learns);
    this.#layouts = new MapLayouts(g, this.#layers, options.blockSize);
  }

  /** The inputs that carry learnt tensors, by the tensors' names, in order of first use. */
  get learnt(): ReadonlyMap<string, Value> {
    return this.#tensors.learnt;
  }

  enter(x: Value): Value {
    return this.#layouts.enter(x);
  }

  leave(x: Value, channels: number): Value {
    return this.#layouts.leave(x, channels);
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
    options: NetworkConvOptions = {},
  ): Value {
    const weights = this.#tensors.value(`${name}.weight`, shape);
    const bias = options.bias ? this.#tensors.value(`${name}.bias`, [shape[0]]) : undefined;
    return this.#convolve(x, weights, bias, name, options);
  }

  norm(
    x: Value,
    name: string,
    channels: number,
    options: NormOptions = {},
  ): Value {
    const { scale, shift } = this.#affineOf(name, channels, options.epsilon);
    const { activation } = options;
    return this.#layers.affine(this.#layouts.map(x), scale, shift, { activation, name });
  }

  groupNorm(
    x: Value,
    name: string,
    channels: number,
    groups: number,
    options: ActivationOptions = {},
  ): Value {
    const scale = this.#tensors.value(`${name}.weight`, [channels]);
    const shift = this.#tensors.value(`${name}.bias`, [channels]);
    return groupNorm(this.#g, this.#layers, this.#layouts.map(x), { scale, shift }, {
      groups,
      name,
      ...options,
    });
  }

  relu(x: Value): Value {
    return this.#g.relu(x);
  }

  add(a: Value, b: Value): Value {
    return a.layout === b.layout
      ? this.#g.add(a, b)
      : this.#g.add(this.#layouts.map(a), this.#layouts.map(b));
  }

  linear(x: Value, name: string, shape: readonly [out: number, input: number]): Value {
    const weights = this.#tensors.value(`${name}.weight`, shape);
    const bias = this.#tensors.value(`${name}.bias`, [shape[0]]);
    const rows = x.rank === 2 ? x : this.#g.reshape(this.leave(x, shape[1]), [x.size(0), shape[1]]);
    return this.#g.gemm(rows, weights, { c: bias, transB: true, name });
  }

  maxPool(x: Value, kernel: number, stride: number, padding: number, channels: number): Value {
    return this.#layers.maxPool(this.#layouts.map(x), kernel, stride, padding, channels);
  }

  averagePool(
    x: Value,
    kernel: number,
    stride: number,
    options: AveragePoolOptions = {},
  ): Value {
    // Channels that only fill up blocks are zero before and after.
    const y = averagePool(this.#g, this.leave(x, x.size(1)), kernel, stride, options);
    return this.#layouts.like(x, y);
  }

  globalMean(x: Value, channels: number): Value {
    return this.#g.unsqueeze(this.#layers.globalMean(this.#layouts.map(x), channels), [2, 3]);
  }

  resizeLike(x: Value, like: Value, channels: number, alignCorners: boolean): Value {
    const [height, width] = [like.size(2), like.size(3)];
    if (height === x.size(2) && width === x.size(3)) return x;
    const coordinates = alignCorners ? "align_corners" : "half_pixel";
    const y = resizeByProducts(this.#g, this.leave(x, channels), height, width, { coordinates });
    return this.#layouts.like(x, y);
  }

  enlargeLike(x: Value, factor: number, like: Value, channels: number): Value {
    const [height, width] = [like.size(2), like.size(3)];
    if (factor === 1 && height === x.size(2) && width === x.size(3)) return x;
    const plain = this.leave(x, channels);
    const large = resizeByProducts(this.#g, plain, x.size(2) * factor, x.size(3) * factor);
    const fits = large.size(2) === height && large.size(3) === width;
    const y = fits ? large : this.#g.slice(large, [0, 0], [height, width], { axes: [2, 3] });
    return this.#layouts.like(x, y);
  }

  splitAttention(
    x: Value,
    channels: number,
    radix: number,
    logits: (pooled: Value) => Value,
  ): Value {
    const g = this.#g;
    const map = this.#layouts.map(x);
    const images = map.size(0);
    const groups = [images, radix, channels];
    const means = g.reshape(this.#layers.globalMean(map, radix * channels), groups);
    const pooled = g.reshape(g.reduceSum(means, [1]), [images, channels, 1, 1]);
    const scores = this.leave(logits(this.enter(pooled)), radix * channels);
    const shares = g.reshape(g.softmax(g.reshape(scores, groups), 1), [images, radix * channels]);
    const list = joinedList(g, shares, map.size(1));
    const scaled = partImages(g, this.#layers.affine(joinImages(g, map), list, null), images);
    const parts = this.#layouts.split(scaled, new Array<number>(radix).fill(channels));
    return parts.reduce((sum, part) => g.add(sum, part));
  }

  concat(maps: readonly Value[], channels: readonly number[]): Value {
    return this.#layouts.concat(maps, channels);
  }

  dropout(x: Value, probability: number): Value {
    if (this.#options.dropout === false || probability === 0) return x;
    const [images, channels, height, width] = sizesOf(x) as [number, number, number, number];
    const at = this.dropouts.length;
    const rows = this.#g.input(`dropout/${at}/rows`, "float32", [images * channels, DROPOUT_RANK]);
    const columns = this.#g.input(`dropout/${at}/columns`, "float32", [
      DROPOUT_RANK,
      height * width,
    ]);
    this.dropouts.push({ rows, columns });
    const mask = dropoutMask(this.#g, rows, columns, probability);
    return this.#g.mul(x, view(this.#g, mask, sizesOf(x), x.layout));
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
    const input = this.#isSmall(x, weights, group) ? x : this.#layouts.map(x);
    const padding = options.padding === "same"
      ? samePads(x, weights, stride, dilation)
      : options.padding;
    const add = options.add && this.#layouts.map(options.add);
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
    const parts = this.#layouts.split(x, new Array<number>(group).fill(inputs)).map((part, at) =>
      this.#layers.conv(part, slice(weights, outputs, at), {
        ...window,
        bias: bias && slice(bias, outputs, at),
        name: `${name}.${at}`,
      })
    );
    const y = this.#layouts.map(this.concat(parts, parts.map(() => outputs)));
    const sum = add ? g.add(y, add) : y;
    return activate(g, sum, activation);
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
    const { epsilon, bias: biased = false } = options;
    const weights = this.#tensors.value(`${conv}.weight`, shape);
    const own = biased ? this.#tensors.value(`${conv}.bias`, [shape[0]]) : null;
    const { scale, shift } = this.#affineOf(norm, shape[0], epsilon);
    const merged = {
      weights: g.mul(weights, g.unsqueeze(scale, [1, 2, 3])),
      bias: own ? g.add(shift, g.mul(own, scale)) : shift,
    };
    this.#merged.set(`${conv}\n${norm}`, merged);
    return merged;
  }

  /** The linear map that a normalisation with stored statistics comes down to. */
  #affineOf(
    name: string,
    channels: number,
    epsilon = NORM_EPSILON,
  ): { scale: Value; shift: Value } {
    const g = this.#g;
    const weight = this.#tensors.value(`${name}.weight`, [channels]);
    const bias = this.#tensors.value(`${name}.bias`, [channels]);
    const mean = this.#tensors.numbers(`${name}.running_mean`, [channels]);
    const variance = this.#tensors.numbers(`${name}.running_var`, [channels]);
    const precision = variance.map((v) => 1 / Math.sqrt(v + epsilon));
    const scale = g.mul(weight, g.constant(precision));
    return { scale, shift: g.sub(bias, g.mul(scale, g.constant(mean))) };
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

/** Zeros above, left, below and right by `tensorflowPadding`. */
function samePads(
  x: Value,
  weights: Value,
  stride: number,
  dilation: number,
): [number, number, number, number] {
  const [[top, bottom], [left, right]] = ([2, 3] as const).map((axis) =>
    tensorflowPadding(x.size(axis), weights.size(axis), stride, dilation)
  ) as [[number, number], [number, number]];
  return [top, left, bottom, right];
}
