/**
 * Perimeters: an image's regions as an unsupervised network finds them, and the lines between them.
 *
 * Superpixels, then a small network trained on this one image (`uss.ts`), then edges: the exact
 * boundaries between labels, or Canny's detector on a picture of them as in the published code.
 */

import { OptionError } from "../errors.ts";
import type { LabelMap, Mask, Raster } from "../raster.ts";
import { labelBoundaries } from "../../kernels/boundaries.ts";
import { canny } from "../../kernels/canny.ts";
import { connectedRegions } from "../../kernels/connected_regions.ts";
import { enlargeRegions } from "../../kernels/enlarge_regions.ts";
import { gaussianBlur3x3 } from "../../kernels/gaussian_blur.ts";
import { rgbToGray } from "../../kernels/gray.ts";
import { quickshift } from "../../kernels/quickshift.ts";
import { rankLabels } from "../../kernels/rank_labels.ts";
import { regionColors } from "../../kernels/region_colors.ts";
import { removeSpecks } from "../../kernels/remove_specks.ts";
import { resizeImage } from "../../kernels/resize_image.ts";
import { slic } from "../../kernels/slic.ts";
import { swapRedAndBlue } from "../../kernels/swap_red_and_blue.ts";
import {
  type Detector,
  DETECTORS,
  METHOD_CHOICES,
  type MethodChoice,
  PERIMETER_METHODS,
  type PerimeterMethod,
} from "./perimeter_choices.ts";
import type { Checkpoint } from "./stage.ts";
import type { UssSegmenter } from "./uss.ts";
import { checkUssOptions, type UssOptions } from "./uss_options.ts";
import { checkWorkingSize, workingSize } from "./working_size.ts";

/** Options of {@linkcode findPerimeters}. */
export interface PerimeterOptions extends UssOptions {
  /** Superpixels by SLIC or quickshift; `both` gives a result for each. Default: `"slic"`. */
  method?: MethodChoice;
  /** Default: `"boundary"`. */
  detector?: Detector;
  /**
   * The edges the published code finds: detector `canny`, and the picture it finds them in as a
   * part of the result. Default: `false`.
   */
  reference?: boolean;
  /**
   * Images with a longer long side are reduced to this many pixels, 16..768, for superpixels and
   * training, and their regions brought back to full size; the stage takes no more than 331 776 in all,
   * as 768×432 or 576×576 are. Default: 512.
   */
  workingSize?: number;
}

/** What one method found. All maps are of the image's full size. */
export interface PerimeterBranch {
  readonly method: PerimeterMethod;
  /** Labels 0..31, numbers of the network's outputs; they say what belongs together, not what it is. */
  readonly labels: Mask;
  /** Superpixels, from 0 up without gaps. */
  readonly superpixels: LabelMap;
  /** 255 on perimeters, 0 elsewhere. */
  readonly perimeter: Mask;
  /** 4-connected regions of equal labels. */
  readonly regions: number;
  /** Different labels in each iteration of the training. */
  readonly distinct: readonly number[];
  /** The loss in each iteration. */
  readonly losses: readonly number[];
  /** With `reference`: the picture of the labels that the edges were found in. */
  readonly picture?: Raster;
}

/** The perimeters of one image. */
export interface Perimeters {
  /** Size of the image and of all maps. */
  readonly width: number;
  readonly height: number;
  /** Size at which superpixels were made and the network was trained. */
  readonly workingWidth: number;
  readonly workingHeight: number;
  readonly detector: Detector;
  /** One for each method asked for, SLIC first. */
  readonly branches: readonly PerimeterBranch[];
}

/** Greatest working size; requests are limited to fewer pixels (`checkHeavyPixels()`). */
const MAX_WORKING_SIZE = 768;
const PICTURE_THRESHOLDS = { low: 1, high: 50 };
const PHOTO_THRESHOLDS = { low: 100, high: 200 };

/**
 * Finds the regions of a photograph and the perimeters between them.
 *
 * Images above the working size: superpixels and labels are found in the reduced image, superpixels
 * enlarged along the full image's own edges (`enlarge_regions.ts`), every pixel gets the label of its
 * superpixel, and regions of labels smaller than a reduced pixel, which only noise makes, are taken
 * away.
 *
 * @param checkpoint Told of every part done: `superpixels`, `training`, `enlarging`, `edges`.
 * @throws {OptionError} An option cannot be served.
 */
