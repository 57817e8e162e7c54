/** The stage `segment`: one class per pixel, as palette pictures and arrays. */

import { OptionError } from "../errors.ts";
import { drawOverlay, encodeMaskPng, encodeRgbPng } from "../image/mod.ts";
import { encodeNpz } from "../npz.ts";
import type { Mask } from "../raster.ts";
import { type Cam, checkCamOptions, computeCam } from "./cam.ts";
import { type CamSummary, keysArray, summarizeCam } from "./cam_stage.ts";
import { checkRefineOptions, refineImage, type RefineOptions } from "./refine.ts";
import { SEGMENT_MODES, type SegmentMode } from "./refine_choices.ts";
import { checkSegmentOptions, describeMask, segmentCam, type SegmentedClass } from "./segment.ts";
import type { Stage } from "./stage.ts";

/** Options of the stage `segment`; those of refinement count in the mode `pipeline` alone. */
export interface SegmentStageOptions extends RefineOptions {
  /** `cam`: the CAM is cut as it is; `pipeline`: it is refined first, which takes seconds. Default: `"cam"`. */
  mode?: SegmentMode;
}

/** A segmentation and the maps it was cut from. */
export interface Segmentation {
  /** At the image's full size. */
  readonly mask: Mask;
  readonly cam: Cam;
}

/** What there is to tell about a segmentation in a few lines of JSON. */
export interface SegmentSummary extends CamSummary {
  /** The classes in the image, with what the mask shows of them. */
  readonly classes: readonly SegmentedClass[];
}

/**
 * Files: `png`, the mask in VOC's palette; `overlay`, its colours over the photo; `npz`, `keys`,
 * `mask` and `scores`.
 */
export const segmentStage: Stage<SegmentStageOptions, Segmentation, SegmentSummary> = {
  check(options, { classifier }) {
    const { mode = "cam" } = options;
    if (!SEGMENT_MODES.includes(mode)) {
      throw new OptionError(`mode must be one of ${SEGMENT_MODES.join(", ")}, got ${mode}`);
    }
    if (mode === "pipeline") return checkRefineOptions(options, classifier.info);
    checkCamOptions(options, classifier.info);
    checkSegmentOptions(options);
  },
  async compute(image, options, { classifier, uss }, checkpoint) {
    if (options.mode === "pipeline") {
      const { cam, mask } = await refineImage(image, classifier, uss, options, checkpoint);
      return { cam, mask };
    }
    const cam = await computeCam(image, classifier, options, checkpoint);
    return { cam, mask: segmentCam(cam, classifier.info.threshold, options) };
  },
  summarize: ({ cam, mask }, models) => ({
    ...summarizeCam(cam, models),
    classes: describeMask(mask, cam, models.classifier.info.classes),
  }),
  encode(format, { cam, mask }, image) {
    switch (format) {
      case "png":
        return encodeMaskPng(mask);
      case "overlay":
        return encodeRgbPng(drawOverlay(image, mask));
      case "npz":
        return encodeNpz({
          keys: keysArray(cam),
          mask: { shape: [mask.height, mask.width], data: mask.data },
          scores: { shape: [cam.scores.length], data: cam.scores },
        });
    }
  },
};
