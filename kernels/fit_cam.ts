/**
 * Refining a CAM by the perimeters of two unsupervised segmentations: one call for every rule.
 *
 * - `reference`: the published rule on pictures of the segmentations, then Combine.
 * - `all`: the same on regions. One pixel of zero CAM erases its whole region.
 * - `majority`: a region stays when more than half of its pixels are in the rough CAM; then Combine.
 * - `region-mean`: the CAM's mean over each region, averaged over both segmentations.
 * - `half`: half of that and half of the CAM.
 */

import { combineCam } from "./combine_cam.ts";
import type { Regions } from "./connected_regions.ts";
import { type PerimeterBranch, perimeterFit } from "./perimeter_fit.ts";
import { regionMeanCam } from "./region_cam.ts";

/** All rules, for menus and checks. */
export const FIT_RULES = ["reference", "all", "majority", "region-mean", "half"] as const;

/** How a CAM is refined. */
export type FitRule = typeof FIT_RULES[number];

/** One unsupervised segmentation. */
export interface Segmentation {
  /** Its regions; needed by all rules but `reference`. */
  readonly regions?: Regions;
  /** `H×W×3` bytes, a picture of it; needed by `reference`. */
  readonly picture?: Uint8Array;
  /** `H×W` bytes, its perimeter map; needed by the rules that make masks. */
  readonly edge?: Uint8Array;
}

/** A refined CAM, and the masks it was made by where the rule makes any. */
export interface FittedCam {
  /** `C×H×W`; at most twice the CAM. */
  readonly cam: Float32Array;
  /** `C×H×W` bytes each, 0 or 255; to combine the stride-4 CAM with. */
  readonly masks?: Readonly<Record<PerimeterBranch, Uint8Array>>;
}

/**
 * Refines a CAM.
 *
 * @param cam `C×H×W`, in the image's size; not modified.
 * @param classes C.
 * @param segmentations By the superpixels they were made from.
 * @param rule One of {@link FIT_RULES}.
 * @throws {TypeError} An array is missing or not of the size given.
 * @throws {RangeError} A size is out of range, or there is no such rule.
 */
export function fitCam(
  cam: Float32Array,
  classes: number,
  width: number,
  height: number,
  segmentations: Readonly<Record<PerimeterBranch, Segmentation>>,
  rule: FitRule,
): FittedCam {
  const need = <K extends keyof Segmentation>(branch: PerimeterBranch, part: K) => {
    const value = segmentations[branch][part];
    if (value === undefined) {
      throw new TypeError(`Cannot fit by rule ${rule}: the ${branch} segmentation has no ${part}`);
    }
    return value;
  };
  if (rule === "region-mean" || rule === "half") {
    const divisions = [need("slic", "regions"), need("quickshift", "regions")];
    const share = rule === "half" ? 0.5 : 1;
    return { cam: regionMeanCam(cam, classes, width, height, divisions, { share }) };
  }
  if (!FIT_RULES.includes(rule)) {
    throw new RangeError(`There is no fit rule ${rule}; there are ${FIT_RULES.join(", ")}`);
  }
  const fit = (branch: PerimeterBranch) => {
    const shape = rule === "reference"
      ? { picture: need(branch, "picture") }
      : { regions: need(branch, "regions") };
    const edge = need(branch, "edge");
    const regionRule = rule === "majority" ? "majority" : "all";
    const options = { rule: regionRule } as const;
    return perimeterFit(cam, classes, shape, edge, width, height, branch, options);
  };
  const masks = { slic: fit("slic"), quickshift: fit("quickshift") };
  const refined = combineCam(cam, classes, width, height, masks.slic, masks.quickshift);
  return { cam: refined, masks };
}
