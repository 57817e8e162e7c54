/**
 * The building blocks over ONNX Runtime's blocked CPU operators, with their gradients.
 *
 * The gradients are given by hand, because they start from the weights in plain order: those of the
 * nodes would carry every weight's gradient through the reordering backwards.
 */

import { float, type GraphBuilder, type Value } from "../graph_builder.ts";
import { BLOCKED } from "../inference/blocked.ts";
import { convInputGradient, type MapOperations, plainMaps } from "../gradients/conv_input.ts";
import { convWeightGradient } from "../gradients/conv_weights.ts";
import { withGradient } from "../gradients/custom.ts";
import { both, type Geometry } from "../gradients/geometry.ts";
import { reverse } from "../gradients/layout.ts";
import { above, below, type GradientRule } from "../gradients/rule.ts";
import type { Activation, AffineOptions, LayerConvOptions, Layers } from "../layouts.ts";
import {
  enterBlocks,
  fillList,
  fillWeights,
  fold,
  leaveBlocks,
  orderTurnedWeights,
  orderWeights,
  padBlocked,
  spreadBlocked,
  view,
  wholeBlocks,
} from "./blocks.ts";
import { evenPadding } from "./padding.ts";

/** A call of the blocked Conv; weights in its own order. */
interface BlockedConv {
  x: Value;
  weights: Value;
  bias?: Value;
  add?: Value;
  activation?: Activation;
  strides?: readonly number[];
  dilations?: readonly number[];
  /** Top, left, bottom, right. */
  pads?: readonly number[];
  group?: number;
  name?: string;
}

function blockedConv(g: GraphBuilder, call: BlockedConv): Value {
  const { x, weights, bias, add, activation } = call;
  return g.op("Conv", [x, weights, bias, add], {
    kernel_shape: [weights.size(2), weights.size(3)],
    strides: call.strides ?? [1, 1],
    dilations: call.dilations ?? [1, 1],
    pads: call.pads ?? [0, 0, 0, 0],
    group: call.group ?? 1,
    activation: activation && (activation === "relu" ? "Relu" : "Clip"),
    activation_params: activation === "relu6" ? float([0, 6]) : undefined,
  }, { domain: BLOCKED, name: call.name });
}

export class BlockedLayers implements Layers {
  readonly kind = "blocked";
  readonly #g: GraphBuilder;
  readonly #block: number;

  constructor(g: GraphBuilder, block: number) {
    this.#g = g;
    this.#block = block;
  }

