/**
 * Dense conditional random fields with Gaussian edge potentials, by mean-field inference.
 *
 * P. Krähenbühl and V. Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge
 * Potentials", NIPS 2011, with the Potts model. In every step each pixel's distribution is set to
 * the softmax of its negative energy plus, for every kernel, `compat` times the filtered
 * distributions of all pixels. The library pydensecrf is followed (kernel DIAG_KERNEL, normalisation
 * NORMALIZE_SYMMETRIC); see `permutohedral_lattice.ts`.
 *
 * A lattice depends on the image alone: build it once for all CRFs of an image.
 */

import { inRange } from "./image_arguments.ts";
import {
  bilateralLattice,
  gaussianLattice,
  latticeFactor,
  LatticeWriter,
  meanField,
  MemoryLayout,
  type PermutohedralLattice,
} from "./permutohedral_lattice.ts";

/** A kernel of a CRF: a filter and its weight. */
export interface CrfKernel {
  readonly lattice: PermutohedralLattice;
  /** Energy of a neighbour of another label, in units of the filter. */
  readonly compat: number;
}

/** Parameters of {@link crfKernels}; the defaults are those of the labels' CRF. */
export interface CrfKernelOptions {
  /** Standard deviation of the smoothness kernel, in pixels. Default: 3. */
  readonly gaussianSxy?: number;
  /** Weight of the smoothness kernel. Default: 3. */
  readonly gaussianCompat?: number;
  /** Standard deviation of the appearance kernel, in pixels. Default: 50; 80 for probabilities. */
  readonly bilateralSxy?: number;
  /** The same in steps of 0..255. Default: 5; 13 for probabilities. */
  readonly bilateralSrgb?: number;
  /** Weight of the appearance kernel. Default: 10. */
  readonly bilateralCompat?: number;
  /** Called after each of the two kernels; what it throws ends the work. Default: nothing is. */
  readonly checkpoint?: () => void;
}

/** Options of {@link inferDenseCrf}. */
export interface InferDenseCrfOptions {
  /** Mean-field updates, 0..1000. Default: 10. */
  readonly steps?: number;
  /**
   * Called before the first update and after every one, unless there is one label alone; what it throws
   * ends the work. It must not call kernels, whose memory is at work. Default: nothing is.
   */
  readonly checkpoint?: () => void;
}

/** The most labels of one CRF. */
const MAX_LABELS = 256;

/**
 * The usual two kernels of an image: smoothness (near pixels) and appearance (near pixels of like
 * colour).
 *
 * @param rgb `H×W×3` bytes.
 * @throws {TypeError} `rgb` is not `H×W×3` bytes.
 * @throws {RangeError} A size is no image size, or a parameter is out of range.
 */
export function crfKernels(
  rgb: Uint8Array,
  width: number,
  height: number,
  options: CrfKernelOptions = {},
): CrfKernel[] {
  const { gaussianSxy = 3, gaussianCompat = 3 } = options;
  const { bilateralSxy = 50, bilateralSrgb = 5, bilateralCompat = 10 } = options;
  const { checkpoint = () => {} } = options;
  const sigmas = { sxy: bilateralSxy, srgb: bilateralSrgb };
  const near = gaussianLattice(width, height, { sxy: gaussianSxy });
  checkpoint();
  const alike = bilateralLattice(rgb, width, height, sigmas);
  checkpoint();
  return [
    { lattice: near, compat: gaussianCompat },
    { lattice: alike, compat: bilateralCompat },
  ];
}

/**
 * Infers the labels' distributions.
 *
 * @param unary `labels×pixels` energies: negative logarithms of probabilities.
 * @param labels Number of labels, 1..256.
 * @param kernels All of the same image; none leaves the softmax of `-unary`.
 * @returns `labels×pixels` probabilities, a new array.
 * @throws {TypeError} `unary` is not whole planes, or a kernel is of another number of pixels.
 * @throws {RangeError} An option is out of range, or the memory cannot be had.
 */
