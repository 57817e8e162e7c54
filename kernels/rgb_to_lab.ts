/**
 * sRGB bytes to CIE L*a*b*, in the constants scikit-image uses.
 *
 * The three steps are the sRGB transfer curve (IEC 61966-2-1), the RGB→XYZ matrix for D65 with six
 * decimals, and CIE 1976 L*a*b* against the 2° D65 white. A byte has only 256 values, so the first
 * step is a table; the rest is one pass in double precision.
 */

/** Options of {@link rgbToLab}. */
export interface RgbToLabOptions {
  /**
   * Stretch the bytes linearly so that the smallest in the whole image (any channel) becomes 0 and
   * the largest 1 before the conversion, as scikit-image's `slic` does. Default: false.
   */
  readonly stretch?: boolean;
}

/** CIE XYZ of the D65 white seen by the 2° observer, Y = 1. */
const WHITE_X = 0.95047;
const WHITE_Z = 1.08883;

/**
 * Converts an image to CIE L*a*b*.
 *
 * The first byte of a pixel is taken as red, the second as green, the third as blue. SILOP feeds
 * superpixels with pixels in B, G, R order and lets them pass for RGB: to reproduce it, hand in
 * B, G, R.
 *
 * @param rgb `H×W×3` interleaved bytes.
 * @returns `3×H×W`: the planes L (0..100), a and b (about -128..127), one after the other.
 * @throws {TypeError} `rgb` is not a byte array of whole pixels.
 */
export function rgbToLab(
  rgb: Uint8Array | Uint8ClampedArray,
  { stretch = false }: RgbToLabOptions = {},
): Float64Array {
  if (!(rgb instanceof Uint8Array || rgb instanceof Uint8ClampedArray) || rgb.length % 3 !== 0) {
    throw new TypeError("Cannot convert to Lab: the image must be H×W×3 bytes");
  }
  const pixels = rgb.length / 3;
  const linear = linearTable(stretch ? extremes(rgb) : [0, 255]);
  const lab = new Float64Array(3 * pixels);
  for (let i = 0, p = 0; p < pixels; i += 3, p++) {
    const r = linear[rgb[i]!]!;
    const g = linear[rgb[i + 1]!]!;
    const b = linear[rgb[i + 2]!]!;
    const x = lightness((0.412453 * r + 0.357580 * g + 0.180423 * b) / WHITE_X);
    const y = lightness(0.212671 * r + 0.715160 * g + 0.072169 * b);
    const z = lightness((0.019334 * r + 0.119193 * g + 0.950227 * b) / WHITE_Z);
    lab[p] = 116 * y - 16;
    lab[p + pixels] = 500 * (x - y);
    lab[p + 2 * pixels] = 200 * (y - z);
  }
  return lab;
}

/** CIE's compressed response to one tristimulus ratio (the `f` of L*a*b*). */
function lightness(t: number): number {
  return t > CURVE_START ? cubeRoot(t) : 7.787 * t + 16 / 116;
}

/** Below this ratio the response is a straight line. */
const CURVE_START = 0.008856;

/** t^(-1/3) at t = i / ROOT_STEPS, from just below the start of the curve on. */
const ROOT_STEPS = 4096;
const inverseRoots = Float64Array.from(
  { length: ROOT_STEPS + 2 },
  (_, i) => Math.cbrt(ROOT_STEPS / Math.max(i, Math.floor(CURVE_START * ROOT_STEPS))),
);

/** Adding and subtracting it leaves multiples of 2^-17. */
const SPLIT = 1.5 * 2 ** 35;

/**
 * Cube root, rounded to the nearest double (but for one value in ten thousands), for t in 0.008856..1.0002; a third of `Math.cbrt`'s time.
 * Two Newton steps for t^(-1/3), which need no division, then one for the root itself.
 */
function cubeRoot(t: number): number {
  const place = t * ROOT_STEPS;
  const i = place | 0;
  const before = inverseRoots[i]!;
  let y = before + (inverseRoots[i + 1]! - before) * (place - i);
  y += y * (1 - t * y * y * y) * (1 / 3);
  y += y * (1 - t * y * y * y) * (1 / 3);
  const root = t * y * y;
  // The last step needs root³ - t to its last bit: 17 leading bits of the root have an exact cube.
  const head = (root + SPLIT) - SPLIT;
  const tail = root - head;
  const excess = (head * head * head - t) + tail * (3 * head * root + tail * tail);
  return root - excess * y * y * (1 / 3);
}

/** Linear light of every byte value, after stretching `[low, high]` to `[0, 1]`. */
function linearTable([low, high]: readonly [number, number]): Float64Array {
  const table = new Float64Array(256);
  const black = low * (1 / 255);
  const span = high > low ? high * (1 / 255) - black : 1;
  for (let byte = low; byte <= high; byte++) {
    const v = (byte * (1 / 255) - black) / span;
    table[byte] = v > 0.04045 ? Math.pow((v + 0.055) / 1.055, 2.4) : v / 12.92;
  }
  return table;
}

/** The smallest and the largest byte; `[0, 0]` of an empty array. */
function extremes(bytes: Uint8Array | Uint8ClampedArray): readonly [number, number] {
  let low = bytes.length > 0 ? 255 : 0;
  let high = 0;
  for (let i = 0; i < bytes.length; i++) {
    const v = bytes[i]!;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return [low, high];
}
