/**
 * Stages as users call them: the bytes of an image in; arrays, a summary and files out.
 *
 * This is what runs inside a worker, so that decoding, inference and encoding all stay away from
 * the thread that answers requests.
 */

import {
  decodeImage,
  drawOverlay,
  encodeMaskPng,
  encodeRgbPng,
  type ImageLimits,
} from "../image/mod.ts";
import { encodeNpz } from "../npz.ts";
import type { Mask, Raster } from "../raster.ts";
import {
  type Cam,
  type CamClassifier,
  type CamOptions,
  type Checkpoint,
  computeCam,
} from "./cam.ts";
import { drawHeat, encodeHeatPng, strongest } from "./heat.ts";
import { describeMask, segmentCam, type SegmentedClass, type SegmentOptions } from "./segment.ts";

/** The stages that take an image. */
export const STAGE_NAMES = ["cam", "segment"] as const;
export type StageName = typeof STAGE_NAMES[number];

/** The kinds of file a stage's result can be written as. */
export const FILE_FORMATS = ["png", "overlay", "npz"] as const;
export type FileFormat = typeof FILE_FORMATS[number];

/** Options of all stages; those of another stage are ignored. */
export interface StageOptions extends CamOptions, SegmentOptions {}

/** A piece of work for a worker. */
export interface StageRequest {
  readonly stage: StageName;
  /** The bytes of an image file. */
  readonly image: Uint8Array;
  readonly options: StageOptions;
  /** Files to make of the result. */
  readonly files: readonly FileFormat[];
  /** Whether the arrays themselves are wanted. */
  readonly arrays: boolean;
  readonly limits: Partial<ImageLimits>;
}

/** What there is to tell about a result in a few lines of JSON. */
export interface StageSummary {
  /** Size of the image, upright. */
  readonly width: number;
  readonly height: number;
  /** Size of the maps, which is reduced for large images. */
  readonly workingWidth: number;
  readonly workingHeight: number;
  readonly scales: readonly number[];
  /** The classes in the image; of a segmentation with what the mask shows of them. */
  readonly classes: readonly (ClassScore | SegmentedClass)[];
  /** Sigmoid score of every class the model knows, by name. */
  readonly scores: Readonly<Record<string, number>>;
}

/** A class that is in the image. */
export interface ClassScore {
  readonly name: string;
  /** 1-based, as in masks. */
  readonly index: number;
  readonly score: number;
}

/** Milliseconds spent in each part of the work. */
export type Timings = Readonly<Record<"decode" | "network" | "encode", number>>;

/** A worker's answer. */
export interface StageResult {
  readonly summary: StageSummary;
  readonly files: Readonly<Partial<Record<FileFormat, Uint8Array>>>;
  /** Only when asked for; the mask is a segmentation's. */
  readonly arrays?: { readonly cam: Cam; readonly mask?: Mask };
  readonly timings: Timings;
}

/**
 * Runs a stage on the bytes of an image.
 *
 * @throws The codec's errors; `OptionError` for options that cannot be served.
 */
export async function renderStage(
  request: StageRequest,
  classifier: CamClassifier,
  checkpoint: Checkpoint = () => {},
): Promise<StageResult> {
  const start = performance.now();
  const image = await decodeImage(request.image, { limits: request.limits });
  checkpoint();
  const decoded = performance.now();
  const cam = await computeCam(image, classifier, request.options, checkpoint);
  const { classes, threshold } = classifier.info;
  const mask = request.stage === "segment"
    ? segmentCam(cam, threshold, request.options)
    : undefined;
  const computed = performance.now();
  const files: Partial<Record<FileFormat, Uint8Array>> = {};
  for (const format of request.files) {
    checkpoint();
    files[format] = mask === undefined
      ? encodeCam(format, cam, image)
      : encodeSegmentation(format, cam, mask, image);
  }
  const encoded = performance.now();
  return {
    summary: {
      width: cam.width,
      height: cam.height,
      workingWidth: cam.hrCam.width,
      workingHeight: cam.hrCam.height,
      scales: cam.scales,
      classes: mask === undefined
        ? cam.keys.slice(1).map((index) => ({
          name: classes[index - 1]!,
          index,
          score: cam.scores[index - 1]!,
        }))
        : describeMask(mask, cam, classes),
      scores: Object.fromEntries(classes.map((name, i) => [name, cam.scores[i]!])),
    },
    files,
    ...(request.arrays ? { arrays: { cam, mask } } : {}),
    timings: { decode: decoded - start, network: computed - decoded, encode: encoded - computed },
  };
}

/** `png`: the strongest map in grey; `overlay`: the same as heat over the photo; `npz`: all maps. */
function encodeCam(format: FileFormat, cam: Cam, image: Raster): Uint8Array {
  switch (format) {
    case "png":
      return encodeHeatPng(strongest(cam));
    case "overlay":
      return encodeRgbPng(drawHeat(image, strongest(cam)));
    case "npz":
      return encodeNpz({
        keys: keysArray(cam),
        cam: { shape: planesShape(cam.cam), data: cam.cam.data },
        hr_cam: { shape: planesShape(cam.hrCam), data: cam.hrCam.data },
        scores: { shape: [cam.scores.length], data: cam.scores },
      });
  }
}

/** `png`: the mask in VOC's palette; `overlay`: its colours over the photo; `npz`: the mask's values. */
function encodeSegmentation(format: FileFormat, cam: Cam, mask: Mask, image: Raster): Uint8Array {
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
}

function keysArray({ keys }: Cam): { shape: number[]; data: BigInt64Array } {
  return { shape: [keys.length], data: BigInt64Array.from(keys, BigInt) };
}

function planesShape({ channels, height, width }: Cam["cam"]): number[] {
  return [channels, height, width];
}