export async function findPerimeters(
  image: Raster,
  uss: Pick<UssSegmenter, "segment">,
  options: PerimeterOptions = {},
  checkpoint: Checkpoint = () => {},
): Promise<Perimeters> {
  checkPerimeterOptions(options);
  const { method = "slic", reference = false, workingSize: longSide, ...rest } = options;
  const { detector = reference ? "canny" : "boundary", ...ussOptions } = rest;
  const { width, height } = image;
  const work = reduce(image, longSide);
  // SILOP's superpixels and network see B, G, R.
  const bgr = swapRedAndBlue(work.data);

  const branches: PerimeterBranch[] = [];
  for (const each of method === "both" ? PERIMETER_METHODS : [method]) {
    const found = superpixelsOf(each, bgr, work.width, work.height);
    checkpoint("superpixels");
    const { labels: small, distinct, losses } = await uss.segment(
      bgr,
      found,
      work.width,
      work.height,
      ussOptions,
      () => checkpoint("training"),
    );
    checkpoint("training");
    const { labels, superpixels } = enlarge(
      image,
      work,
      found,
      small,
      () => checkpoint("enlarging"),
    );
    checkpoint("enlarging");
    const picture = detector === "canny" ? paintLabels(labels, width, height) : undefined;
    branches.push({
      method: each,
      labels: { width, height, data: labels },
      superpixels: { width, height, data: superpixels },
      perimeter: { width, height, data: findEdges(labels, picture ?? image, detector) },
      regions: connectedRegions(labels, width, height).count,
      distinct,
      losses,
      ...(reference ? { picture } : {}),
    });
    checkpoint("edges");
  }
  return {
    width,
    height,
    workingWidth: work.width,
    workingHeight: work.height,
    detector,
    branches,
  };
}

/**
 * Refuses options that {@linkcode findPerimeters} cannot serve, whatever the image.
 *
 * @throws {OptionError}
 */
export function checkPerimeterOptions(options: PerimeterOptions): void {
  const { method, detector, reference, workingSize: longSide, ...ussOptions } = options;
  if (method !== undefined) checkChoice("method", method, METHOD_CHOICES);
  if (detector !== undefined) checkChoice("detector", detector, DETECTORS);
  if (reference && detector !== undefined && detector !== "canny") {
    throw new OptionError(`The reference's detector is canny, not ${detector}`);
  }
  checkWorkingSize(longSide, MAX_WORKING_SIZE);
  checkUssOptions(ussOptions);
}

/**
 * The published picture of a label map: label k, counted among those present, in colour k of
 * `regionColors()`.
 *
 * @param labels `H×W`, at most 256 different ones.
 */
export function paintLabels(labels: Uint8Array, width: number, height: number): Raster {
  const { ranks } = rankLabels(labels);
  const colours = regionColors();
  const data = new Uint8Array(3 * labels.length);
  for (let p = 0, at = 0; p < labels.length; p++, at += 3) {
    // The table is in the order B, G, R.
    const colour = 3 * ranks[p]!;
    data[at] = colours[colour + 2]!;
    data[at + 1] = colours[colour + 1]!;
    data[at + 2] = colours[colour]!;
  }
  return { width, height, data };
}

function reduce(image: Raster, longSide?: number): Raster {
  const { width, height } = workingSize(image.width, image.height, longSide);
  if (width === image.width && height === image.height) return image;
  return {
    width,
    height,
    data: resizeImage(image.data, image.width, image.height, 3, width, height),
  };
}

function superpixelsOf(
  method: PerimeterMethod,
  bgr: Uint8Array,
  width: number,
  height: number,
): Int32Array {
  const found = method === "slic" ? slic(bgr, width, height) : quickshift(bgr, width, height);
  return rankLabels(found).ranks;
}

/** Superpixels and labels at the image's full size. */
function enlarge(
  image: Raster,
  work: Raster,
  superpixels: Int32Array,
  labels: Uint8Array,
  checkpoint: Checkpoint,
): { superpixels: Int32Array; labels: Uint8Array } {
  if (work === image) return { superpixels, labels };
  const labelOf = new Uint8Array(superpixels.length);
  for (let p = 0; p < superpixels.length; p++) labelOf[superpixels[p]!] = labels[p]!;
  const large = enlargeRegions(superpixels, work, image, checkpoint);
  checkpoint();
  const full = new Uint8Array(large.length);
  for (let p = 0; p < full.length; p++) full[p] = labelOf[large[p]!]!;
  const pixel = Math.floor(image.width / work.width * (image.height / work.height));
  removeSpecks(full, image.width, image.height, pixel);
  return { superpixels: large, labels: full };
}

/**
 * Lines of a label map.
 *
 * @param labels `H×W`.
 * @param picture Where Canny's detector looks: the photo, or the picture of the labels.
 * @returns `H×W`, 255 on lines.
 */
export function findEdges(labels: Uint8Array, picture: Raster, detector: Detector): Uint8Array {
  const { width, height, data } = picture;
  if (detector === "boundary") return labelBoundaries(labels, width, height);
  const blurred = gaussianBlur3x3(rgbToGray(data), width, height);
  const thresholds = detector === "canny" ? PICTURE_THRESHOLDS : PHOTO_THRESHOLDS;
  return canny(blurred, width, height, thresholds);
}

function checkChoice(name: string, value: string, choices: readonly string[]): void {
  if (!choices.includes(value)) {
    throw new OptionError(`${name} must be one of ${choices.join(", ")}, got ${value}`);
  }
}
