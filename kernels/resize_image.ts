/**
 * Resizing of byte images, equal in every byte to Pillow's `Image.resize`.
 *
 * Pillow's convolution filters are separable and antialiased: when an image shrinks, the filter
 * widens with the reduction factor, so every source pixel counts. Both passes work on fixed-point
 * coefficients with 22 fractional bits and round to bytes in between. Published results of the
 * multi-scale stages come from images resized this way; a float resize would differ by one grey
 * level in many pixels.
 */

import { resizeColumns, resizeRows } from "./convolve_taps.ts";
import { resizeNearest, type ResizeWindow } from "./resize_nearest.ts";
import { computeTaps, type ConvolutionFilter, cutTaps, KERNELS } from "./resize_taps.ts";

/** A resampling filter of Pillow's `Image.resize`. */
export type ResizeFilter = ConvolutionFilter | "nearest";

/** Options of {@linkcode resizeImage}. */
export interface ResizeImageOptions {
  /** Resampling filter. Default: `"bicubic"` (a = −0.5). */
  filter?: ResizeFilter;
  /** The part of the result that is wanted; the rest is not computed. Default: all of it. */
  window?: ResizeWindow;
}

function checkWindow(
  { left, top, width, height }: ResizeWindow,
  newWidth: number,
  newHeight: number,
): void {
  checkSize("window width", width);
  checkSize("window height", height);
  const inside = Number.isInteger(left) && Number.isInteger(top) && left >= 0 && top >= 0 &&
    left + width <= newWidth && top + height <= newHeight;
  if (!inside) {
    throw new RangeError(
      `Cannot resize image: the window of ${width}×${height} px at ${left}, ${top} is not inside of ` +
        `${newWidth}×${newHeight} px`,
    );
  }
}

function checkSize(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`Cannot resize image: ${name} is ${value}, expected an integer ≥ 1`);
  }
}

/**
 * Resizes an image of interleaved bytes, equal in every byte to Pillow's `Image.resize` (its
 * `reducing_gap` and `box` left at their defaults).
 *
 * @param data `height×width×channels` bytes, row major; not modified
 * @param width columns of `data`
 * @param height rows of `data`
 * @param channels interleaved channels, treated alike (none is alpha)
 * @param newWidth columns of the result
 * @param newHeight rows of the result
 * @returns `newHeight×newWidth×channels` bytes, or those of the window, always a new array
 * @throws {TypeError} when `data` is not of the given size, or the filter is unknown
 * @throws {RangeError} when a size is not a positive integer, or the window is not inside of the result
 */
export function resizeImage(
  data: Uint8Array,
  width: number,
  height: number,
  channels: number,
  newWidth: number,
  newHeight: number,
  options: ResizeImageOptions = {},
): Uint8Array {
  checkSize("width", width);
  checkSize("height", height);
  checkSize("channels", channels);
  checkSize("new width", newWidth);
  checkSize("new height", newHeight);
  if (data.length !== width * height * channels) {
    throw new TypeError(
      `Cannot resize image: ${data.length} bytes, expected ${height}×${width}×${channels}`,
    );
  }
  const filter = options.filter ?? "bicubic";
  if (filter !== "nearest" && !Object.hasOwn(KERNELS, filter)) {
    throw new TypeError(`Cannot resize image: unknown filter "${filter}"`);
  }
  const whole = { left: 0, top: 0, width: newWidth, height: newHeight };
  const { window = whole } = options;
  checkWindow(window, newWidth, newHeight);
  const isWhole = window.width === newWidth && window.height === newHeight;
  if (isWhole && newWidth === width && newHeight === height) return data.slice();
  if (filter === "nearest") {
    return resizeNearest(data, width, height, channels, newWidth, newHeight, window);
  }

  // An axis that keeps its size is left alone, or only cut: its taps are 1 and 0.
  const kernel = KERNELS[filter];
  const across = newWidth === width && window.width === newWidth
    ? undefined
    : cutTaps(computeTaps(width, newWidth, kernel), window.left, window.width);
  const down = newHeight === height && window.height === newHeight
    ? undefined
    : cutTaps(computeTaps(height, newHeight, kernel), window.top, window.height);
  if (across === undefined) return resizeColumns(data, width * channels, 0, down!);
  if (down === undefined) return resizeRows(data, width, channels, 0, height, across);

  // The order shows in the last bit, because bytes are rounded in between. It is Pillow 13's: rows
  // first, unless the height loses more than twice as many pixels as the width. Older releases
  // always take rows first.
  if (height > newHeight && height - newHeight > (width - newWidth) * 2) {
    const between = resizeColumns(data, width * channels, 0, down);
    return resizeRows(between, width, channels, 0, window.height, across);
  }
  const firstRow = down.start[0]!;
  const rows = down.start[window.height - 1]! + down.count[window.height - 1]! - firstRow;
  const between = resizeRows(data, width, channels, firstRow, rows, across);
  return resizeColumns(between, window.width * channels, firstRow, down);
}
