/**
 * Grey images as OpenCV's `cvtColor` makes them from bytes: 0.299 R + 0.587 G + 0.114 B with 15
 * fractional bits, rounded to the nearest.
 */

const RED = 9798;
const GREEN = 19235;
const BLUE = 3735;

/**
 * Grey image of an RGB image.
 *
 * @param rgb `H×W×3` bytes, R G B.
 * @returns `H×W` bytes.
 * @throws {TypeError} `rgb` is not a byte array of whole pixels.
 */
export function rgbToGray(rgb: Uint8Array | Uint8ClampedArray): Uint8Array {
  if (!(rgb instanceof Uint8Array || rgb instanceof Uint8ClampedArray) || rgb.length % 3 !== 0) {
    throw new TypeError("Cannot convert to grey: the image must be H×W×3 bytes");
  }
  const gray = new Uint8Array(rgb.length / 3);
  for (let i = 0, p = 0; p < gray.length; i += 3, p++) {
    const sum = RED * rgb[i]! + GREEN * rgb[i + 1]! + BLUE * rgb[i + 2]!;
    gray[p] = (sum + (1 << 14)) >> 15;
  }
  return gray;
}
