/**
 * The random walk of an image: a CAM spread over pixels that no edge parts.
 *
 * Edges are those of an AffinityNet (`affinity.ts`); without one they are taken from the perimeters of
 * unsupervised segmentations, which know borders of things and of parts of things alike.
 */

import { OptionError } from "../errors.ts";
import type { Mask, Planes } from "../raster.ts";
import { enlargeWalk, randomWalk, type RandomWalkOptions } from "../../kernels/random_walk.ts";

/** Options of {@linkcode walkCam}. */
export interface WalkOptions extends RandomWalkOptions {
  /**
   * Edge, 0..1, of a cell that all perimeters cross; where one of two does, half of it. Perimeters
   * are certain of themselves, unlike a network: at 1 nothing would ever cross them. Default: 0.5.
   */
  edgeStrength?: number;
}

const STRIDE = 4;

/**
 * Walks on a CAM at stride 4 and brings the result to full size.
 *
 * @param cam `K×⌈H/4⌉×⌈W/4⌉`.
 * @param perimeters Of the full size, nonzero on edges; at least one.
 * @param width W.
 * @param height H.
 * @returns `K×H×W`, divided by the largest value of all.
 * @throws {TypeError} Sizes do not fit each other.
 * @throws {OptionError} The strength is out of range. {@linkcode randomWalk}'s errors pass through.
 */
export function walkCam(
  cam: Planes,
  perimeters: readonly Mask[],
  width: number,
  height: number,
  { edgeStrength = 0.5, ...options }: WalkOptions = {},
): Planes {
  if (!(edgeStrength >= 0 && edgeStrength <= 1)) {
    throw new OptionError(`edgeStrength must lie in 0..1, got ${edgeStrength}`);
  }
  const edge = edgeOfPerimeters(perimeters, width, height, cam.width, cam.height);
  for (let p = 0; p < edge.length; p++) edge[p]! *= edgeStrength;
  const planes = { width: cam.width, height: cam.height, channels: 1, data: edge };
  return walkOverEdges(cam, planes, width, height, options);
}

/**
 * Walks on a CAM at stride 4 over given edges, and brings the result to full size.
 *
 * @param cam `K×⌈H/4⌉×⌈W/4⌉`.
 * @param edges `⌈H/4⌉×⌈W/4⌉`, 0..1.
 * @returns `K×H×W`, divided by the largest value of all.
 * @throws {TypeError} Sizes do not fit each other. {@linkcode randomWalk}'s errors pass through.
 */
export function walkOverEdges(
  cam: Planes,
  { data: edge, ...cells }: Planes,
  width: number,
  height: number,
  options: RandomWalkOptions = {},
): Planes {
  if (cells.width !== cam.width || cells.height !== cam.height) {
    throw new TypeError(
      `Edges of ${cells.width}×${cells.height} cells do not fit a CAM of ${cam.width}×${cam.height}`,
    );
  }
  if (cam.channels === 0) return { width, height, channels: 0, data: new Float32Array(0) };
  const walked = randomWalk(cam.data, cam.channels, edge, cam.width, cam.height, options);
  const data = enlargeWalk(walked, cam.channels, cam.width, cam.height, width, height, {
    stride: STRIDE,
  });
  return { width, height, channels: cam.channels, data };
}

/**
 * For every cell of 4×4 pixels the share of the perimeter maps that cross it.
 *
 * @throws {TypeError} A map is of another size, or the cells do not cover it.
 */
export function edgeOfPerimeters(
  perimeters: readonly Mask[],
  width: number,
  height: number,
  cellsAcross: number,
  cellsDown: number,
): Float32Array {
  if (cellsAcross !== Math.ceil(width / STRIDE) || cellsDown !== Math.ceil(height / STRIDE)) {
    throw new TypeError(
      `A CAM of ${cellsAcross}×${cellsDown} is not that of ${width}×${height} px at stride ${STRIDE}`,
    );
  }
  const edge = new Float32Array(cellsAcross * cellsDown);
  for (const { data, ...size } of perimeters) {
    if (size.width !== width || size.height !== height) {
      throw new TypeError(
        `A perimeter map is ${size.width}×${size.height} px, not ${width}×${height}`,
      );
    }
    const crossed = new Uint8Array(edge.length);
    for (let y = 0, p = 0; y < height; y++) {
      const row = Math.floor(y / STRIDE) * cellsAcross;
      for (let x = 0; x < width; x++, p++) {
        if (data[p] !== 0) crossed[row + Math.floor(x / STRIDE)] = 1;
      }
    }
    for (let c = 0; c < edge.length; c++) edge[c]! += crossed[c]! / perimeters.length;
  }
  return edge;
}
