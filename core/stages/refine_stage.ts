/** The stage `refine`: the whole chain, with the result of every step of it. */

import { encodeMaskFile } from "../formats/mask_files.ts";
import { encodeScorePictures } from "../formats/score_pictures.ts";
import {
  type ColourMap,
  colourMapPalette,
  drawOverlay,
  encodeMaskPng,
  encodeRgbPng,
} from "../image/mod.ts";
import { encodeNpz, type NpyArray } from "../npz.ts";
import type { Mask, Planes, Raster } from "../raster.ts";
import { modelLegend } from "../runtime/legend.ts";
import { type CamSummary, keysArray, planesArray, summarizeCam } from "./cam_stage.ts";
import { checkFileOptions, type FileOptions } from "./file_formats.ts";
import { drawHeat, encodeHeatPng, strongest } from "./heat.ts";
import { paintLabels } from "./perimeter.ts";
import {
  drawPerimeters,
  encodePerimeterPng,
  perimeterArrays,
  type PerimeterBranchSummary,
  summarizePerimeters,
} from "./perimeter_stage.ts";
import { checkRefineOptions, refineImage, type Refinement, type RefineOptions } from "./refine.ts";
import type { EdgeKind, FitRule, RefineResult } from "./refine_choices.ts";
import { describeMask, type SegmentedClass } from "./segment.ts";
import type { Stage } from "./stage.ts";
import { checkHeavyPixels } from "./working_size.ts";

/** Options of the stage `refine`. */
export interface RefineStageOptions extends RefineOptions, FileOptions {}

/** What there is to tell about a refinement in a few lines of JSON. */
export interface RefineSummary extends CamSummary {
  /** The classes in the image, with what the mask shows of them. */
  readonly classes: readonly SegmentedClass[];
  readonly fit: FitRule;
  readonly walk: boolean;
  /** Whose edges the walk respected, if there was one. */
  readonly edge?: EdgeKind;
  readonly crf: boolean;
  /** Value of the refined CAM that foreground exceeds. */
  readonly threshold: number;
  readonly detector: string;
  /** What each method found, at the working size. */
  readonly perimeters: readonly PerimeterBranchSummary[];
}

/**
 * Files: `png` and `overlay` show what the option `result` names; `mask` is of the image's full size, all
 * else of the working size. `cam`, `combined`: the strongest map as grey or heat, `combined` relative to
 * its largest value. `slic`, `quickshift`: the labels of the regions, in colours. `perimeter`: as the
 * stage `perimeter`. `fit`: where the masks of all segmentations keep the class that is strongest there,
 * in the model's colours, or of rules without masks the same as `combined` before a walk.
 *
 * `npz`: `keys`, `scores`, `cam`, `hr_cam`; the arrays of the stage `perimeter`, names with the method
 * before them; `slic_mask` and `quickshift_mask`, `K×H×W`, of rules that make them; `combined_cam`,
 * `combined_hr_cam`; `walked`, if there was a walk, and `edges`, `⌈H/4⌉×⌈W/4⌉`, if they are AffinityNet's;
 * `mask`, of the full size.
 *
 * `coco` and `geojson`: the mask's classes. `scores`: the refined maps, after the walk if there was one, as
 * pictures, relative to the largest value where that is above 1.
 */
export const refineStage: Stage<RefineStageOptions, Refinement, RefineSummary> = {
  check(options, models) {
    checkRefineOptions(options, models);
    checkFileOptions(options);
  },
  compute(image, options, models, checkpoint) {
    checkHeavyPixels(image, options.workingSize, "training");
    return refineImage(image, models, options, checkpoint);
  },
  summarize({ cam, perimeters, fit, walked, edges, crf, threshold, mask }, models) {
    const { detector, results } = summarizePerimeters(perimeters);
    return {
      ...summarizeCam(cam, models),
      classes: describeMask(mask, cam, modelLegend(models.classifier.info)),
      fit,
      walk: walked !== undefined,
      ...(walked && { edge: edges === undefined ? "perimeter" : "model" }),
      crf,
      threshold,
      detector,
      perimeters: results,
    };
  },
  encode(format, refinement, { image, options, models, checkpoint }) {
    const { cam, mask } = refinement;
    const { colormap } = options;
    const legend = modelLegend(models.classifier.info);
    const { palette } = legend;
    switch (format) {
      case "png":
        return encodePicture(refinement, palette, colormap);
      case "overlay":
        return encodeRgbPng(drawPicture(refinement, image, palette, colormap));
      case "npz":
        return encodeNpz(refinementArrays(refinement));
      case "scores": {
        const { classes, width, height } = summarizeCam(cam, models);
        const scores = { maps: mapsOf(refinement, "combined"), classes, width, height };
        return encodeScorePictures(scores, colourMapPalette(colormap ?? "grey"), checkpoint);
      }
      default:
        return encodeMaskFile(format, mask, describeMask(mask, cam, legend), legend, options);
    }
  },
};