  enter(x: Value): Value {
    return enterBlocks(this.#g, x, this.#block);
  }

  leave(x: Value, channels: number): Value {
    return leaveBlocks(this.#g, x, channels);
  }

  conv(x: Value, weights: Value, options: LayerConvOptions = {}): Value {
    const g = this.#g;
    const { bias, add, activation, stride = 1, dilation = 1, group = 1, name } = options;
    const given = options.padding ?? evenPadding(weights.size(2), weights.size(3), dilation);
    const pads = typeof given === "number" ? [given, given, given, given] : given;
    const outputs = wholeBlocks(weights.size(0), this.#block);
    const depthwise = group > 1;
    this.#checkConv(x, weights, group);
    const dense = !depthwise && x.layout === "blocked";
    const filled = fillWeights(g, weights, outputs, dense ? x.size(1) : weights.size(1));
    const y = blockedConv(g, {
      x,
      weights: orderWeights(g, filled, this.#block, dense),
      bias: bias && fillList(g, bias, outputs),
      add,
      activation,
      strides: [stride, stride],
      dilations: [dilation, dilation],
      pads,
      group: depthwise ? outputs : 1,
      name,
    });
    const geometry: Geometry = {
      input: both((axis) => x.size(axis + 2)),
      output: both((axis) => y.size(axis + 2)),
      kernel: both((axis) => weights.size(axis + 2)),
      stride: [stride, stride],
      dilation: [dilation, dilation],
      before: [pads[0]!, pads[1]!],
    };
    const rule: GradientRule = ({ dy }) => {
      const d = once(() => this.#mask(dy, y, activation));
      return [
        () => this.#inputGradient(d(), x, filled, depthwise ? outputs : 1, geometry),
        () => this.#weightGradient(d(), x, weights, depthwise, geometry),
        () => this.channelSum(d(), weights.size(0)),
        d,
      ];
    };
    return withGradient(y, [x, weights, bias ?? null, add ?? null], rule);
  }

  affine(x: Value, scale: Value, shift: Value | null, options: AffineOptions = {}): Value {
    const g = this.#g;
    const { add, activation, name } = options;
    const channels = x.size(1);
    // One weight a channel stands in the same order plain and blocked.
    const weights = g.reshape(fillList(g, scale, channels), [channels, 1, 1, 1]);
    const bias = shift ? fillList(g, shift, channels) : undefined;
    const y = blockedConv(g, { x, weights, bias, add, activation, group: channels, name });
    const rule: GradientRule = ({ dy }) => {
      const d = once(() => this.#mask(dy, y, activation));
      return [
        () => blockedConv(g, { x: d(), weights, group: channels }),
        () => this.channelSum(g.mul(d(), x), scale.size(0)),
        () => this.channelSum(d(), scale.size(0)),
        d,
      ];
    };
    return withGradient(y, [x, scale, shift, add ?? null], rule);
  }

  channelSum(x: Value, channels: number): Value {
    const g = this.#g;
    const block = this.#block;
    const [images, blocks, height] = [x.size(0), x.size(1) / block, x.size(2)];
    const lines = view(g, x, [images * blocks * height, x.size(3), block]);
    const rows = g.reshape(g.reduceSum(lines, [1]), [images, blocks, height, block]);
    const sums = g.reshape(g.reduceSum(rows, [0, 2]), [blocks * block]);
    return channels === blocks * block ? sums : g.slice(sums, [0], [channels]);
  }

  globalMean(x: Value, channels: number): Value {
    const g = this.#g;
    const [images, whole] = [x.size(0), x.size(1)];
    const pixels = x.size(2) * x.size(3);
    const maps = view(g, x, [images * whole / this.#block, pixels, this.#block]);
    const means = g.reshape(g.reduceMean(maps, [1]), [images, whole]);
    return channels === whole ? means : g.slice(means, [0], [channels], { axes: [1] });
  }

  maxPool(x: Value, kernel: number, stride: number, padding: number, channels: number): Value {
    const plain = this.leave(x, channels);
    return this.enter(this.#g.maxPool(plain, kernel, { strides: stride, pads: padding }));
  }

  #checkConv(x: Value, weights: Value, group: number): void {
    const [outputs, inputs] = [weights.size(0), weights.size(1)];
    if (group > 1 && (group !== outputs || inputs !== 1)) {
      throw new TypeError(`Cannot convolve blocked maps in ${group} groups: only depthwise`);
    }
    if (x.layout === "plain") {
      if (group === 1 && inputs < this.#block) return;
      throw new TypeError(`Cannot convolve a plain map of ${inputs} channels: enter() it first`);
    }
    const wanted = wholeBlocks(group > 1 ? outputs : inputs, this.#block);
    if (x.size(1) !== wanted) {
      throw new TypeError(`Cannot convolve ${x.size(1)} channels: the weights need ${wanted}`);
    }
  }

  /** The gradient before the activation, of which `y` is the output. */
  #mask(d: Value, y: Value, activation?: Activation): Value {
    const g = this.#g;
    if (!activation) return d;
    const open = g.mul(d, above(g, y, 0));
    return activation === "relu6" ? g.mul(open, below(g, y, 6)) : open;
  }

  #inputGradient(d: Value, x: Value, w: Value, group: number, geometry: Geometry): Value {
    const g = this.#g;
    if (x.layout === "blocked") {
      return convInputGradient(this.#maps(), g, d, w, group, geometry);
    }
    return convInputGradient(plainMaps(g), g, this.leave(d, w.size(0)), w, group, geometry);
  }

  #weightGradient(d: Value, x: Value, w: Value, depthwise: boolean, geometry: Geometry): Value {
    const g = this.#g;
    if (depthwise) return this.#depthwiseWeights(d, x, w, geometry);
    const plain = x.layout === "plain" ? x : this.leave(x, w.size(1));
    return convWeightGradient(g, this.leave(d, w.size(0)), plain, 1, geometry);
  }

  /** As for plain maps: all maps of all images at once, with `d` as weights. */
  #depthwiseWeights(d: Value, x: Value, w: Value, geometry: Geometry): Value {
    const g = this.#g;
    const { input, output, kernel, stride, dilation, before } = geometry;
    const [images, channels] = [x.size(0), x.size(1)];
    const all = images * channels;
    const end = both((axis) =>
      (kernel[axis] - 1) * dilation[axis] + (output[axis] - 1) * stride[axis] + 1 - input[axis] -
      before[axis]
    );
    const maps = view(g, x, [1, all, ...input], "blocked");
    const cut = both((axis) => Math.min(0, end[axis]));
    const sums = blockedConv(g, {
      x: padBlocked(g, maps, this.#block, [0, 0], cut),
      weights: view(g, d, [all, 1, ...output]),
      strides: dilation,
      dilations: stride,
      pads: [...before, ...both((axis) => Math.max(0, end[axis]))],
      group: all,
    });
    const perImage = g.reshape(leaveBlocks(g, sums, all), [images, channels, 1, ...kernel]);
    const sum = g.reduceSum(perImage, [0], { keep: false });
    return channels === w.size(0) ? sum : g.slice(sum, [0], [w.size(0)]);
  }

  /** What the gradient by the input is made of. */
  #maps(): MapOperations {
    const g = this.#g;
    const block = this.#block;
    return {
      turned: (w, group) =>
        group > 1
          ? orderWeights(g, reverse(g, w, [2, 3]), block, false)
          : orderTurnedWeights(g, w, block),
      ordered: (w) => orderWeights(g, w, block, true),
      conv: (x, weights, options) => blockedConv(g, { x, weights, ...options }),
      spread: (x, [rows, columns]) => {
        if (rows !== columns) throw new TypeError(`Cannot undo strides of ${rows} and ${columns}`);
        return spreadBlocked(g, x, block, rows);
      },
      pad: (x, before, after) => padBlocked(g, x, block, before, after),
      weave(x, [rows, columns]) {
        const [images, height, width] = [x.size(0), x.size(2), x.size(3)];
        const blocks = x.size(1) / (rows * columns * block);
        const split = view(g, x, [images, rows, columns, blocks, height, width, block]);
        const woven = g.transpose(split, [0, 3, 4, 1, 5, 2, 6]);
        const maps = g.reshape(woven, [images * blocks, height * rows, width * columns, block]);
        return fold(g, maps, images, blocks * block);
      },
    };
  }
}

/** Calls `make` at the first call only. */
function once<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => made ??= make();
}
