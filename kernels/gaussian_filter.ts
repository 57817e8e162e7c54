/**
 * Separable Gaussian smoothing of one float plane, as `scipy.ndimage.gaussian_filter` defines it:
 * truncated at four standard deviations, the border mirrored about the edge of the outermost pixel
 * (`d c b a | a b c d | d c b a`), sums of symmetric pairs from the farthest to the nearest.
 */

/**
 * The taps `w[0..radius]` of a unit-sum Gaussian, the centre first; the kernel is symmetric.
 *
 * @param sigma Standard deviation in pixels, > 0.
 * @param truncate Radius in standard deviations. Default: 4.
 */
export function gaussianTaps(sigma: number, truncate = 4): Float64Array {
  const radius = Math.trunc(truncate * sigma + 0.5);
  const taps = new Float64Array(radius + 1);
  let sum = 0;
  for (let i = -radius; i <= radius; i++) {
    const w = Math.exp((-0.5 / (sigma * sigma)) * (i * i));
    taps[Math.abs(i)] = w;
    sum += w;
  }
  for (let i = 0; i <= radius; i++) taps[i]! /= sum;
  return taps;
}

/**
 * Smooths one plane in place.
 *
 * @param plane `H×W` values, overwritten.
 * @param width W in pixels, ≥ 1.
 * @param height H in pixels, ≥ 1.
 * @param sigma Standard deviation in pixels along both axes, ≥ 0; 0 leaves the plane as it is.
 * @throws {TypeError} `plane` does not hold `width · height` values.
 * @throws {RangeError} `sigma` is negative or not finite.
 */
export function gaussianFilter(
  plane: Float64Array,
  width: number,
  height: number,
  sigma: number,
): void {
  if (plane.length !== width * height) {
    throw new TypeError(
      `Cannot smooth: the plane holds ${plane.length} values, ${width}×${height} need ${
        width * height
      }`,
    );
  }
  if (!(sigma >= 0 && Number.isFinite(sigma))) {
    throw new RangeError(`Cannot smooth: sigma is ${sigma}, must be 0 or more`);
  }
  const taps = sigma > 0 ? gaussianTaps(sigma) : new Float64Array([1]);
  if (taps.length === 1) return;
  smoothColumns(plane, width, height, taps);
  smoothRows(plane, width, height, taps);
}

/** Along y, a ring of untouched source rows standing in for a second plane. */
function smoothColumns(plane: Float64Array, width: number, height: number, taps: Float64Array) {
  const radius = taps.length - 1;
  const ringRows = Math.min(height, 2 * radius + 1);
  const ring = new Float64Array(ringRows * width);
  const centre = taps[0]!;
  let loaded = 0;
  for (let y = 0; y < height; y++) {
    for (const end = Math.min(height, y + radius + 1); loaded < end; loaded++) {
      ring.set(
        plane.subarray(loaded * width, loaded * width + width),
        (loaded % ringRows) * width,
      );
    }
    const out = y * width;
    const own = (y % ringRows) * width;
    for (let x = 0; x < width; x++) plane[out + x] = ring[own + x]! * centre;
    for (let j = radius; j >= 1; j--) {
      const above = (mirror(y - j, height) % ringRows) * width;
      const below = (mirror(y + j, height) % ringRows) * width;
      const weight = taps[j]!;
      for (let x = 0; x < width; x++) {
        plane[out + x]! += (ring[above + x]! + ring[below + x]!) * weight;
      }
    }
  }
}

/** Along x, one padded row at a time. */
function smoothRows(plane: Float64Array, width: number, height: number, taps: Float64Array) {
  const radius = taps.length - 1;
  const line = new Float64Array(width + 2 * radius);
  const source = new Int32Array(2 * radius);
  for (let j = 0; j < radius; j++) {
    source[j] = mirror(j - radius, width);
    source[radius + j] = mirror(width + j, width);
  }
  const centre = taps[0]!;
  for (let y = 0; y < height; y++) {
    const row = y * width;
    line.set(plane.subarray(row, row + width), radius);
    for (let j = 0; j < radius; j++) {
      line[j] = plane[row + source[j]!]!;
      line[radius + width + j] = plane[row + source[radius + j]!]!;
    }
    for (let x = 0; x < width; x++) {
      const at = x + radius;
      let sum = line[at]! * centre;
      for (let j = radius; j >= 1; j--) sum += (line[at - j]! + line[at + j]!) * taps[j]!;
      plane[row + x] = sum;
    }
  }
}

/** The pixel that stands at `i` when the line of `size` pixels is mirrored about its edges. */
function mirror(i: number, size: number): number {
  const period = 2 * size;
  const at = ((i % period) + period) % period;
  return at < size ? at : period - 1 - at;
}
