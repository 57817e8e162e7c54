/** Averaging a CAM over regions: what a segmentation knows of shape, given to the CAM as it is. */

import type { Regions } from "./connected_regions.ts";
import { inRange } from "./image_arguments.ts";
import { checkPlanes } from "./plane_arguments.ts";

/** Options of {@link regionMeanCam}. */
export interface RegionMeanOptions {
  /** Share of the means in the result, 0..1; the rest is the CAM itself. Default: 1. */
  readonly share?: number;
}

/**
 * The mean of a CAM over the region of every pixel, averaged over several divisions into regions.
 *
 * Where the divisions differ, as those of SLIC and quickshift do, a pixel's result depends on how
 * both see it, so that their errors soften each other.
 *
 * @param cam `C×H×W`; not modified.
 * @param classes C.
 * @param divisions Divisions of the image, at least one.
 * @returns `C×H×W`, a new array.
 * @throws {TypeError} An array is not of the size given.
 * @throws {RangeError} A size or option is out of range, or there are no divisions.
 */
export function regionMeanCam(
  cam: Float32Array,
  classes: number,
  width: number,
  height: number,
  divisions: readonly Regions[],
  { share = 1 }: RegionMeanOptions = {},
): Float32Array {
  checkPlanes(cam, classes, width, height, "the CAM", "average over regions");
  inRange("share", share, 0, 1);
  if (divisions.length === 0) throw new RangeError("Cannot average over regions: there are none");
  for (const { map } of divisions) {
    checkPlanes(map, 1, width, height, "a region map", "average over regions");
  }
  const pixels = width * height;
  const result = new Float32Array(cam.length);
  for (let i = 0; i < cam.length; i++) result[i] = (1 - share) * cam[i]!;
  for (const { map, count } of divisions) {
    const scale = new Float64Array(count);
    for (let p = 0; p < pixels; p++) scale[map[p]!]! += 1;
    for (let r = 0; r < count; r++) scale[r] = share / (divisions.length * scale[r]!);
    const sums = new Float64Array(count);
    for (let start = 0; start < cam.length; start += pixels) {
      sums.fill(0);
      for (let p = 0; p < pixels; p++) sums[map[p]!]! += cam[start + p]!;
      for (let r = 0; r < count; r++) sums[r]! *= scale[r]!;
      for (let p = 0; p < pixels; p++) result[start + p]! += sums[map[p]!]!;
    }
  }
  return result;
}
