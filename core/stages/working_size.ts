/** Sizes: of the reduced image that networks see, and of their maps. */

import { OptionError } from "../errors.ts";

/** Long side to which larger images are reduced before a network sees them, in pixels. */
export const DEFAULT_WORKING_SIZE = 512;
const SMALLEST = 16;
const LARGEST = 2048;

/**
 * The size at which an image is worked on: its own, or reduced in proportion so that the long side is
 * `longSide` pixels.
 *
 * @throws {OptionError} `longSide` is no integer in 16..2048.
 */
export function workingSize(
  width: number,
  height: number,
  longSide: number = DEFAULT_WORKING_SIZE,
): { width: number; height: number } {
  checkWorkingSize(longSide);
  const factor = longSide / Math.max(width, height);
  if (factor >= 1) return { width, height };
  return {
    width: Math.max(1, Math.round(width * factor)),
    height: Math.max(1, Math.round(height * factor)),
  };
}

/**
 * Refuses a working size that is no integer in 16..`largest` pixels.
 *
 * @param largest Default: 2048.
 * @throws {OptionError}
 */
export function checkWorkingSize(
  longSide: number = DEFAULT_WORKING_SIZE,
  largest: number = LARGEST,
): void {
  if (!(Number.isInteger(longSide) && longSide >= SMALLEST && longSide <= largest)) {
    throw new OptionError(
      `The working size must be an integer in ${SMALLEST}..${largest}, got ${longSide}`,
    );
  }
}

/**
 * Pixels of the working size up to which requests may have networks trained on an image and dense CRFs
 * inferred. An iteration of that training, which cannot be stopped, then takes at most a second on two cores.
 */
export const MAX_HEAVY_PIXELS = 331_776;

/**
 * Refuses working sizes beyond {@linkcode MAX_HEAVY_PIXELS}.
 *
 * @param image Size of the whole image.
 * @param what That cannot be done at this size.
 * @throws {OptionError}
 */
export function checkHeavyPixels(
  image: { readonly width: number; readonly height: number },
  longSide: number | undefined,
  what: string,
): void {
  const size = (side?: number) => workingSize(image.width, image.height, side);
  const { width, height } = size(longSide);
  if (width * height <= MAX_HEAVY_PIXELS) return;
  let most = Math.max(width, height);
  for (let fits = false; !fits;) {
    const { width, height } = size(--most);
    fits = width * height <= MAX_HEAVY_PIXELS;
  }
  throw new OptionError(
    `${width}×${height} px are ${
      width * height
    } px for ${what}, the limit is ${MAX_HEAVY_PIXELS}; ` +
      `use a working size of at most ${most}`,
  );
}

/** Length of a side of `size` pixels sampled every `stride` pixels: `⌊(size − 1)/stride⌋ + 1`. */
export function stridedSize(size: number, stride: number): number {
  return Math.floor((size - 1) / stride) + 1;
}
