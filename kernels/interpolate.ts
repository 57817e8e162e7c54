/**
 * Interpolation of float planes and label maps, following PyTorch's `interpolate(size=…)`.
 *
 * Unlike {@linkcode resizeImage} these do not antialias: an output position looks at its two
 * neighbours (bilinear) or one (nearest) along each axis, whatever the reduction. Source positions
 * are computed in single precision, as PyTorch does, because the choice of a neighbour hangs on it.
 */

/** Options of {@linkcode interpolateBilinear}. */
export interface InterpolateBilinearOptions {
  /** Corner pixels of input and output coincide (else: corners of the images). Default: `false`. */
  alignCorners?: boolean;
  /** Rows to compute, from the top. Default: `outHeight`. */
  cropHeight?: number;
  /** Columns to compute, from the left. Default: `outWidth`. */
  cropWidth?: number;
  /** Array to write to: `channels×cropHeight×cropWidth`. Default: a new one. */
  out?: Float32Array;
  /** Adds to the values in `out` instead of overwriting them. Default: `false`. */
  accumulate?: boolean;
}

/** The two neighbours of every output position on one axis, and the upper one's weight. */
interface Neighbours {
  readonly lower: Int32Array;
  readonly upper: Int32Array;
  readonly weight: Float32Array;
}

const fround = Math.fround;

function neighbours(
  inSize: number,
  outSize: number,
  count: number,
  alignCorners: boolean,
  fused: boolean,
): Neighbours {
  const lower = new Int32Array(count);
  const upper = new Int32Array(count);
  const weight = new Float32Array(count);
  const scale = alignCorners
    ? (outSize > 1 ? fround((inSize - 1) / (outSize - 1)) : 0)
    : fround(inSize / outSize);
  for (let i = 0; i < count; i++) {
    let position: number;
    // Equal sizes are a copy, without the rounding of the general formulas.
    if (inSize === outSize) position = i;
    else if (alignCorners) position = fround(scale * i);
    else {
      const product = scale * (i + 0.5);
      position = Math.max(0, fround((fused ? product : fround(product)) - 0.5));
    }
    const index = Math.min(Math.trunc(position), inSize - 1);
    lower[i] = index;
    upper[i] = Math.min(index + 1, inSize - 1);
    weight[i] = Math.min(Math.max(fround(position - index), 0), 1);
  }
  return { lower, upper, weight };
}

/** Interpolates one row of `source`, starting at `offset`, along the columns. */
function interpolateRow(
  source: Float32Array,
  offset: number,
  columns: Neighbours,
  target: Float32Array,
): void {
  const { lower, upper, weight } = columns;
  for (let x = 0; x < target.length; x++) {
    const left = source[offset + lower[x]!]!;
    target[x] = left + (source[offset + upper[x]!]! - left) * weight[x]!;
  }
}

function blendRows(
  above: Float32Array,
  below: Float32Array,
  weight: number,
  target: Float32Array,
): void {
  for (let x = 0; x < target.length; x++) {
    const a = above[x]!;
    target[x] = a + (below[x]! - a) * weight;
  }
}

function addBlendedRows(
  above: Float32Array,
  below: Float32Array,
  weight: number,
  target: Float32Array,
): void {
  for (let x = 0; x < target.length; x++) {
    const a = above[x]!;
    target[x] = target[x]! + a + (below[x]! - a) * weight;
  }
}

function checkSize(name: string, value: number, limit = Infinity): void {
  if (!Number.isInteger(value) || value < 1 || value > limit) {
    const range = limit === Infinity ? "≥ 1" : `from 1 to ${limit}`;
    throw new RangeError(`Cannot interpolate: ${name} is ${value}, expected an integer ${range}`);
  }
}

/**
 * Interpolates float planes bilinearly, as PyTorch's `interpolate(mode="bilinear", size=…)`.
 *
 * Agrees with PyTorch on x86 processors with AVX2 to 1e-6 of the largest neighbour.
 *
 * @param planes `channels×height×width`, row major; not modified
 * @param outHeight rows of the whole result, before cropping
 * @param outWidth columns of the whole result, before cropping
 * @returns `channels×cropHeight×cropWidth`: `options.out` where given, else a new array
 * @throws {TypeError} when `planes` or `out` is not of the size given, or `accumulate` lacks `out`
 * @throws {RangeError} when a size is not a positive integer, or a crop exceeds the result
 */