/** @param palette Colours of masks. */
function encodePicture(
  refinement: Refinement,
  palette: Uint8Array,
  colormap?: ColourMap,
): Uint8Array {
  const { perimeters, result } = refinement;
  switch (result) {
    case "slic":
    case "quickshift":
      return encodeMaskPng(branchOf(refinement, result).labels, regionPalette());
    case "perimeter":
      return encodePerimeterPng(perimeters.branches);
    case "mask":
      return encodeMaskPng(refinement.mask, palette);
    default: {
      const kept = result === "fit" ? keptClasses(refinement) : null;
      return kept
        ? encodeMaskPng(kept, palette)
        : encodeHeatPng(heatOf(refinement, result), colormap);
    }
  }
}

/** @param palette Colours of masks. */
function drawPicture(
  refinement: Refinement,
  photo: Raster,
  palette: Uint8Array,
  colormap?: ColourMap,
): Raster {
  const { image, perimeters, result } = refinement;
  switch (result) {
    case "slic":
    case "quickshift":
      return drawPerimeters(image, [branchOf(refinement, result)]);
    case "perimeter":
      return drawPerimeters(image, perimeters.branches);
    case "mask":
      return drawOverlay(photo, refinement.mask, { palette });
    default: {
      const kept = result === "fit" ? keptClasses(refinement) : null;
      if (kept) return drawOverlay(image, kept, { palette });
      return drawHeat(image, heatOf(refinement, result), colormap);
    }
  }
}

function branchOf({ perimeters }: Refinement, method: RefineResult) {
  // The options were refused if there were none.
  return perimeters.branches.find((branch) => branch.method === method)!;
}

/** Colours of the labels 0..31, as pictures of regions have them. */
function regionPalette(): Uint8Array {
  const palette = new Uint8Array(768);
  const all = Uint8Array.from({ length: 256 }, (_, label) => label);
  palette.set(paintLabels(all, 256, 1).data);
  return palette;
}

/** The strongest of the maps. */
function heatOf(refinement: Refinement, result: RefineResult): Mask {
  const { width, height } = refinement.image;
  return strongest({ width, height, hrCam: mapsOf(refinement, result) });
}

/** The maps of a step, relative to the largest value where values go beyond 1. */
function mapsOf({ cam, fitted, walked }: Refinement, result: RefineResult): Planes {
  const maps: Planes = result === "cam"
    ? cam.hrCam
    : result === "fit" || walked === undefined
    ? fitted.hrCam
    : walked;
  const largest = maps.data.reduce((most, value) => Math.max(most, value), 1);
  return { ...maps, data: maps.data.map((value) => value / largest) };
}

/** At each pixel the strongest class of those that all masks keep; `null` without masks. */
function keptClasses({ image, cam, fitted }: Refinement): Mask | null {
  const masks = Object.values(fitted.masks ?? {});
  if (masks.length === 0) return null;
  const { width, height } = image;
  const pixels = width * height;
  const data = new Uint8Array(pixels);
  const best = new Float32Array(pixels).fill(-1);
  cam.keys.slice(1).forEach((key, k) => {
    for (let p = 0, i = k * pixels; p < pixels; p++, i++) {
      const value = cam.hrCam.data[i]!;
      if (value <= best[p]! || masks.some((mask) => mask[i] === 0)) continue;
      best[p] = value;
      data[p] = key;
    }
  });
  return { width, height, data };
}

function refinementArrays(
  { cam, perimeters, fitted, walked, edges, mask }: Refinement,
): Record<string, NpyArray> {
  const { channels, height, width } = cam.hrCam;
  const arrays: Record<string, NpyArray> = {
    keys: keysArray(cam),
    scores: { shape: [cam.scores.length], data: cam.scores },
    cam: planesArray(cam.cam),
    hr_cam: planesArray(cam.hrCam),
    ...perimeterArrays(perimeters.branches, true),
  };
  for (const [method, data] of Object.entries(fitted.masks ?? {})) {
    arrays[`${method}_mask`] = { shape: [channels, height, width], data };
  }
  arrays.combined_cam = planesArray(fitted.cam);
  arrays.combined_hr_cam = planesArray(fitted.hrCam);
  if (walked) arrays.walked = planesArray(walked);
  if (edges) arrays.edges = { shape: [edges.height, edges.width], data: edges.data };
  arrays.mask = { shape: [mask.height, mask.width], data: mask.data };
  return arrays;
}
