/**
 * SLIC superpixels, equal to scikit-image's `slic` on colour images.
 *
 * k-means in the five dimensions (y, x, L, a, b), every cluster looking only at a window of two
 * grid steps around its centre. R. Achanta et al., "SLIC Superpixels Compared to State-of-the-Art
 * Superpixel Methods", TPAMI 2012.
 */

import { gaussianFilter } from "./gaussian_filter.ts";
import { checkRgb, inRange } from "./image_arguments.ts";
import { rgbToLab } from "./rgb_to_lab.ts";
import { type Clusters, runKMeans } from "./slic_clusters.ts";
import { enforceConnectivity } from "./slic_connectivity.ts";

/** Options of {@link slic}. */
export interface SlicOptions {
  /** Approximate number of superpixels, a whole number from 1 to 1000000. Default: 1000. */
  readonly segments?: number;
  /** Weight of nearness in space against nearness in colour, 1e-3..1e6. Default: 15. */
  readonly compactness?: number;
  /** Standard deviation in pixels of a smoothing in Lab beforehand, 0..100. Default: 1. */
  readonly sigma?: number;
  /** Rounds of k-means, a whole number from 1 to 100. Default: 10. */
  readonly iterations?: number;
  /** Cut and merge the clusters until every superpixel is connected. Default: true. */
  readonly connected?: boolean;
  /** Smallest connected superpixel as a share of the average size, 0..1. Default: 0.5. */
  readonly minSizeFactor?: number;
  /** Largest connected superpixel as a multiple of the average size, 1..1000. Default: 3. */
  readonly maxSizeFactor?: number;
}

/**
 * Divides an image into SLIC superpixels.
 *
 * @param rgb `H×W×3` bytes, taken as R, G, B; SILOP hands in B, G, R. Values are stretched to the
 *   image's own range first, so a dim image is divided like a bright one.
 * @param width W in pixels, ≥ 1.
 * @param height H in pixels, ≥ 1.
 * @returns `H×W` superpixel numbers from 1 up; without gaps if connected.
 * @throws {TypeError} `rgb` is not `H×W×3` bytes, or an option is not of its type.
 * @throws {RangeError} A size or an option is out of its range.
 */
export function slic(
  rgb: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
  options: SlicOptions = {},
): Int32Array {
  const {
    segments = 1000,
    compactness = 15,
    sigma = 1,
    iterations = 10,
    connected = true,
    minSizeFactor = 0.5,
    maxSizeFactor = 3,
  } = options;
  checkRgb(rgb, width, height, "run SLIC");
  inRange("segments", segments, 1, 1e6, { whole: true });
  inRange("compactness", compactness, 1e-3, 1e6);
  inRange("sigma", sigma, 0, 100);
  inRange("iterations", iterations, 1, 100, { whole: true });
  inRange("minSizeFactor", minSizeFactor, 0, 1);
  inRange("maxSizeFactor", maxSizeFactor, 1, 1000);
  if (typeof connected !== "boolean") {
    throw new TypeError(`Option connected must be true or false, not ${connected}`);
  }

  const pixels = width * height;
  const lab = rgbToLab(rgb, { stretch: true });
  gaussianFilter(lab, width, height, sigma);
  const scale = 1 / compactness;
  for (let i = 0; i < lab.length; i++) lab[i]! *= scale;

  const clusters = gridClusters(width, height, segments);
  const nearest = runKMeans(lab, width, height, clusters, iterations);
  if (!connected) return nearest.map((k) => k + 1);
  const size = pixels / (clusters.centres.length / 5);
  const minSize = Math.trunc(minSizeFactor * size);
  const maxSize = Math.trunc(maxSizeFactor * size);
  return enforceConnectivity(nearest, width, height, minSize, maxSize);
}

/**
 * Clusters on a grid of about `count` points, as close to square as the image allows: an axis
 * shorter than the square's side gets a single row of points, and the other axis shares them out.
 * Colours start at zero.
 */
function gridClusters(width: number, height: number, count: number): Clusters {
  const [alongX, alongY] = gridSteps(width, height, count);
  const startX = Math.floor(alongX / 2);
  const startY = Math.floor(alongY / 2);
  const stepX = roundHalfEven(alongX);
  const stepY = roundHalfEven(alongY);
  const columns = Math.ceil((width - startX) / stepX);
  const rows = Math.ceil((height - startY) / stepY);
  const centres = new Float64Array(5 * rows * columns);
  for (let row = 0, k = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, k += 5) {
      centres[k] = startY + row * stepY;
      centres[k + 1] = startX + column * stepX;
    }
  }
  return { centres, stepX, stepY };
}

/** Spacing of the grid along x and y, in pixels. */
function gridSteps(width: number, height: number, count: number): readonly [number, number] {
  const area = width * height;
  if (area <= count) return [1, 1];
  const side = Math.sqrt(area / count);
  const short = Math.min(width, height);
  if (short >= side) return [side, side];
  const long = Math.max(width, height) / count;
  return width <= height ? [short, long] : [long, short];
}

/** Rounds to the nearest whole number, halves to the even one. */
function roundHalfEven(v: number): number {
  const floor = Math.floor(v);
  const rest = v - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
