/** The stage `segment`: one class per pixel, as palette pictures and arrays. */

import { OptionError } from "../errors.ts";
import { encodeMaskFile } from "../formats/mask_files.ts";
import { encodeScorePictures } from "../formats/score_pictures.ts";
import { colourMapPalette, drawOverlay, encodeMaskPng, encodeRgbPng } from "../image/mod.ts";
import { encodeNpz } from "../npz.ts";
import type { Mask, Planes } from "../raster.ts";
import { type Legend, modelLegend } from "../runtime/legend.ts";
import { type Cam, checkCamOptions, computeCam } from "./cam.ts";
import { type CamSummary, keysArray, planesArray } from "./cam_stage.ts";
import { checkFileOptions, type FileOptions } from "./file_formats.ts";
import { checkRefineOptions, refineImage, type RefineOptions } from "./refine.ts";
import { SEGMENT_MODES, type SegmentMode } from "./refine_choices.ts";
import {
  checkSegmentOptions,
  DEFAULT_MIN_AREA,
  describeMask,
  segmentCam,
  type SegmentedClass,
} from "./segment.ts";
import {
  checkSegmentImageOptions,
  requireSegmenter,
  segmentImage,
  type SegmentImageOptions,
} from "./segmentation.ts";
import { refuseFormat, type Stage, type StageModels } from "./stage.ts";
import { checkHeavyPixels } from "./working_size.ts";

/**
 * Options of the stage `segment`; those of refinement count in the mode `pipeline` alone, and the mode
 * `fast` has no threshold.
 */
export interface SegmentStageOptions extends RefineOptions, FileOptions {
  /**
   * `fast`: a segmentation network is asked; `cam`: the CAM is cut as it is; `pipeline`: it is refined
   * first, which takes seconds. Default: `"fast"` where there is such a network, else `"cam"`; `"cam"`
   * also where a CAM model is named and no segmentation network.
   */
  mode?: SegmentMode;
}

/** A segmentation, and what it was made from. */
export interface Segmentation {
  readonly mode: SegmentMode;
  /** At the image's full size. */
  readonly mask: Mask;
  /** `[0, c1, c2, …]`: background, then the classes in the image, 1-based, ascending. */
  readonly keys: readonly number[];
  /**
   * Of every class the model knows: the classifier's sigmoid score, or in the mode `fast` the highest
   * probability anywhere in the image.
   */
  readonly scores: Float32Array;
  /** The scales used. */
  readonly scales: readonly number[];
  /** Size at which networks saw the image at scale 1. */
  readonly workingWidth: number;
  readonly workingHeight: number;
  /**
   * In the mode `fast`, how probable each of `keys` is, `K×H×W` at the working size, after the CRF if there
   * was one; absent unless files hold it.
   */
  readonly probabilities?: Planes;
  /** The maps it was cut from; absent in the mode `fast`. */
  readonly cam?: Cam;
}

/** What there is to tell about a segmentation in a few lines of JSON. */
export interface SegmentSummary extends CamSummary {
  readonly mode: SegmentMode;
  /** The classes in the image, with what the mask shows of them. */
  readonly classes: readonly SegmentedClass[];
}

/**
 * Files: `png`, the mask in the model's colours; `overlay`, its colours over the photo; `npz`, `keys`,
 * `mask`, `scores` and, of the mode `fast`, `probabilities`; `coco` and `geojson`, the mask's classes;
 * `scores`, as pictures, of the mode `cam` the maps that the mask was cut from, of `fast` the probabilities
 * of its classes.
 */
