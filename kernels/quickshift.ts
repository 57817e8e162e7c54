/**
 * Quickshift superpixels, equal to scikit-image's `quickshift`.
 *
 * Every pixel is a point (y, x, L, a, b). Its density is a sum of Gaussians over the pixels in a
 * square window; it is linked to the nearest point of higher density, links longer than `maxDist`
 * are cut, and every tree left is a superpixel. A. Vedaldi and S. Soatto, "Quick Shift and Kernel
 * Methods for Mode Seeking", ECCV 2008.
 *
 * In even areas densities are equal, and no pixel would be linked. A little noise decides there:
 * normal, standard deviation 1e-5, from NumPy's generator (see `pcg64.ts`), so that even areas fall
 * apart the same way they do in scikit-image for the same seed.
 *
 * Work saved without changing the result: the window is symmetric, so every pair is measured once;
 * links are sought in rings of growing distance, which ends as soon as the image plane alone is
 * farther than the best link found, or farther than `maxDist`.
 */

import { gaussianFilter } from "./gaussian_filter.ts";
import { checkRgb, inRange } from "./image_arguments.ts";
import { Pcg64 } from "./pcg64.ts";
import { rgbToLab } from "./rgb_to_lab.ts";
import { densityWasm } from "./wasm/density.ts";
import { WasmKernel } from "./wasm_kernel.ts";

/** Options of {@link quickshift}. */
export interface QuickshiftOptions {
  /** Width of the density's Gaussian in pixels; its window reaches 3 widths. 1..20, default: 3. */
  readonly kernelSize?: number;
  /** Longest link in the space of pixels and scaled Lab, > 0 and up to 1000. Default: 6. */
  readonly maxDist?: number;
  /** Weight of nearness in colour against nearness in space, 0..1. Default: 0.29. */
  readonly ratio?: number;
  /** Standard deviation in pixels of a smoothing in Lab beforehand, 0..100. Default: 0. */
  readonly sigma?: number;
  /** Seed of the noise that breaks ties, a whole number below 2^32. Default: 42. */
  readonly seed?: number;
}

/**
 * Divides an image into quickshift superpixels.
 *
 * @param rgb `H×W×3` bytes, taken as R, G, B; SILOP hands in B, G, R.
 * @param width W in pixels, ≥ 1.
 * @param height H in pixels, ≥ 1.
 * @returns `H×W` superpixel numbers from 0 up without gaps, in row order of the trees' roots.
 * @throws {TypeError} `rgb` is not `H×W×3` bytes, or an option is not a number.
 * @throws {RangeError} A size or an option is out of its range.
 */
export function quickshift(
  rgb: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
  options: QuickshiftOptions = {},
): Int32Array {
  const { kernelSize = 3, maxDist = 6, ratio = 0.29, sigma = 0, seed = 42 } = options;
  checkRgb(rgb, width, height, "run quickshift");
  inRange("kernelSize", kernelSize, 1, 20);
  inRange("maxDist", maxDist, Number.MIN_VALUE, 1000);
  inRange("ratio", ratio, 0, 1);
  inRange("sigma", sigma, 0, 100);

  const pixels = width * height;
  const density = new Float64Array(pixels);
  const generator = new Pcg64(seed);
  for (let i = 0; i < pixels; i++) density[i] = generator.normal() * 1e-5;

  const lab = rgbToLab(rgb);
  gaussianFilter(lab, width, height, sigma);
  for (let i = 0; i < lab.length; i++) lab[i]! *= ratio;

  const reach = Math.ceil(3 * kernelSize);
  addDensity(lab, density, width, height, reach, 0.5 / (kernelSize * kernelSize));
  const parents = linkUphill(lab, density, width, height, reach, maxDist);
  return numberTrees(parents);
}

/** The function of `assembly/density.ts`. */
interface DensityFunctions {
  densityOfRow(
    l: number,
    a: number,
    b: number,
    density: number,
    squares: number,
    table: number,
    size: number,
    steps: number,
    y: number,
    width: number,
    stride: number,
    reach: number,
    scale: number,
  ): void;
}

const densityKernel = new WasmKernel<DensityFunctions>(densityWasm);

/** The exponential's table: this many steps per unit, up to exp(-40), far below a double's last bit. */
const EXP_STEPS = 256;
const EXP_SIZE = 40 * EXP_STEPS;
let expTable: Float64Array | undefined;

/** A colour so far from every other that the density does not notice it; scaled Lab ends at 128. */
const NOWHERE = 1e6;

/**
 * Adds to `density` the sum of exp(-scale · distance²) over the square window of `reach` pixels
 * around every pixel, itself included.
 */
