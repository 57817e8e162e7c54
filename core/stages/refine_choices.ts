/** What can be chosen of refinement, apart from the code that does it. */

export { FIT_RULES, type FitRule } from "../../kernels/fit_cam.ts";

/**
 * What a picture of a refinement can show: the CAM it began with; the regions by SLIC's and by quickshift's
 * superpixels; their perimeters; what the fit rule took from them; the refined CAM, after the walk
 * if there was one; the mask.
 */
export const REFINE_RESULTS = [
  "cam",
  "slic",
  "quickshift",
  "perimeter",
  "fit",
  "combined",
  "mask",
] as const;
export type RefineResult = typeof REFINE_RESULTS[number];

/** What a random walk takes for edges: AffinityNet's, or the perimeters of unsupervised segmentations. */
export const EDGE_KINDS = ["model", "perimeter"] as const;
export type EdgeKind = typeof EDGE_KINDS[number];

/**
 * How a photo is segmented: by a segmentation network, by its CAM alone, or by the whole chain to its end.
 */
export const SEGMENT_MODES = ["fast", "cam", "pipeline"] as const;
export type SegmentMode = typeof SEGMENT_MODES[number];
