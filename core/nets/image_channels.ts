/**
 * All images' channels taken for the channels of one image: what differs from image to image is then
 * done like what differs from channel to channel.
 */

import type { GraphBuilder, Value } from "../onnx/graph_builder.ts";
import { view } from "../onnx/layouts/blocks.ts";

/** A map `N×C×H×W` of either layout as `1×(N·C)×H×W`, without a copy. */
export function joinImages(g: GraphBuilder, x: Value): Value {
  return view(g, x, [1, x.size(0) * x.size(1), x.size(2), x.size(3)], x.layout);
}

/** Undoes {@linkcode joinImages}. */
export function partImages(g: GraphBuilder, x: Value, images: number): Value {
  return view(g, x, [images, x.size(1) / images, x.size(2), x.size(3)], x.layout);
}

/** `N×C` as the list of the channels of joined images that have `filled` channels, the last ones 0. */
export function joinedList(g: GraphBuilder, x: Value, filled: number): Value {
  const missing = filled - x.size(1);
  return g.reshape(missing === 0 ? x : g.pad(x, [0, 0, 0, missing]), [x.size(0) * filled]);
}

/** The list of the channels of joined images as `N×C`, without the channels that fill up blocks. */
export function partList(g: GraphBuilder, list: Value, images: number, channels: number): Value {
  const all = g.reshape(list, [images, list.size(0) / images]);
  return all.size(1) === channels ? all : g.slice(all, [0], [channels], { axes: [1] });
}