function addDensity(
  lab: Float64Array,
  density: Float64Array,
  width: number,
  height: number,
  reach: number,
  scale: number,
): void {
  const pixels = width * height;
  // SIMD takes two columns at a time: an odd width needs one more column of padding.
  const stride = width + (width & 1) + 2 * reach;
  const plane = stride * (height + reach) + 2 * reach + 2;
  const squares = 2 * reach + 1;
  const values = 4 * plane + squares + EXP_SIZE + 1;
  densityKernel.use(8 * values, ({ densityOfRow }, memory, base) => {
    const all = new Float64Array(memory, base, values);
    const tableAt = 4 * plane + squares;
    expTable ??= Float64Array.from({ length: EXP_SIZE }, (_, n) => Math.exp(-n / EXP_STEPS));
    all.set(expTable, tableAt);
    all[tableAt + EXP_SIZE] = 0;
    for (let i = 0; i < squares; i++) all[4 * plane + i] = (i - reach) ** 2;
    all.fill(NOWHERE, 0, 3 * plane);
    for (let channel = 0; channel < 3; channel++) {
      for (let y = 0; y < height; y++) {
        const row = channel * pixels + y * width;
        all.set(lab.subarray(row, row + width), channel * plane + y * stride + reach);
      }
    }
    all.fill(0, 3 * plane, 4 * plane);
    const at = (index: number) => base + 8 * index;
    const planes = [0, 1, 2, 3].map((n) => at(n * plane + reach)) as [
      number,
      number,
      number,
      number,
    ];
    for (let y = 0; y < height; y++) {
      densityOfRow(
        ...planes,
        ...[at(4 * plane), at(tableAt), EXP_SIZE, EXP_STEPS] as const,
        ...[y, width, stride, reach, scale] as const,
      );
    }
    for (let y = 0, p = 0; y < height; y++) {
      const row = 3 * plane + y * stride + reach;
      // The pixel itself is at distance 0.
      for (let x = 0; x < width; x++, p++) density[p]! += all[row + x]! + 1;
    }
  });
}

/**
 * Links every pixel to the nearest one of higher density within `maxDist` and the window; ties go
 * to the first in row order. A pixel without one is its own parent.
 */
function linkUphill(
  lab: Float64Array,
  density: Float64Array,
  width: number,
  height: number,
  reach: number,
  maxDist: number,
): Int32Array {
  const pixels = width * height;
  const planeL = lab.subarray(0, pixels);
  const planeA = lab.subarray(pixels, 2 * pixels);
  const planeB = lab.subarray(2 * pixels);
  const { stepX, stepY, square } = rings(reach, maxDist);
  const steps = square.length;
  const parents = new Int32Array(pixels);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      const own = density[p]!;
      const l = planeL[p]!;
      const a = planeA[p]!;
      const b = planeB[p]!;
      let closest = Infinity;
      let parent = p;
      for (let i = 0; i < steps; i++) {
        if (square[i]! > closest) break;
        const dx = stepX[i]!;
        const dy = stepY[i]!;
        const qx = x + dx;
        const qy = y + dy;
        if (qx < 0 || qx >= width || qy < 0 || qy >= height) continue;
        const q = qy * width + qx;
        if (!(density[q]! > own)) continue;
        const dl = l - planeL[q]!;
        const da = a - planeA[q]!;
        const db = b - planeB[q]!;
        // One square after the other: the order of the sum decides near-ties.
        const distance = dl * dl + da * da + db * db + dy * dy + dx * dx;
        if (distance < closest || (distance === closest && q < parent)) {
          closest = distance;
          parent = q;
        }
      }
      parents[p] = Math.sqrt(closest) > maxDist ? p : parent;
    }
  }
  return parents;
}

/** The offsets of the window no farther than `maxDist`, by growing distance. */
function rings(reach: number, maxDist: number) {
  const limit = maxDist * maxDist * (1 + 1e-12);
  const offsets: { dx: number; dy: number; square: number }[] = [];
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      const square = dx * dx + dy * dy;
      if (square > 0 && square <= limit) offsets.push({ dx, dy, square });
    }
  }
  offsets.sort((a, b) => a.square - b.square);
  return {
    stepX: Int32Array.from(offsets, ({ dx }) => dx),
    stepY: Int32Array.from(offsets, ({ dy }) => dy),
    square: Float64Array.from(offsets, ({ square }) => square),
  };
}

/** Numbers the trees of a forest in the order of their roots; overwrites `parents`. */
function numberTrees(parents: Int32Array): Int32Array {
  const labels = new Int32Array(parents.length);
  let next = 0;
  for (let p = 0; p < parents.length; p++) if (parents[p] === p) labels[p] = next++;
  for (let p = 0; p < parents.length; p++) {
    let root = p;
    while (parents[root] !== root) root = parents[root]!;
    // Shorten the path for those who come after.
    for (let q = p; parents[q] !== root;) {
      const above = parents[q]!;
      parents[q] = root;
      q = above;
    }
    labels[p] = labels[root]!;
  }
  return labels;
}