export function inferDenseCrf(
  unary: Float32Array,
  labels: number,
  kernels: readonly CrfKernel[],
  options: InferDenseCrfOptions = {},
): Float32Array {
  const { steps = 10, checkpoint = () => {} } = options;
  inRange("labels", labels, 1, MAX_LABELS, { whole: true });
  inRange("steps", steps, 0, 1000, { whole: true });
  const points = unary.length / labels;
  if (!Number.isInteger(points) || points === 0) {
    throw new TypeError(
      `Cannot infer labels: ${unary.length} energies are not ${labels} whole planes`,
    );
  }
  for (const { lattice, compat } of kernels) {
    if (lattice.points !== points) {
      throw new TypeError(
        `Cannot infer labels: a kernel is of ${lattice.points} pixels, the energies of ${points}`,
      );
    }
    inRange("compat", compat, -1e6, 1e6);
  }
  if (labels === 1) return new Float32Array(points).fill(1);

  const vectors = Math.ceil((labels - 1) / 4);
  const stride = labels === 2 ? 1 : 4 * vectors;
  const padded = Math.ceil(points / 4) * 4;
  const layout = new MemoryLayout();
  const writer = new LatticeWriter(layout, kernels.map((k) => k.lattice), stride * 4);
  const relativeAt = layout.take(padded * stride * 4);
  const constantAt = layout.take(padded * 4);
  const outAt = layout.take(labels * points * 4);
  return meanField.use(layout.bytes, (wasm, memory, base) => {
    const factors = kernels.map((k) => k.compat * latticeFactor(k.lattice.dimensions));
    writer.write(memory, base, factors);
    writeRelative(new Float32Array(memory, base + relativeAt, padded * stride), unary, labels);
    const constant = new Float32Array(memory, base + constantAt, padded).fill(0);
    for (const { lattice, compat } of kernels) {
      const { ones } = lattice;
      for (let p = 0; p < points; p++) constant[p] = constant[p]! + compat * ones[p]!;
    }
    const records = base + writer.recordsAt;
    const [relative, out] = [base + relativeAt, base + outAt];
    const sums = base + constantAt;
    const common = [records, kernels.length, points, relative, sums] as const;
    for (let step = 0; step <= steps; step++) {
      const last = step === steps;
      if (labels === 2) wasm.inferTwo(...common, step, last, out);
      else wasm.inferMany(...common, labels, vectors, step, last, out);
      checkpoint();
    }
    return new Float32Array(memory, out, labels * points).slice();
  });
}

/** Energy of the last label less that of each other one, point by point; -1e30 where no label is. */
function writeRelative(relative: Float32Array, unary: Float32Array, labels: number): void {
  const points = unary.length / labels;
  const stride = labels === 2 ? 1 : 4 * Math.ceil((labels - 1) / 4);
  const last = (labels - 1) * points;
  if (stride > labels - 1) relative.fill(-1e30);
  for (let l = 0; l < labels - 1; l++) {
    const plane = l * points;
    for (let p = 0, to = l; p < points; p++, to += stride) {
      relative[to] = unary[last + p]! - unary[plane + p]!;
    }
  }
}

/**
 * Energies of a label map that is right with a given probability, as pydensecrf's
 * `unary_from_labels(…, zero_unsure=False)`: all other labels share the rest evenly.
 *
 * @param map A label 0..labels-1 for each pixel.
 * @param labels Number of labels, 2..256.
 * @param certainty Probability that the map is right, 0 < certainty < 1. Default: 0.7.
 * @returns `labels×pixels` energies.
 * @throws {RangeError} A label or an option is out of range.
 */
export function unaryFromLabels(
  map: Uint8Array,
  labels: number,
  { certainty = 0.7 }: { readonly certainty?: number } = {},
): Float32Array {
  inRange("labels", labels, 2, MAX_LABELS, { whole: true });
  if (!(certainty > 0 && certainty < 1)) {
    throw new RangeError(`Option certainty is ${certainty}, must be between 0 and 1`);
  }
  const pixels = map.length;
  const unary = new Float32Array(labels * pixels).fill(-Math.log((1 - certainty) / (labels - 1)));
  const own = -Math.log(certainty);
  for (let p = 0; p < pixels; p++) {
    const label = map[p]!;
    if (label >= labels) {
      throw new RangeError(`Cannot weigh labels: pixel ${p} is ${label}, there are ${labels}`);
    }
    unary[label * pixels + p] = own;
  }
  return unary;
}

/**
 * Energies of probabilities, as pydensecrf's `unary_from_softmax`: their negative logarithm.
 *
 * @param probabilities `labels×pixels`, 0..1.
 * @param floor Probabilities below are raised to it, so that none costs without bound. Default: 1e-5.
 * @returns `labels×pixels` energies.
 * @throws {RangeError} `floor` is not above 0 and at most 1.
 */
export function unaryFromProbabilities(
  probabilities: Float32Array,
  { floor = 1e-5 }: { readonly floor?: number } = {},
): Float32Array {
  inRange("floor", floor, Number.MIN_VALUE, 1);
  const unary = new Float32Array(probabilities.length);
  for (let i = 0; i < unary.length; i++) {
    unary[i] = -Math.log(Math.min(Math.max(probabilities[i]!, floor), 1));
  }
  return unary;
}

/**
 * The most probable label of every pixel; of equal ones the first.
 *
 * @param planes `labels×pixels`, any numbers.
 * @param labels Number of labels, 1..256.
 * @throws {TypeError} `planes` is not whole planes.
 * @throws {RangeError} `labels` is out of range.
 */
export function argmaxPlanes(planes: Float32Array, labels: number): Uint8Array {
  inRange("labels", labels, 1, MAX_LABELS, { whole: true });
  const pixels = planes.length / labels;
  if (!Number.isInteger(pixels)) {
    throw new TypeError(`${planes.length} values are not ${labels} whole planes`);
  }
  const result = new Uint8Array(pixels);
  const best = planes.slice(0, pixels);
  for (let l = 1, i = pixels; l < labels; l++) {
    for (let p = 0; p < pixels; p++, i++) {
      if (planes[i]! > best[p]!) {
        best[p] = planes[i]!;
        result[p] = l;
      }
    }
  }
  return result;
}
