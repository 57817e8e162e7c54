/**
 * The flood fill of the published PerimeterFit, on a picture of the regions.
 *
 * Exactly what repeated calls of Pillow's `ImageDraw.floodfill(picture, seed, black, thresh=10)` leave,
 * in linear time: a pixel is painted at most once, because what is painted black is too far from the
 * colour of any later seed to be entered again.
 */

import { checkBytePlane, checkRgb, inRange } from "./image_arguments.ts";

/** Options of {@link eraseByFloodFill}. */
export interface FloodFillOptions {
  /** The largest summed difference |ΔR| + |ΔG| + |ΔB| to the seed's colour, 0..765. Default: 10. */
  readonly threshold?: number;
  /** Array to write to: `H×W`. Default: a new one. */
  readonly out?: Uint8Array;
}

/**
 * Stretches a picture so that its largest value becomes 255: every byte times 255 over the maximum,
 * fractions cut off.
 *
 * @param rgb Bytes of a picture; not modified. One that is black throughout is copied.
 * @returns As many bytes, a new array.
 */
export function stretchPicture(rgb: Uint8Array): Uint8Array {
  let maximum = 0;
  for (let i = 0; i < rgb.length; i++) if (rgb[i]! > maximum) maximum = rgb[i]!;
  if (maximum === 0 || maximum === 255) return rgb.slice();
  const levels = Uint8Array.from({ length: maximum + 1 }, (_, v) => Math.floor(v * 255 / maximum));
  const stretched = new Uint8Array(rgb.length);
  for (let i = 0; i < rgb.length; i++) stretched[i] = levels[rgb[i]!]!;
  return stretched;
}

/**
 * Floods a picture with black from every pixel where `keep` is zero and says what is left.
 *
 * Seeds are taken in row order, without the last row and the last column; one within the threshold
 * of black (as it is at its turn) starts nothing. A seed paints the 4-connected pixels within the
 * threshold of its own colour, those of the last row and column included.
 *
 * @param picture `H×W×3` bytes; not modified.
 * @param keep `H×W` bytes, zero where a fill starts.
 * @returns `H×W` bytes, 255 where the picture is not black in the end: `options.out` or a new array.
 * @throws {TypeError} An array is not of its size.
 * @throws {RangeError} A size is not a whole number ≥ 1, or the threshold is out of range.
 */
export function eraseByFloodFill(
  picture: Uint8Array,
  keep: Uint8Array,
  width: number,
  height: number,
  options: FloodFillOptions = {},
): Uint8Array {
  const { threshold = 10, out = new Uint8Array(width * height) } = options;
  checkRgb(picture, width, height, "flood");
  checkBytePlane(keep, width, height, "flood");
  checkBytePlane(out, width, height, "flood");
  inRange("threshold", threshold, 0, 765);
  // One number a pixel, so that equal colours (nearly all comparisons) are told by one look. A black
  // frame needs no test of its own: black is out of reach of every seed, like what is painted.
  const stride = width + 2;
  const colours = new Int32Array(stride * (height + 2));
  for (let y = 0, i = 0; y < height; y++) {
    const row = (y + 1) * stride + 1;
    for (let q = row; q < row + width; q++, i += 3) {
      colours[q] = (picture[i]! << 16) | (picture[i + 1]! << 8) | picture[i + 2]!;
    }
  }
  // A run is pushed at most from the row above and from the row below.
  const stack = new Int32Array(2 * keep.length + 1);
  for (let y = 0; y < height - 1; y++) {
    const row = (y + 1) * stride + 1;
    for (let x = 0, p = y * width; x < width - 1; x++, p++) {
      if (keep[p] !== 0) continue;
      const seed = colours[row + x]!;
      if (seed === 0 || distance(seed, 0) <= threshold) continue;
      flood(colours, stack, row + x, seed, threshold, stride);
    }
  }
  for (let y = 0, p = 0; y < height; y++) {
    const row = (y + 1) * stride + 1;
    for (let q = row; q < row + width; q++, p++) out[p] = colours[q] === 0 ? 0 : 255;
  }
  return out;
}

/** Paints what is 4-connected to `start` and within the threshold of `seed`, run by run. */
function flood(
  colours: Int32Array,
  stack: Int32Array,
  start: number,
  seed: number,
  threshold: number,
  stride: number,
): void {
  let top = 0;
  stack[top++] = start;
  while (top > 0) {
    let left = stack[--top]!;
    // The run may have been painted since, from another of its ends.
    if (colours[left] === 0) continue;
    let right = left;
    while (near(colours[left - 1]!, seed, threshold)) left--;
    while (near(colours[right + 1]!, seed, threshold)) right++;
    colours.fill(0, left, right + 1);
    for (let side = -stride; side <= stride; side += 2 * stride) {
      let inside = false;
      for (let q = left + side; q <= right + side; q++) {
        const fits = near(colours[q]!, seed, threshold);
        if (fits && !inside) stack[top++] = q;
        inside = fits;
      }
    }
  }
}

function near(a: number, b: number, threshold: number): boolean {
  return a === b || (a !== 0 && distance(a, b) <= threshold);
}

function distance(a: number, b: number): number {
  return Math.abs((a >> 16) - (b >> 16)) + Math.abs(((a >> 8) & 255) - ((b >> 8) & 255)) +
    Math.abs((a & 255) - (b & 255));
}
