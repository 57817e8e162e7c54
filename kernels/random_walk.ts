/**
 * The random walk that spreads a CAM over pixels of like affinity (J. Ahn, S. Cho and S. Kwak,
 * "Weakly Supervised Learning of Instance Segmentation With Inter-Pixel Relations", CVPR 2019).
 *
 * The affinity of two pixels nearer than a radius is 1 less the largest edge on the path between
 * them, to the power of beta; a pixel's to itself is 1. Affinities normalised by their sums are the
 * walk's probabilities T, and the result is `(cam · (1 - edge)) · T^steps`.
 *
 * T is sparse, so it is applied to the few CAMs step by step instead of being raised to its power.
 * Not even all steps are needed: T is similar to a symmetric matrix with eigenvalues in -1..1, and
 * there x^n is a sum of Chebyshev polynomials T_k(x) with the binomial distribution's weights, of
 * which all beyond k ≈ √(2n·ln(2/ε)) sum to less than ε (S. Sachdeva and N. Vishnoi, "Faster
 * Algorithms via Approximation Theory", 2014). For 256 steps and ε = 1e-7 that is 92.
 */

import { affinityPaths } from "./affinity_paths.ts";
import { inRange } from "./image_arguments.ts";
import { interpolateBilinear } from "./interpolate.ts";
import { checkPlanes } from "./plane_arguments.ts";
import { walkWasm } from "./wasm/walk.ts";
import { WasmKernel } from "./wasm_kernel.ts";

/** Options of {@link randomWalk}. */
export interface RandomWalkOptions {
  /** Pixels nearer than this are neighbours, 1..64. Default: 5. */
  readonly radius?: number;
  /** Power the affinities are raised to, a whole number 1..1000. Default: 10. */
  readonly beta?: number;
  /** Steps of the walk, 0..65536. Default: 256. */
  readonly steps?: number;
  /** ε, the weight of Chebyshev polynomials that are left out, 0..0.1; 0 takes every step. Default: 1e-7. */
  readonly tolerance?: number;
  /** Called after every step; what it throws ends the walk. Default: nothing is. */
  readonly checkpoint?: () => void;
}

interface WalkFunctions {
  affinities(
    edge: number,
    path: number,
    length: number,
    power: number,
    dy: number,
    dx: number,
    width: number,
    height: number,
    out: number,
  ): void;
  normalize(
    planes: number,
    stride: number,
    offsets: number,
    count: number,
    pixels: number,
    out: number,
  ): void;
  step(...args: StepArguments): void;
  stepTwo(...args: [...StepArguments, apart: number]): void;
}

type StepArguments = [
  planes: number,
  stride: number,
  offsets: number,
  count: number,
  pixels: number,
  inverse: number,
  now: number,
  before: number,
  total: number,
  scale: number,
  less: number,
  share: number,
];

const kernel = new WasmKernel<WalkFunctions>(walkWasm);

/**
 * Walks from every pixel of some CAMs.
 *
 * @param cam `C×H×W`; not modified.
 * @param classes C.
 * @param edge `H×W`, 0..1: how much of an edge every pixel is.
 * @param width W; the strides of CAM and edge are the caller's matter (4 as a rule).
 * @returns `C×H×W`, a new array; about 1e-6 of the largest value off the exact result.
 * @throws {TypeError} An array is not of the size given.
 * @throws {RangeError} A size, an edge or an option is out of range, or the memory cannot be had.
 */
