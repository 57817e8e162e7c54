/**
 * Refining a CAM by the perimeters of two unsupervised segmentations: one call for every rule.
 *
 * - `reference`: the published rule on pictures of the segmentations, then Combine.
 * - `all`: the same on regions. One pixel of zero CAM erases its whole region.
 * - `majority`: a region stays when more than half of its pixels are in the rough CAM; then Combine.
 * - `region-mean`: the CAM's mean over each region, averaged over both segmentations.
 * - `half`: half of that and half of the CAM.
 * - `mean-majority`: `region-mean`, then Combine with the regions that `majority` keeps, without their
 *   perimeters: regions are smooth already, and lines alone would only be noise.
 */

import { combineCam } from "./combine_cam.ts";
import type { Regions } from "./connected_regions.ts";
import {
  BRANCHES,
  fitToRegions,
  type PerimeterBranch,
  perimeterFit,
  roughCam,
} from "./perimeter_fit.ts";
import { regionMeanCam } from "./region_cam.ts";

/** All rules, for menus and checks. */
export const FIT_RULES = [
  "reference",
  "all",
  "majority",
  "region-mean",
  "half",
  "mean-majority",
] as const;

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

/** Masks of the segmentations there are: `C×H×W` bytes each, 0 or 255. */
export type FitMasks = Readonly<Partial<Record<PerimeterBranch, Uint8Array>>>;

/** A refined CAM, and the masks it was made by where the rule makes any. */
export interface FittedCam {
  /** `C×H×W`; at most twice the CAM. */
  readonly cam: Float32Array;
  /** Where the CAM was raised: inside the masks of all segmentations. */
  readonly masks?: FitMasks;
}

/** Whether a rule starts from means over regions, so that the CAM's own outlines are lost. */
export function averagesRegions(rule: FitRule): boolean {
  return rule === "region-mean" || rule === "half" || rule === "mean-majority";
}

/**
 * Refines a CAM.
 *
 * @param cam `C×H×W`, in the image's size; not modified.
 * @param classes C.
 * @param segmentations By the superpixels they were made from; one alone counts for both.
 * @param rule One of {@link FIT_RULES}.
 * @throws {TypeError} An array is missing or not of the size given.
 * @throws {RangeError} A size is out of range, there is no such rule, or no segmentation.
 */
export function fitCam(
  cam: Float32Array,
  classes: number,
  width: number,
  height: number,
  segmentations: Readonly<Partial<Record<PerimeterBranch, Segmentation>>>,
  rule: FitRule,
): FittedCam {
  if (!FIT_RULES.includes(rule)) {
    throw new RangeError(`There is no fit rule ${rule}; there are ${FIT_RULES.join(", ")}`);
  }
  const branches = (Object.keys(BRANCHES) as PerimeterBranch[])
    .filter((branch) => segmentations[branch] !== undefined);
  if (branches.length === 0) throw new RangeError("Cannot fit a CAM without a segmentation");
  const need = <K extends keyof Segmentation>(branch: PerimeterBranch, part: K) => {
    const value = segmentations[branch]![part];
    if (value === undefined) {
      throw new TypeError(`Cannot fit by rule ${rule}: the ${branch} segmentation has no ${part}`);
    }
    return value;
  };
  let base = cam;
  if (averagesRegions(rule)) {
    const divisions = branches.map((branch) => need(branch, "regions"));
    const share = rule === "half" ? 0.5 : 1;
    base = regionMeanCam(cam, classes, width, height, divisions, { share });
    if (rule !== "mean-majority") return { cam: base };
  }
  const masks: Partial<Record<PerimeterBranch, Uint8Array>> = {};
  for (const branch of branches) {
    if (rule === "mean-majority") {
      const rough = roughCam(cam, BRANCHES[branch].roughAbove);
      const regions = need(branch, "regions");
      const options = { rule: "majority" } as const;
      masks[branch] = fitToRegions(rough, classes, regions, width, height, options);
      continue;
    }
    const shape = rule === "reference"
      ? { picture: need(branch, "picture") }
      : { regions: need(branch, "regions") };
    const options = { rule: rule === "majority" ? "majority" : "all" } as const;
    const edge = need(branch, "edge");
    masks[branch] = perimeterFit(cam, classes, shape, edge, width, height, branch, options);
  }
  const slic = masks.slic ?? masks.quickshift!;
  const quickshift = masks.quickshift ?? slic;
  return { cam: combineCam(base, classes, width, height, slic, quickshift), masks };
}
