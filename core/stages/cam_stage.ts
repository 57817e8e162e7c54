/** The stage `cam`: class activation maps, as heat pictures and arrays. */

import { encodeScorePictures } from "../formats/score_pictures.ts";
import { colourMapPalette, encodeRgbPng } from "../image/mod.ts";
import { encodeNpz, type NpyArray } from "../npz.ts";
import { colorOf, modelLegend } from "../runtime/legend.ts";
import type { Rgb } from "../runtime/models.ts";
import { type Cam, type CamOptions, checkCamOptions, computeCam } from "./cam.ts";
import { checkFileOptions, type FileOptions } from "./file_formats.ts";
import { drawHeat, encodeHeatPng, strongest } from "./heat.ts";
import { refuseFormat, type Stage, type StageModels } from "./stage.ts";

/** A class that is in the image. */
export interface ClassScore {
  readonly name: string;
  /** 1-based, as in masks. */
  readonly index: number;
  /** Its colour in pictures of masks. */
  readonly color: Rgb;
  /** The classifier's sigmoid score, 0..1. */
  readonly score: number;
}

/** What there is to tell about class activation maps in a few lines of JSON. */
export interface CamSummary {
  /** Size of the image, upright. */
  readonly width: number;
  readonly height: number;
  /** Size of the maps, which is reduced for large images. */
  readonly workingWidth: number;
  readonly workingHeight: number;
  readonly scales: readonly number[];
  /** The classes in the image. */
  readonly classes: readonly ClassScore[];
  /** Sigmoid score of every class the model knows, by name. */
  readonly scores: Readonly<Record<string, number>>;
}

/** Options of the stage `cam`. */
export interface CamStageOptions extends CamOptions, FileOptions {}

/**
 * Files: `png`, the strongest map in grey; `overlay`, the same as heat over the photo; `npz`, `keys`,
 * `cam`, `hr_cam` and `scores`; `scores`, each map as a picture.
 */
export const camStage: Stage<CamStageOptions, Cam, CamSummary> = {
  check(options, { classifier }) {
    checkCamOptions(options, classifier.info);
    checkFileOptions(options);
  },
  compute: (image, options, { classifier }, checkpoint) =>
    computeCam(image, classifier, options, checkpoint),
  summarize: summarizeCam,
  encode(format, cam, { image, options: { colormap }, models, checkpoint }) {
    switch (format) {
      case "png":
        return encodeHeatPng(strongest(cam), colormap);
      case "overlay":
        return encodeRgbPng(drawHeat(image, strongest(cam), colormap));
      case "npz":
        return encodeNpz({
          keys: keysArray(cam),
          cam: planesArray(cam.cam),
          hr_cam: planesArray(cam.hrCam),
          scores: { shape: [cam.scores.length], data: cam.scores },
        });
      case "scores": {
        const { classes } = summarizeCam(cam, models);
        const scores = { maps: cam.hrCam, classes, width: cam.width, height: cam.height };
        return encodeScorePictures(scores, colourMapPalette(colormap ?? "grey"), checkpoint);
      }
      default:
        return refuseFormat(format, "maps without a mask");
    }
  },
};

/** See {@linkcode CamSummary}. */
export function summarizeCam(cam: Cam, { classifier }: StageModels): CamSummary {
  const { names, palette } = modelLegend(classifier.info);
  return {
    width: cam.width,
    height: cam.height,
    workingWidth: cam.hrCam.width,
    workingHeight: cam.hrCam.height,
    scales: cam.scales,
    classes: cam.keys.slice(1).map((index) => ({
      name: names[index - 1]!,
      index,
      color: colorOf(palette, index),
      score: cam.scores[index - 1]!,
    })),
    scores: Object.fromEntries(names.map((name, i) => [name, cam.scores[i]!])),
  };
}

/** The keys as numpy's default integers. */
export function keysArray({ keys }: Pick<Cam, "keys">): NpyArray {
  return { shape: [keys.length], data: BigInt64Array.from(keys, BigInt) };
}

/** Maps as an array `K×H×W`. */
export function planesArray({ channels, height, width, data }: Cam["cam"]): NpyArray {
  return { shape: [channels, height, width], data };
}