export function interpolateBilinear(
  planes: Float32Array,
  channels: number,
  height: number,
  width: number,
  outHeight: number,
  outWidth: number,
  options: InterpolateBilinearOptions = {},
): Float32Array {
  checkSize("channels", channels);
  checkSize("height", height);
  checkSize("width", width);
  checkSize("out height", outHeight);
  checkSize("out width", outWidth);
  const { alignCorners = false, accumulate = false } = options;
  const { cropHeight = outHeight, cropWidth = outWidth } = options;
  checkSize("crop height", cropHeight, outHeight);
  checkSize("crop width", cropWidth, outWidth);
  if (planes.length !== channels * height * width) {
    throw new TypeError(
      `Cannot interpolate: ${planes.length} values, expected ${channels}×${height}×${width}`,
    );
  }
  if (accumulate && options.out === undefined) {
    throw new TypeError("Cannot interpolate: accumulate needs an array to add to (out)");
  }
  const area = cropHeight * cropWidth;
  const out = options.out ?? new Float32Array(channels * area);
  if (out.length !== channels * area) {
    throw new TypeError(
      `Cannot interpolate: out has ${out.length} values, expected ` +
        `${channels}×${cropHeight}×${cropWidth}`,
    );
  }

  // PyTorch's kernel for small results fuses multiplication and subtraction (on processors that
  // can), the one for larger results does not; the source position differs by up to 1e-5 px.
  const fused = outHeight + outWidth <= 128;
  const rows = neighbours(height, outHeight, cropHeight, alignCorners, fused);
  const columns = neighbours(width, outWidth, cropWidth, alignCorners, fused);
  const blend = accumulate ? addBlendedRows : blendRows;

  // Source rows are stretched once and kept for as long as output rows lie between them.
  let above = new Float32Array(cropWidth);
  let below = new Float32Array(cropWidth);
  for (let c = 0; c < channels; c++) {
    let aboveRow = -1;
    let belowRow = -1;
    for (let y = 0; y < cropHeight; y++) {
      const lower = rows.lower[y]!;
      const weight = rows.weight[y]!;
      // A weight of zero needs no second row: half the work when sizes are equal.
      const upper = weight === 0 ? lower : rows.upper[y]!;
      if (lower !== aboveRow) {
        if (lower === belowRow) {
          [above, below] = [below, above];
          [aboveRow, belowRow] = [belowRow, aboveRow];
        } else {
          interpolateRow(planes, (c * height + lower) * width, columns, above);
          aboveRow = lower;
        }
      }
      if (upper !== lower && upper !== belowRow) {
        interpolateRow(planes, (c * height + upper) * width, columns, below);
        belowRow = upper;
      }
      const begin = c * area + y * cropWidth;
      const target = out.subarray(begin, begin + cropWidth);
      blend(above, upper === lower ? above : below, weight, target);
    }
  }
  return out;
}

function nearestIndices(inSize: number, outSize: number): Int32Array {
  const scale = fround(inSize / outSize);
  const indices = new Int32Array(outSize);
  for (let i = 0; i < outSize; i++) {
    indices[i] = Math.min(Math.trunc(fround(i * scale)), inSize - 1);
  }
  return indices;
}

/**
 * Interpolates a label map by its nearest neighbour, equal in every value to PyTorch's
 * `interpolate(mode="nearest", size=…)`: position `i` reads `floor(i · in / out)`.
 *
 * This is not what {@linkcode resizeImage}'s `"nearest"` does, which looks at pixel centres.
 *
 * @param labels `height×width`, row major; not modified
 * @returns `outHeight×outWidth`, always a new array
 * @throws {TypeError} when `labels` is not of the given size
 * @throws {RangeError} when a size is not a positive integer
 */
export function interpolateNearest(
  labels: Uint8Array,
  height: number,
  width: number,
  outHeight: number,
  outWidth: number,
): Uint8Array {
  checkSize("height", height);
  checkSize("width", width);
  checkSize("out height", outHeight);
  checkSize("out width", outWidth);
  if (labels.length !== height * width) {
    throw new TypeError(`Cannot interpolate: ${labels.length} labels, expected ${height}×${width}`);
  }
  const rows = nearestIndices(height, outHeight);
  const columns = nearestIndices(width, outWidth);
  const out = new Uint8Array(outHeight * outWidth);
  for (let y = 0; y < outHeight; y++) {
    const o = y * outWidth;
    if (y > 0 && rows[y] === rows[y - 1]) {
      out.copyWithin(o, o - outWidth, o);
      continue;
    }
    const row = rows[y]! * width;
    for (let x = 0; x < outWidth; x++) out[o + x] = labels[row + columns[x]!]!;
  }
  return out;
}
