/** Segmentation: from maps per class to one class per pixel. */

import { OptionError } from "../errors.ts";
import type { Mask } from "../raster.ts";
import { argmaxAbove } from "../../kernels/cam_maps.ts";
import { removeSpecks } from "../../kernels/remove_specks.ts";
import { colorOf, type Legend } from "../runtime/legend.ts";
import type { Rgb } from "../runtime/models.ts";
import type { Cam } from "./cam.ts";

/** Options of {@linkcode segmentCam}. */
export interface SegmentOptions {
  /** CAM value, 0..1, that a pixel must exceed to be foreground. Default: the model's. */
  threshold?: number;
  /** Regions smaller than this share of the image take their surroundings' class. Default: 0.001. */
  minArea?: number;
}

/** What a mask says about one class that is in the image. */
export interface SegmentedClass {
  readonly name: string;
  /** Its value in the mask, 1-based. */
  readonly index: number;
  /** Its colour in pictures of masks. */
  readonly color: Rgb;
  /** How sure the network is of it, 0..1. */
  readonly score: number;
  readonly pixels: number;
  /** Share of the image, 0..1. */
  readonly area: number;
  /** `[left, top, right, bottom]` in pixels, right and bottom exclusive; `null` without pixels. */
  readonly box: readonly [number, number, number, number] | null;
}

/** Share of the image below which regions are specks unless a caller names another. */
export const DEFAULT_MIN_AREA = 0.001;

/**
 * Cuts class activation maps into a mask of the image's full size: the class of the highest map
 * where that exceeds the threshold, background elsewhere, cleaned of specks.
 *
 * @param threshold Used unless `options` names another.
 * @throws {OptionError} An option is outside 0..1.
 */
export function segmentCam(cam: Cam, threshold: number, options: SegmentOptions = {}): Mask {
  const { threshold: limit = threshold, minArea = DEFAULT_MIN_AREA } = options;
  checkSegmentOptions({ threshold: limit, minArea });
  const { width, height, hrCam } = cam;
  const labels = Uint8Array.from(cam.keys.slice(1));
  const data = argmaxAbove(hrCam.data, labels, hrCam.width, hrCam.height, width, height, limit);
  removeSpecks(data, width, height, Math.round(minArea * width * height));
  return { width, height, data };
}

/**
 * Refuses shares that do not lie in 0..1.
 *
 * @throws {OptionError}
 */
export function checkSegmentOptions({ threshold, minArea }: SegmentOptions): void {
  for (const [name, value] of Object.entries({ threshold, minArea })) {
    if (value !== undefined && !(value >= 0 && value <= 1)) {
      throw new OptionError(`${name} must lie in 0..1, got ${value}`);
    }
  }
}

/**
 * Counts every class of `cam.keys` in the mask.
 *
 * @param legend Of the model that the mask is from.
 */
export function describeMask(
  mask: Mask,
  cam: Pick<Cam, "keys" | "scores">,
  { names, palette }: Legend,
): SegmentedClass[] {
  const { width, height, data } = mask;
  const pixels = new Int32Array(256);
  const left = new Int32Array(256).fill(width);
  const right = new Int32Array(256).fill(-1);
  const top = new Int32Array(256).fill(height);
  const bottom = new Int32Array(256).fill(-1);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const label = data[i]!;
      pixels[label]! += 1;
      if (x < left[label]!) left[label] = x;
      if (x > right[label]!) right[label] = x;
      if (y < top[label]!) top[label] = y;
      bottom[label] = y;
    }
  }
  return cam.keys.slice(1).map((index) => ({
    name: names[index - 1]!,
    index,
    color: colorOf(palette, index),
    score: cam.scores[index - 1]!,
    pixels: pixels[index]!,
    area: pixels[index]! / data.length,
    box: pixels[index] === 0
      ? null
      : [left[index]!, top[index]!, right[index]! + 1, bottom[index]! + 1],
  }));
}
