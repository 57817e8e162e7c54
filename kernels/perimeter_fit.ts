/**
 * PerimeterFit: which regions of an unsupervised segmentation a rough CAM covers.
 *
 * For every class, a region of the segmentation is erased when its rough CAM is not good enough, and
 * the perimeters (edges) of the segmentation are added back. The published rule asks that no pixel of
 * a region be outside the rough CAM; it works on a picture of the regions ({@link fitToPicture}), here
 * also on the regions themselves ({@link fitToRegions}), where it takes one pass a class and other
 * rules are possible.
 *
 * Masks are bytes, 0 or 255, one plane a class. The published arrays have a plane of zeros for the
 * background in front of the CAM; where such a plane is wanted in the masks, it is passed in.
 */

import type { Regions } from "./connected_regions.ts";
import { eraseByFloodFill, stretchPicture } from "./flood_fill.ts";
import { checkPlanes } from "./plane_arguments.ts";

/**
 * The two branches, by the superpixels their segmentation was made from; they differ in thresholds
 * and in what an edge outside of the rough CAM is worth.
 */
export type PerimeterBranch = "slic" | "quickshift";

/** What the branches differ in. */
export const BRANCHES: Readonly<Record<PerimeterBranch, BranchRules>> = {
  slic: { roughAbove: 0.05, edgeAbove: 250, withinRough: true },
  quickshift: { roughAbove: 0, edgeAbove: 200, withinRough: false },
};

/** Rules of one branch. */
export interface BranchRules {
  /** A pixel belongs to the rough CAM when its CAM is above this. */
  readonly roughAbove: number;
  /** A pixel is on a perimeter when the edge map is above this, 0..255. */
  readonly edgeAbove: number;
  /** Whether the mask is cut down to the rough CAM in the end. */
  readonly withinRough: boolean;
}

/**
 * Which regions stay: `all` of their pixels must be in the rough CAM (the published rule), or more
 * than half of them.
 */
export type RegionRule = "all" | "majority";

/**
 * The rough CAM: where a CAM is above a threshold.
 *
 * @param cam Values, any number of planes.
 * @param above Exclusive, taken in single precision as the CAM is.
 * @returns As many bytes, 255 above the threshold, else 0.
 */
export function roughCam(cam: Float32Array, above: number): Uint8Array {
  const threshold = Math.fround(above);
  const rough = new Uint8Array(cam.length);
  for (let i = 0; i < cam.length; i++) if (cam[i]! > threshold) rough[i] = 255;
  return rough;
}

/**
 * Keeps, for every class, the regions its rough CAM covers.
 *
 * @param rough `C×H×W` bytes, nonzero inside.
 * @param classes C.
 * @param regions Regions of the segmentation; connected ones as a rule.
 * @param options.rule Default: `"all"`.
 * @returns `C×H×W` bytes, 255 in regions that are kept.
 * @throws {TypeError} `rough` or `regions.map` is not of the size given.
 * @throws {RangeError} A size is out of range.
 */
export function fitToRegions(
  rough: Uint8Array,
  classes: number,
  regions: Regions,
  width: number,
  height: number,
  { rule = "all" }: { readonly rule?: RegionRule } = {},
): Uint8Array {
  checkPlanes(rough, classes, width, height, "the rough CAM", "fit to regions");
  checkPlanes(regions.map, 1, width, height, "the region map", "fit to regions");
  const { map, count } = regions;
  const fitted = new Uint8Array(rough.length);
  const kept = new Uint8Array(count);
  const balance = new Int32Array(count);
  for (let start = 0; start < rough.length; start += map.length) {
    if (rule === "all") {
      kept.fill(255);
      for (let p = 0; p < map.length; p++) if (rough[start + p] === 0) kept[map[p]!] = 0;
    } else {
      balance.fill(0);
      for (let p = 0; p < map.length; p++) balance[map[p]!]! += rough[start + p] === 0 ? -1 : 1;
      for (let r = 0; r < count; r++) kept[r] = balance[r]! > 0 ? 255 : 0;
    }
    for (let p = 0; p < map.length; p++) fitted[start + p] = kept[map[p]!]!;
  }
  return fitted;
}