export const segmentStage: Stage<SegmentStageOptions, Segmentation, SegmentSummary> = {
  check(options, models) {
    checkFileOptions(options);
    const mode = modeOf(options, models);
    if (!SEGMENT_MODES.includes(mode)) {
      throw new OptionError(`mode must be one of ${SEGMENT_MODES.join(", ")}, got ${mode}`);
    }
    if (mode === "fast") {
      return checkSegmentImageOptions(options, requireSegmenter(models.segmenter).info);
    }
    if (mode === "pipeline") return checkRefineOptions(options, models);
    checkCamOptions(options, models.classifier.info);
    checkSegmentOptions(options);
  },
  async compute(image, options, models, checkpoint, files = []) {
    const mode = modeOf(options, models);
    if (mode === "fast") {
      const segmenter = requireSegmenter(models.segmenter);
      if (options.crf ?? segmenter.info.crf) {
        checkHeavyPixels(image, options.workingSize, "the CRF");
      }
      const probabilities = files.includes("npz") || files.includes("scores");
      const asked = { ...fastOptions(options), probabilities };
      return { mode, ...await segmentImage(image, segmenter, asked, checkpoint) };
    }
    if (mode === "pipeline") {
      checkHeavyPixels(image, options.workingSize, "training");
      const { cam, mask } = await refineImage(image, models, options, checkpoint);
      return { mode, mask, ...partsOf(cam) };
    }
    const { classifier } = models;
    const cam = await computeCam(image, classifier, options, checkpoint);
    return { mode, mask: segmentCam(cam, classifier.info.threshold, options), ...partsOf(cam) };
  },
  summarize(result, models) {
    const { mode, mask, scales, scores, workingWidth, workingHeight } = result;
    const { names } = legendOf(mode, models);
    return {
      mode,
      width: mask.width,
      height: mask.height,
      workingWidth,
      workingHeight,
      scales,
      classes: describeClasses(result, models),
      scores: Object.fromEntries(names.map((name, i) => [name, scores[i]!])),
    };
  },
  encode(format, result, { image, options, models, checkpoint }) {
    const { mask, keys, scores, probabilities } = result;
    const legend = legendOf(result.mode, models);
    const { palette } = legend;
    switch (format) {
      case "png":
        return encodeMaskPng(mask, palette);
      case "overlay":
        return encodeRgbPng(drawOverlay(image, mask, { palette }));
      case "npz":
        return encodeNpz({
          keys: keysArray({ keys }),
          mask: { shape: [mask.height, mask.width], data: mask.data },
          scores: { shape: [scores.length], data: scores },
          ...(probabilities && { probabilities: planesArray(probabilities) }),
        });
      case "scores": {
        const maps = softScores(result);
        if (maps === undefined) return refuseFormat(format, `a mask of mode ${result.mode}`);
        const classes = describeClasses(result, models);
        const { width, height } = mask;
        const levels = colourMapPalette(options.colormap ?? "grey");
        return encodeScorePictures({ maps, classes, width, height }, levels, checkpoint);
      }
      default:
        return encodeMaskFile(format, mask, describeClasses(result, models), legend, options);
    }
  },
};

/** The legend of a mode's masks. */
function legendOf(mode: SegmentMode, { classifier, segmenter }: StageModels): Legend {
  return modelLegend(mode === "fast" ? segmenter!.info : classifier.info);
}

/** A map for each class but background, if the result has them. */
function softScores({ mode, cam, probabilities }: Segmentation): Planes | undefined {
  if (mode === "cam") return cam!.hrCam;
  if (probabilities === undefined) return undefined;
  const { width, height, channels, data } = probabilities;
  return { width, height, channels: channels - 1, data: data.subarray(width * height) };
}

function describeClasses(result: Segmentation, models: StageModels): SegmentedClass[] {
  return describeMask(result.mask, result, legendOf(result.mode, models));
}

/** The mode asked for, or the one that suits the models. */
function modeOf({ mode }: SegmentStageOptions, models: StageModels): SegmentMode {
  return mode ?? (models.segmenterFirst ? "fast" : "cam");
}

/** Only what concerns the network. */
function fastOptions(
  { labels, scales, mirror, crf, workingSize, minArea = DEFAULT_MIN_AREA }: SegmentStageOptions,
): SegmentImageOptions {
  return { labels, scales, mirror, crf, workingSize, minArea };
}

/** What the other modes tell of the CAM. */
function partsOf(cam: Cam): Omit<Segmentation, "mode" | "mask"> {
  const { keys, scores, scales, hrCam } = cam;
  return { cam, keys, scores, scales, workingWidth: hrCam.width, workingHeight: hrCam.height };
}
