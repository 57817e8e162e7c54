/**
 * Pairs of near pixels and the straight paths between them, as AffinityNet and its random walk use
 * them (J. Ahn, S. Cho and S. Kwak, "Weakly Supervised Learning of Instance Segmentation With
 * Inter-Pixel Relations", CVPR 2019).
 */

import { inRange } from "./image_arguments.ts";

/** The step from a pixel to another one, and the pixels in between. */
export interface AffinityPath {
  /** Rows down, ≥ 0. */
  readonly dy: number;
  /** Columns to the right; > 0 where `dy` is 0. */
  readonly dx: number;
  /** The path's pixels as [dy, dx] from the first one, both ends included, in row order. */
  readonly pixels: readonly (readonly [number, number])[];
}

/**
 * All steps to pixels later in row order at a distance below `radius`, each pair of pixels once:
 * first along the row, then row by row.
 *
 * The path of a step holds the pixels of its bounding box whose distance from the straight line is
 * strictly below 1, told in whole numbers: cross product squared < length squared.
 *
 * @param radius In pixels, exclusive, 1..64: 5 gives 34 paths, 10 gives 152.
 * @throws {RangeError} `radius` is not a whole number from 1 to 64.
 */
export function affinityPaths(radius: number): AffinityPath[] {
  inRange("radius", radius, 1, 64, { whole: true });
  const paths: AffinityPath[] = [];
  for (let dy = 0; dy < radius; dy++) {
    for (let dx = dy === 0 ? 1 : 1 - radius; dx < radius; dx++) {
      if (dx * dx + dy * dy < radius * radius) paths.push({ dy, dx, pixels: pathPixels(dy, dx) });
    }
  }
  return paths;
}

function pathPixels(dy: number, dx: number): [number, number][] {
  const pixels: [number, number][] = [];
  const length = dy * dy + dx * dx;
  for (let y = 0; y <= dy; y++) {
    for (let x = Math.min(0, dx); x <= Math.max(0, dx); x++) {
      const cross = dy * x - dx * y;
      if (cross * cross < length) pixels.push([y, x]);
    }
  }
  return pixels;
}