export function randomWalk(
  cam: Float32Array,
  classes: number,
  edge: Float32Array,
  width: number,
  height: number,
  options: RandomWalkOptions = {},
): Float32Array {
  const { radius = 5, beta = 10, steps = 256, tolerance = 1e-7, checkpoint } = options;
  checkPlanes(cam, classes, width, height, "the CAM", "walk");
  checkPlanes(edge, 1, width, height, "the edge map", "walk");
  inRange("beta", beta, 1, 1000, { whole: true });
  inRange("steps", steps, 0, 65536, { whole: true });
  inRange("tolerance", tolerance, 0, 0.1);
  for (let p = 0; p < edge.length; p++) {
    if (!(edge[p]! >= 0 && edge[p]! <= 1)) {
      throw new RangeError(`Cannot walk: the edge at pixel ${p} is ${edge[p]}, must be 0 to 1`);
    }
  }
  const paths = affinityPaths(radius);
  const shares = tolerance === 0 ? undefined : chebyshevShares(steps, tolerance);
  const count = shares === undefined ? steps : shares.length - 1;

  // Sizes in floats, multiples of 4.
  const pixels = width * height;
  const guard = align4((radius - 1) * (width + 1));
  const stride = guard + align4(pixels + 4);
  const vector = 2 * guard + align4(pixels + 4);
  const longest = paths.reduce((most, path) => Math.max(most, path.pixels.length), 0);
  const planesAt = 0;
  const edgeAt = planesAt + paths.length * stride;
  const inverseAt = edgeAt + vector;
  const pathAt = inverseAt + vector;
  const offsetsAt = pathAt + align4(longest);
  const vectorsAt = offsetsAt + align4(paths.length);
  const floats = vectorsAt + 3 * classes * vector;

  return kernel.use(4 * floats, (wasm, memory, base) => {
    const values = new Float32Array(memory, base, floats);
    const integers = new Int32Array(memory, base, floats);
    const at = (place: number) => base + 4 * place;
    // Where the first pixel of a plane and of a vector is.
    const firstPlane = planesAt + guard;
    const firstEdge = edgeAt + guard;
    const firstInverse = inverseAt + guard;

    values.fill(0, edgeAt, floats);
    values.set(edge, firstEdge);
    for (const [k, { dy, dx, pixels: path }] of paths.entries()) {
      integers.set(path.map(([y, x]) => 4 * (y * width + x)), pathAt);
      integers[offsetsAt + k] = 4 * (dy * width + dx);
      values.fill(0, planesAt + k * stride, planesAt + k * stride + guard);
      wasm.affinities(
        at(firstEdge),
        at(pathAt),
        path.length,
        beta,
        dy,
        dx,
        width,
        height,
        at(firstPlane + k * stride),
      );
    }
    const [planes, offsets] = [at(firstPlane), at(offsetsAt)];
    wasm.normalize(planes, stride, offsets, paths.length, pixels, at(firstInverse));

    // For every class: where the walk is, where it was, and the sum; `block` apart.
    const block = classes * vector;
    const firstVector = vectorsAt + guard;
    const firstTotal = firstVector + 2 * block;
    for (let c = 0; c < classes; c++) {
      const to = firstVector + c * vector;
      for (let p = 0; p < pixels; p++) values[to + p] = cam[c * pixels + p]! * (1 - edge[p]!);
      const share = shares === undefined ? Number(steps === 0) : shares[0]!;
      for (let p = 0; p < pixels; p++) values[to + 2 * block + p] = share * values[to + p]!;
    }
    let [now, before] = [firstVector, firstVector + block];
    for (let i = 1; i <= count; i++) {
      const [scale, less] = shares === undefined || i === 1 ? [1, 0] : [2, 1];
      const share = shares === undefined ? Number(i === count) : shares[i]!;
      for (let c = 0; c < classes; c += 2) {
        const shift = c * vector;
        const step: StepArguments = [
          planes,
          stride,
          offsets,
          paths.length,
          pixels,
          at(firstInverse),
          at(now + shift),
          at(before + shift),
          at(firstTotal + shift),
          scale,
          less,
          share,
        ];
        if (c + 1 < classes) wasm.stepTwo(...step, 4 * vector);
        else wasm.step(...step);
      }
      [now, before] = [before, now];
      checkpoint?.();
    }
    const walked = new Float32Array(classes * pixels);
    for (let c = 0; c < classes; c++) {
      const from = firstTotal + c * vector;
      walked.set(values.subarray(from, from + pixels), c * pixels);
    }
    return walked;
  });
}

function align4(count: number): number {
  return (count + 3) & ~3;
}

/**
 * Weights of T_0, T_1, … in x^n, without the last ones, which sum to at most `tolerance`. The weight
 * of T_k is twice (for k = 0, once) the binomial probability of (n - k) / 2 heads in n tosses.
 */
function chebyshevShares(n: number, tolerance: number): Float64Array {
  const shares = new Float64Array(n + 1);
  // From the middle outwards: C(n, n/2) / 2^n as a product near 1, then ratios of binomials.
  let heads = n >> 1;
  let probability = 1;
  for (let i = 1; i <= heads; i++) probability *= (n - heads + i) / i / 4;
  if (n % 2 === 1) probability /= 2;
  for (; heads >= 0; heads--) {
    const k = n - 2 * heads;
    shares[k] = k === 0 ? probability : 2 * probability;
    probability *= heads / (n - heads + 1);
  }
  let degree = n;
  for (let left = shares[n]!; degree > 0 && left <= tolerance; left += shares[degree]!) degree--;
  return shares.slice(0, degree + 1);
}

/**
 * Enlarges walked CAMs bilinearly by their stride, crops them to the image and divides them by the
 * largest value of all classes.
 *
 * @param walked `C×H×W`.
 * @param classes C.
 * @param imageWidth At most `options.stride · width`.
 * @param imageHeight The same.
 * @param options.stride Default: 4.
 * @returns `C×imageHeight×imageWidth`, a new array; unchanged zeros where nothing is above 0.
 * @throws {TypeError} `walked` is not of the size given.
 * @throws {RangeError} A size is out of range.
 */
export function enlargeWalk(
  walked: Float32Array,
  classes: number,
  width: number,
  height: number,
  imageWidth: number,
  imageHeight: number,
  { stride = 4 }: { readonly stride?: number } = {},
): Float32Array {
  checkPlanes(walked, classes, width, height, "the walk's result", "enlarge the walk");
  inRange("stride", stride, 1, 64, { whole: true });
  if (classes === 0) return new Float32Array(0);
  const crop = { cropHeight: imageHeight, cropWidth: imageWidth };
  const [outHeight, outWidth] = [stride * height, stride * width];
  const large = interpolateBilinear(walked, classes, height, width, outHeight, outWidth, crop);
  let maximum = 0;
  for (let i = 0; i < large.length; i++) if (large[i]! > maximum) maximum = large[i]!;
  if (maximum > 0) { for (let i = 0; i < large.length; i++) large[i] = large[i]! / maximum; }
  return large;
}
