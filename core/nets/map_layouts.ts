/** Maps between the plain and the blocked layout, joined and split along their channels in either. */

import type { GraphBuilder, Value } from "../onnx/graph_builder.ts";
import type { Layers } from "../onnx/layouts.ts";
import { view } from "../onnx/layouts/blocks.ts";

/** All sizes of a value as numbers. */
export function sizesOf(x: Value): number[] {
  return x.shape.map((_, axis) => x.size(axis));
}

/** The layouts of maps that networks are trained on. */
export class MapLayouts {
  readonly #g: GraphBuilder;
  readonly #layers: Layers;
  readonly #block: number | null;

  /** @param block Channels in a block; `null` where all is plain. */
  constructor(g: GraphBuilder, layers: Layers, block: number | null) {
    this.#g = g;
    this.#layers = layers;
    this.#block = block;
  }

  /** A map as convolutions take it: those of few channels, such as an image, as they are. */
  enter(x: Value): Value {
    const block = this.#block;
    return block === null || x.layout === "blocked" || x.size(1) < block
      ? x
      : this.#layers.enter(x);
  }

  /** A map in the layout that layers work on, however few channels it has. */
  map(x: Value): Value {
    return this.#block === null || x.layout === "blocked" ? x : this.#layers.enter(x);
  }

  /** A plain map. */
  leave(x: Value, channels: number): Value {
    return x.layout === "blocked" ? this.#layers.leave(x, channels) : x;
  }

  /** A map that was made plain, in the layout of the one it was made of. */
  like(x: Value, y: Value): Value {
    return x.layout === "blocked" ? this.enter(y) : y;
  }

  /** Joins maps along the channels. */
  concat(maps: readonly Value[], channels: readonly number[]): Value {
    const g = this.#g;
    if (this.#block === null || maps.every((map) => map.layout === "plain")) {
      return g.concat(maps, 1);
    }
    if (this.#areWhole(channels)) {
      // Whole blocks lie one after the other in both orders.
      const parts = maps.map((map) => this.map(map)).map((map) => view(g, map, sizesOf(map)));
      const joined = g.concat(parts, 1);
      return view(g, joined, sizesOf(joined), "blocked");
    }
    return this.enter(g.concat(maps.map((map, at) => this.leave(map, channels[at]!)), 1));
  }

  /** A map's channels in parts, undoing `concat`. */
  split(x: Value, channels: readonly number[]): Value[] {
    const g = this.#g;
    const whole = this.#areWhole(channels);
    const plain = whole ? view(g, x, sizesOf(x)) : this.leave(x, channels.reduce((a, b) => a + b));
    return channels.map((count, at) => {
      const start = channels.slice(0, at).reduce((a, b) => a + b, 0);
      const part = g.slice(plain, [start], [start + count], { axes: [1] });
      return whole && x.layout === "blocked"
        ? view(g, part, sizesOf(part), "blocked")
        : this.map(part);
    });
  }

  #areWhole(channels: readonly number[]): boolean {
    const block = this.#block;
    return block !== null && channels.every((count) => count % block === 0);
  }
}
