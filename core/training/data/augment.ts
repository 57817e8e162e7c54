/**
 * What is done to a photograph, and to the mask that goes with it, before a network is trained on it:
 * resized so that its longer side has a random length, mirrored half the time, its colours changed if
 * that is asked for, normalised, cut at a random place, padded with the mean colour (masks: 255).
 *
 * Choices are drawn first ({@linkcode drawAugmentation}) and carried out afterwards
 * ({@linkcode augmentImage}, {@linkcode augmentMask}), so that image and mask undergo the same.
 */

import { type ColourChange, jitterColours } from "../../../kernels/colour_jitter.ts";
import type { Pcg64 } from "../../../kernels/pcg64.ts";
import {
  type CropPlace,
  mirrorRows,
  placeMask,
  placeNormalized,
} from "../../../kernels/place_crop.ts";
import { resizeImage } from "../../../kernels/resize_image.ts";
import { LimitError } from "../../errors.ts";
import type { Mask, Raster } from "../../raster.ts";
import { randomIndex } from "../random.ts";

/** Value of mask pixels outside of the image. */
export const IGNORED = 255;

/** How samples are varied. */
export interface AugmentOptions {
  /** Side of the crops, in pixels. */
  readonly size: number;
  /** Shortest and longest length of the longer side, in pixels; each whole number is as likely. */
  readonly longSide: readonly [low: number, high: number];
  /** Share of mirrored samples. Default: 0.5. */
  readonly mirror?: number;
  /** Per channel, of values in 0..1. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  /** Pixels of the crop per pixel of the mask, each way. Default: 1. */
  readonly maskStride?: number;
  /** How far colours are changed. Default: not at all. */
  readonly jitter?: JitterOptions;
  /** Share of samples without colours. Default: 0. */
  readonly grey?: number;
}

/** Each factor is drawn from 1 − x .. 1 + x, hue from −x .. x turns. Default of each: 0. */
export interface JitterOptions {
  readonly brightness?: number;
  readonly contrast?: number;
  readonly saturation?: number;
  readonly hue?: number;
}

/** The choices for one sample. */
export interface Augmentation {
  /** Size after resizing. */
  readonly width: number;
  readonly height: number;
  readonly place: CropPlace;
  /** `null` leaves colours as they are. */
  readonly colours: ColourChange | null;
}

/**
 * Draws the choices for an image. Geometry is drawn first: samples are cut alike with and without
 * changes of colour.
 *
 * @param width Size of the image.
 */
export function drawAugmentation(
  random: Pcg64,
  width: number,
  height: number,
  { size, longSide: [low, high], mirror = 0.5, jitter = {}, grey = 0 }: AugmentOptions,
): Augmentation {
  const long = low + randomIndex(random, high - low + 1);
  const resized = resizedTo(width, height, long);
  const mirrored = random.uniform() < mirror;
  const across = drawOverlap(random, resized.width, size);
  const down = drawOverlap(random, resized.height, size);
  const place: CropPlace = {
    size,
    left: across.from,
    top: down.from,
    x: across.to,
    y: down.to,
    width: across.length,
    height: down.length,
    mirror: mirrored,
  };
  const factor = (by = 0) => 1 + by * (2 * random.uniform() - 1);
  const colours = {
    brightness: factor(jitter.brightness),
    contrast: factor(jitter.contrast),
    saturation: factor(jitter.saturation),
    hue: factor(jitter.hue) - 1,
  };
  const change = random.uniform() < grey ? { ...colours, saturation: 0 } : colours;
  return { ...resized, place, colours: isIdentity(change) ? null : change };
}

/** The size in proportion whose longer side is `long`; the other is rounded half to even. */
export function resizedTo(
  width: number,
  height: number,
  long: number,
): { width: number; height: number } {
  const short = Math.max(
    1,
    roundHalfEven(Math.min(width, height) * long / Math.max(width, height)),
  );
  return width < height ? { width: short, height: long } : { width: long, height: short };
}

/**
 * Carries the choices out on a photograph.
 *
 * @param out `3×size×size`, zeros.
 */
export function augmentImage(
  image: Raster,
  { width, height, place, colours }: Augmentation,
  { mean, std }: AugmentOptions,
  out: Float32Array,
): void {
  const part = resizeImage(image.data, image.width, image.height, 3, width, height, {
    window: windowOf(place, width),
  });
  if (place.mirror) mirrorRows(part, place.width, 3);
  if (colours !== null) jitterColours(part, colours);
  placeNormalized(part, place, mean, std, out);
}

/**
 * Carries the choices out on a mask: nearest neighbours, 255 where there is no image.
 *
 * @returns `⌈size/maskStride⌉` squared
 */
export function augmentMask(
  mask: Mask,
  { width, height, place }: Augmentation,
  { maskStride = 1 }: AugmentOptions,
): Uint8Array {
  const part = resizeImage(mask.data, mask.width, mask.height, 1, width, height, {
    filter: "nearest",
    window: windowOf(place, width),
  });
  if (place.mirror) mirrorRows(part, place.width, 1);
  return placeMask(part, place, IGNORED, maskStride);
}

/**
 * Checks options once, so that none of the above need.
 *
 * @throws {RangeError} A value is out of its range.
 * @throws {LimitError} Sides are beyond what is ever trained on.
 */
export function checkAugmentOptions(options: AugmentOptions): void {
  const { size, longSide: [low, high], mirror = 0.5, std, maskStride = 1, grey = 0 } = options;
  for (const [name, value] of Object.entries({ size, low, high, maskStride })) {
    if (!(Number.isInteger(value) && value >= 1)) {
      throw new RangeError(`Cannot vary samples: ${name} is ${value}, not a whole number ≥ 1`);
    }
    if (value > 8192) {
      throw new LimitError(`Cannot vary samples: ${name} is ${value}, limit is 8192`);
    }
  }
  if (low > high) throw new RangeError(`Cannot vary samples: no length lies in ${low}..${high}`);
  for (const [name, value] of Object.entries({ mirror, grey })) {
    if (!(value >= 0 && value <= 1)) {
      throw new RangeError(`Cannot vary samples: ${name} is ${value}, not in 0..1`);
    }
  }
  for (const [name, value] of Object.entries(options.jitter ?? {})) {
    const most = name === "hue" ? 0.5 : 1;
    if (!(value >= 0 && value <= most)) {
      throw new RangeError(`Cannot vary samples: ${name} is ${value}, not in 0..${most}`);
    }
  }
  if (!std.every((value) => value > 0)) {
    throw new RangeError(`Cannot vary samples: deviations of ${std} are not all positive`);
  }
}

/**
 * Where a window lies along one axis: anywhere inside of a longer image, around all of a shorter one.
 * One number is drawn either way.
 */
function drawOverlap(
  random: Pcg64,
  length: number,
  size: number,
): { from: number; to: number; length: number } {
  const at = randomIndex(random, Math.abs(length - size) + 1);
  return length >= size ? { from: at, to: 0, length: size } : { from: 0, to: at, length };
}

/** The part of the resized image, not mirrored yet, that is seen in the window. */
function windowOf({ left, top, width, height, mirror }: CropPlace, imageWidth: number) {
  return { left: mirror ? imageWidth - left - width : left, top, width, height };
}

function isIdentity({ brightness, contrast, saturation, hue }: ColourChange): boolean {
  return brightness === 1 && contrast === 1 && saturation === 1 && hue === 0;
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
