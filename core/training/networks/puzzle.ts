/**
 * The parts of Puzzle-CAM (S. Jo and I.-J. Yu, "Puzzle-CAM: Improved Localization via Matching Partial and
 * Full Features", ICIP 2021): maps of an image's tiles, made each on its own, should be those of the
 * whole image.
 */

import type { GraphBuilder, Value } from "../../onnx/graph_builder.ts";

/** Tiles along each side. */
const TILES = 2;

/**
 * Images cut into four tiles.
 *
 * @param images `N×C×H×W`, plain, H and W even.
 * @returns `4N×C×H/2×W/2`: all upper left tiles, then the upper right, lower left, lower right ones.
 */
export function cutTiles(g: GraphBuilder, images: Value): Value {
  const [count, channels, height, width] = sizes(images);
  if (height % TILES !== 0 || width % TILES !== 0) {
    throw new TypeError(`Cannot cut ${height}×${width} pixels into ${TILES}×${TILES} equal tiles`);
  }
  const [tall, wide] = [height / TILES, width / TILES];
  const split = g.reshape(images, [count * channels, TILES, tall, TILES, wide]);
  const tiles = g.transpose(split, [1, 3, 0, 2, 4]);
  return g.reshape(tiles, [TILES * TILES * count, channels, tall, wide]);
}

/** Undoes {@linkcode cutTiles}, for images or maps of them. */
export function mergeTiles(g: GraphBuilder, tiles: Value): Value {
  const [total, channels, height, width] = sizes(tiles);
  const count = total / (TILES * TILES);
  const split = g.reshape(tiles, [TILES, TILES, count * channels, height, width]);
  const merged = g.transpose(split, [2, 0, 3, 1, 4]);
  return g.reshape(merged, [count, channels, TILES * height, TILES * width]);
}

/**
 * How far the maps of whole images and of their tiles are apart: the mean of `|maps − merged|` over all
 * images, classes and cells, where those of classes that are not in an image count as 0.
 *
 * @param maps `N×K×h×w`
 * @param merged `N×K×h×w`
 * @param labels `N×K`: 1 for the classes in an image, else 0.
 */
export function reconstructionLoss(
  g: GraphBuilder,
  maps: Value,
  merged: Value,
  labels: Value,
): Value {
  const distances = g.reduceMean(g.abs(g.sub(maps, merged)), [2, 3], { keep: false });
  return g.reduceMean(g.mul(distances, labels), [], { keep: false });
}

function sizes(x: Value): [number, number, number, number] {
  return [x.size(0), x.size(1), x.size(2), x.size(3)];
}
