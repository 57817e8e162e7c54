/**
 * The building blocks in standard operators.
 */

import type { GraphBuilder, Value } from "../graph_builder.ts";
import { sumInStages } from "../gradients/rule.ts";
import type { Activation, AffineOptions, LayerConvOptions, Layers } from "../layouts.ts";
import { activate } from "./activate.ts";
import { evenPadding } from "./padding.ts";

export class PortableLayers implements Layers {
  readonly kind = "portable";
  readonly #g: GraphBuilder;

  constructor(g: GraphBuilder) {
    this.#g = g;
  }

  enter(x: Value): Value {
    return x;
  }

  leave(x: Value): Value {
    return x;
  }

  conv(x: Value, weights: Value, options: LayerConvOptions = {}): Value {
    const { bias, add, activation, stride, dilation = 1, group, name } = options;
    const padding = options.padding ?? evenPadding(weights.size(2), weights.size(3), dilation);
    const y = this.#g.conv(x, weights, {
      bias,
      strides: stride,
      dilations: dilation,
      pads: padding,
      group,
      name,
    });
    return this.#finish(y, add, activation);
  }

  affine(x: Value, scale: Value, shift: Value | null, options: AffineOptions = {}): Value {
    const g = this.#g;
    const scaled = g.mul(x, g.unsqueeze(scale, [1, 2]), { name: options.name });
    const y = shift ? g.add(scaled, g.unsqueeze(shift, [1, 2])) : scaled;
    return this.#finish(y, options.add, options.activation);
  }

  channelSum(x: Value): Value {
    return sumInStages(this.#g, x, [0, 2, 3], false);
  }

  globalMean(x: Value): Value {
    return this.#g.reduceMean(x, [2, 3], { keep: false });
  }

  maxPool(x: Value, kernel: number, stride: number, padding: number): Value {
    return this.#g.maxPool(x, kernel, { strides: stride, pads: padding });
  }

  #finish(x: Value, add?: Value, activation?: Activation): Value {
    return activate(this.#g, add ? this.#g.add(x, add) : x, activation);
  }
}