/**
 * The same by the published method: the picture of the regions is stretched to 255, and for every
 * class flooded with black from each pixel outside the rough CAM.
 *
 * @param rough `C×H×W` bytes, nonzero inside.
 * @param classes C.
 * @param picture `H×W×3` bytes, every region in a colour; not modified.
 * @returns `C×H×W` bytes, 255 where the picture is left.
 * @throws {TypeError} `rough` or `picture` is not of the size given.
 * @throws {RangeError} A size is out of range.
 */
export function fitToPicture(
  rough: Uint8Array,
  classes: number,
  picture: Uint8Array,
  width: number,
  height: number,
): Uint8Array {
  checkPlanes(rough, classes, width, height, "the rough CAM", "fit to a picture");
  checkPlanes(picture, 3, width, height, "the picture", "fit to a picture");
  const stretched = stretchPicture(picture);
  const fitted = new Uint8Array(rough.length);
  const pixels = width * height;
  for (let start = 0; start < rough.length; start += pixels) {
    const keep = rough.subarray(start, start + pixels);
    const out = fitted.subarray(start, start + pixels);
    eraseByFloodFill(stretched, keep, width, height, { out });
  }
  return fitted;
}

/**
 * Adds the perimeters to fitted masks, in place; the SLIC branch then cuts them down to the rough CAM.
 *
 * @param fitted `C×H×W` bytes; overwritten with the masks, 0 or 255.
 * @param rough `C×H×W` bytes, nonzero inside.
 * @param edge `H×W` bytes, the perimeter map.
 * @param branch Whose rules hold.
 * @returns `fitted`.
 * @throws {TypeError} The planes do not fit each other.
 */
export function addPerimeter(
  fitted: Uint8Array,
  rough: Uint8Array,
  edge: Uint8Array,
  branch: PerimeterBranch,
): Uint8Array {
  if (fitted.length !== rough.length || edge.length === 0 || rough.length % edge.length !== 0) {
    throw new TypeError(
      `Cannot add a perimeter of ${edge.length} pixels to masks of ${fitted.length} and a rough ` +
        `CAM of ${rough.length}`,
    );
  }
  const { edgeAbove, withinRough } = BRANCHES[branch];
  for (let start = 0; start < fitted.length; start += edge.length) {
    for (let p = 0; p < edge.length; p++) {
      const i = start + p;
      if (edge[p]! > edgeAbove) fitted[i] = 255;
      if (withinRough && rough[i] === 0) fitted[i] = 0;
    }
  }
  return fitted;
}

/** What a segmentation hands to {@link perimeterFit}: regions for the default, a picture as published. */
export type PerimeterShape = { readonly regions: Regions } | { readonly picture: Uint8Array };

/** Options of {@link perimeterFit}. */
export interface PerimeterFitOptions {
  /** Which regions stay; only for regions, a picture knows but the published rule. Default: `"all"`. */
  readonly rule?: RegionRule;
}

/**
 * PerimeterFit of one branch: rough CAM, fit, perimeter.
 *
 * @param cam `C×H×W`, the high-resolution CAM.
 * @param classes C.
 * @param shape The segmentation.
 * @param edge `H×W` bytes, its perimeter map.
 * @param branch Whose rules hold.
 * @returns `C×H×W` bytes, 0 or 255.
 * @throws {TypeError} An array is not of the size given.
 * @throws {RangeError} A size is out of range.
 */
export function perimeterFit(
  cam: Float32Array,
  classes: number,
  shape: PerimeterShape,
  edge: Uint8Array,
  width: number,
  height: number,
  branch: PerimeterBranch,
  options: PerimeterFitOptions = {},
): Uint8Array {
  checkPlanes(cam, classes, width, height, "the CAM", "fit perimeters");
  checkPlanes(edge, 1, width, height, "the perimeter map", "fit perimeters");
  const rough = roughCam(cam, BRANCHES[branch].roughAbove);
  const fitted = "regions" in shape
    ? fitToRegions(rough, classes, shape.regions, width, height, options)
    : fitToPicture(rough, classes, shape.picture, width, height);
  return addPerimeter(fitted, rough, edge, branch);
}
