/**
 * The 3×3 patches around all pixels of an image, and their mean and covariance: what the first
 * convolution of a network sees, and what decides the mean and variance of its outputs.
 *
 * A patch has 27 values: channel, row, column, as a convolution's weights are stored; outside the image they
 * are zero. Statistics are sums of whole numbers, and so exact.
 */

import { checkRgb } from "./image_arguments.ts";

const CHANNELS = 3;
const KERNEL = 3;
/** Values in a patch. */
const VALUES = CHANNELS * KERNEL * KERNEL;
/** Two places of a patch are up to this many rows or columns apart. */
const REACH = KERNEL - 1;
/** Widest image of which the sum of products along a row fits into 31 bits. */
const MAX_WIDTH = 32768;

/** Mean and covariance of an image's patches. */
export interface PatchStatistics {
  /** `27` means. */
  readonly mean: Float64Array;
  /** `27×27` covariances, divided by the number of pixels. */
  readonly covariance: Float64Array;
}

/**
 * All patches of an image side by side, below them a row of ones.
 *
 * @param planes `3×H×W`.
 * @param width W in pixels.
 * @param height H in pixels.
 * @returns `28×(H·W)`: row `9c + 3i + j` is channel c shifted by i − 1 rows and j − 1 columns.
 * @throws {TypeError} `planes` does not hold `3·H·W` values.
 */
export function imagePatches(planes: Float32Array, width: number, height: number): Float32Array {
  const pixels = width * height;
  if (planes.length !== CHANNELS * pixels) {
    throw new TypeError(
      `Cannot take patches: ${planes.length} values are not 3×${height}×${width}`,
    );
  }
  const patches = new Float32Array((VALUES + 1) * pixels);
  let target = 0;
  for (let source = 0; source < planes.length; source += pixels) {
    for (let i = -1; i <= 1; i++) {
      for (let j = -1; j <= 1; j++, target += pixels) {
        const left = Math.max(0, -j);
        const right = Math.min(width, width - j);
        const last = Math.min(height, height - i);
        for (let y = Math.max(0, -i); y < last; y++) {
          const from = source + (y + i) * width + j;
          patches.set(planes.subarray(from + left, from + right), target + y * width + left);
        }
      }
    }
  }
  return patches.fill(1, target);
}

/**
 * Mean and covariance of an image's patches.
 *
 * @param image `H×W×3` bytes.
 * @param width W in pixels, 1..32768.
 * @param height H in pixels.
 * @returns for bytes divided by 255.
 * @throws {TypeError} `image` is not `H×W×3` bytes.
 * @throws {RangeError} A size is not a whole number ≥ 1, or the image is too wide.
 */
export function patchStatistics(
  image: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
): PatchStatistics {
  checkRgb(image, width, height, "take patches");
  if (width > MAX_WIDTH) {
    throw new RangeError(`Cannot take patches: ${width} px is wider than ${MAX_WIDTH}`);
  }
  const pixels = width * height;
  const planes = paddedPlanes(image, width, height);
  const ones = new Uint8Array(planes[0]!.length).fill(1);

  const mean = new Float64Array(VALUES);
  for (let channel = 0; channel < CHANNELS; channel++) {
    const sums = new PlaneProducts(planes[channel]!, ones, width, height);
    for (let place = 0; place < KERNEL * KERNEL; place++) {
      mean[channel * KERNEL * KERNEL + place] = sums.over(place, place) / (255 * pixels);
    }
  }

  const covariance = new Float64Array(VALUES * VALUES);
  for (let a = 0; a < CHANNELS; a++) {
    for (let b = a; b < CHANNELS; b++) {
      const products = new PlaneProducts(planes[a]!, planes[b]!, width, height);
      for (let p = 0; p < KERNEL * KERNEL; p++) {
        for (let q = 0; q < KERNEL * KERNEL; q++) {
          const row = a * KERNEL * KERNEL + p;
          const column = b * KERNEL * KERNEL + q;
          const value = products.over(p, q) / (255 * 255 * pixels) - mean[row]! * mean[column]!;
          covariance[row * VALUES + column] = covariance[column * VALUES + row] = value;
        }
      }
    }
  }
  return { mean, covariance };
}

/** The channels one by one, each in a frame of zeros as wide as a shift can be. */
function paddedPlanes(
  image: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
): Uint8Array[] {
  const stride = width + 2 * REACH;
  return Array.from({ length: CHANNELS }, (_, channel) => {
    const plane = new Uint8Array(stride * (height + 2 * REACH));
    for (let y = 0, from = channel; y < height; y++) {
      const row = (y + REACH) * stride + REACH;
      for (let x = 0; x < width; x++, from += CHANNELS) plane[row + x] = image[from]!;
    }
    return plane;
  });
}

/**
 * Sums of products of two planes, each seen from one place in the patches of all pixels.
 *
 * Such a sum depends on how far the two places are apart, but for the row or column at the edge
 * of the image that one place never sees. So one sum over the whole image serves up to nine pairs of
 * places.
 */
class PlaneProducts {
  readonly #whole = new Map<number, number>();
  readonly #stride: number;

  constructor(
    private readonly a: Uint8Array,
    private readonly b: Uint8Array,
    private readonly width: number,
    private readonly height: number,
  ) {
    this.#stride = width + 2 * REACH;
  }

  /** The sum over all patches of `a` at the place `p` times `b` at the place `q`, 0..8. */
  over(p: number, q: number): number {
    const { width, height } = this;
    const [row, column] = [Math.floor(p / KERNEL), p % KERNEL];
    const shift = (Math.floor(q / KERNEL) - row) * this.#stride + q % KERNEL - column;
    const key = this.a === this.b ? Math.abs(shift) : shift;
    let whole = this.#whole.get(key);
    if (whole === undefined) {
      whole = this.#sum(shift, 0, height, 0, width);
      this.#whole.set(key, whole);
    }
    // The first place of a patch never meets the last row or column, the last one not the first.
    const y = row === 0 ? height - 1 : row === KERNEL - 1 ? 0 : -1;
    const x = column === 0 ? width - 1 : column === KERNEL - 1 ? 0 : -1;
    let sum = whole;
    if (y >= 0) sum -= this.#sum(shift, y, y + 1, 0, width);
    if (x >= 0) sum -= this.#sum(shift, 0, height, x, x + 1);
    if (y >= 0 && x >= 0) sum += this.#sum(shift, y, y + 1, x, x + 1);
    return sum;
  }

  /** The sum over a window of the image of `a` times `b` shifted. */
  #sum(shift: number, top: number, bottom: number, left: number, right: number): number {
    const { a, b } = this;
    let total = 0;
    for (let y = top; y < bottom; y++) {
      const row = (y + REACH) * this.#stride + REACH;
      const end = row + right;
      let sum = 0;
      for (let at = row + left; at < end; at++) sum = (sum + Math.imul(a[at]!, b[at + shift]!)) | 0;
      total += sum;
    }
    return total;
  }
}
