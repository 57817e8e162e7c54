/**
 * sRGB bytes to CIE L*a*b*, in the constants scikit-image uses.
 *
 * The three steps are the sRGB transfer curve (IEC 61966-2-1), the RGB→XYZ matrix for D65 with six
 * decimals, and CIE 1976 L*a*b* against the 2° D65 white, all in double precision. A byte has only
 * 256 values, so the first step is a table.
 */

import { labWasm } from "./wasm/lab.ts";
import { WasmKernel } from "./wasm_kernel.ts";

/** Options of {@link rgbToLab}. */
export interface RgbToLabOptions {
  /**
   * Stretch the bytes linearly so that the smallest in the whole image (any channel) becomes 0 and
   * the largest 1 before the conversion, as scikit-image's `slic` does. Default: false.
   */
  readonly stretch?: boolean;
}

/** The function of `assembly/lab.ts`. */
interface LabFunctions {
  convert(
    rgb: number,
    l: number,
    a: number,
    b: number,
    linear: number,
    roots: number,
    steps: number,
    count: number,
  ): void;
}

const labKernel = new WasmKernel<LabFunctions>(labWasm);

/** Steps per unit in the table the cube roots start from, and where the curve needs it from. */
const ROOT_STEPS = 4096;
const FIRST_ROOT = Math.floor(0.008856 * ROOT_STEPS);
let rootTable: Float64Array | undefined;

/** Pixels converted at a time, an even number: enough to hide a call, few enough for the cache. */
const CHUNK = 8192;

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
  const lab = new Float64Array(3 * pixels);
  const linear = linearTable(stretch ? extremes(rgb) : [0, 255]);
  rootTable ??= makeRootTable();
  const roots = rootTable;
  const rootsAt = 256;
  const planesAt = rootsAt + roots.length;
  const bytesAt = 8 * (planesAt + 3 * CHUNK);
  labKernel.use(bytesAt + 3 * CHUNK, ({ convert }, memory, base) => {
    const values = new Float64Array(memory, base, planesAt + 3 * CHUNK);
    const bytes = new Uint8Array(memory, base + bytesAt, 3 * CHUNK);
    values.set(linear);
    values.set(roots, rootsAt);
    const [l, a, b] = [0, 1, 2].map((plane) => base + 8 * (planesAt + plane * CHUNK));
    for (let start = 0; start < pixels; start += CHUNK) {
      const count = Math.min(CHUNK, pixels - start);
      bytes.set(rgb.subarray(3 * start, 3 * (start + count)));
      const even = count + (count & 1);
      convert(base + bytesAt, l!, a!, b!, base, base + 8 * rootsAt, ROOT_STEPS, even);
      for (let plane = 0; plane < 3; plane++) {
        const from = planesAt + plane * CHUNK;
        lab.set(values.subarray(from, from + count), plane * pixels + start);
      }
    }
  });
  return lab;
}

/** t^(-1/3) at every step of t and its slope a step, up to just above 1. */
function makeRootTable(): Float64Array {
  const value = (i: number) => Math.cbrt(ROOT_STEPS / Math.max(i, FIRST_ROOT));
  const table = new Float64Array(2 * (ROOT_STEPS + 2));
  for (let i = 0; i < ROOT_STEPS + 2; i++) {
    table[2 * i] = value(i);
    table[2 * i + 1] = -value(i) / (3 * Math.max(i, FIRST_ROOT));
  }
  return table;
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
