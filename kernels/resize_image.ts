/**
 * Resizing of byte images, equal in every byte to Pillow's `Image.resize`.
 *
 * Pillow's convolution filters are separable and antialiased: when an image shrinks, the filter
 * widens with the reduction factor, so every source pixel counts. Both passes work on fixed-point
 * coefficients with 22 fractional bits and round to bytes in between. Published results of the
 * multi-scale stages come from images resized this way; a float resize would differ by one grey
 * level in many pixels.
 */

/** A resampling filter of Pillow's `Image.resize`. */
export type ResizeFilter = "bicubic" | "bilinear" | "box" | "lanczos" | "nearest";

/** A part of an image, in pixels. */
export interface ResizeWindow {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Options of {@linkcode resizeImage}. */
export interface ResizeImageOptions {
  /** Resampling filter. Default: `"bicubic"` (a = −0.5). */
  filter?: ResizeFilter;
  /** The part of the result that is wanted; the rest is not computed. Default: all of it. */
  window?: ResizeWindow;
}

/** Fractional bits of the coefficients: 32 − 8 bits of the result − 2 for overshoot and sign. */
const PRECISION_BITS = 32 - 8 - 2;
const HALF = 1 << (PRECISION_BITS - 1);

/** A convolution kernel and the radius outside which it is zero. */
interface Kernel {
  readonly support: number;
  readonly weight: (x: number) => number;
}

function sinc(x: number): number {
  if (x === 0) return 1;
  const angle = x * Math.PI;
  return Math.sin(angle) / angle;
}

const KERNELS: Readonly<Record<Exclude<ResizeFilter, "nearest">, Kernel>> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    support: 2,
    weight: (x) => {
      const a = -0.5;
      const d = Math.abs(x);
      if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
      if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
      return 0;
    },
  },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/**
 * The taps of one axis. Output position `i` reads `count[i]` source positions from `start[i]` on,
 * with the weights `weights[i · stride …]`.
 */
interface Taps {
  readonly stride: number;
  readonly start: Int32Array;
  readonly count: Int32Array;
  readonly weights: Int32Array;
}

function computeTaps(inSize: number, outSize: number, kernel: Kernel): Taps {
  const scale = inSize / outSize;
  const filterScale = Math.max(scale, 1);
  const support = kernel.support * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const start = new Int32Array(outSize);
  const count = new Int32Array(outSize);
  const weights = new Int32Array(outSize * stride);
  const real = new Float64Array(stride);
  const inverse = 1 / filterScale;
  for (let i = 0; i < outSize; i++) {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const taps = Math.min(inSize, Math.trunc(center + support + 0.5)) - first;
    let sum = 0;
    for (let t = 0; t < taps; t++) {
      const weight = kernel.weight((t + first - center + 0.5) * inverse);
      real[t] = weight;
      sum += weight;
    }
    for (let t = 0; t < taps; t++) {
      const weight = (sum === 0 ? real[t]! : real[t]! / sum) * (1 << PRECISION_BITS);
      weights[i * stride + t] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    start[i] = first;
    count[i] = taps;
  }
  return { stride, start, count, weights };
}

/** The taps of `length` output positions from `from` on. */
function cutTaps({ stride, start, count, weights }: Taps, from: number, length: number): Taps {
  return {
    stride,
    start: start.subarray(from, from + length),
    count: count.subarray(from, from + length),
    weights: weights.subarray(from * stride, (from + length) * stride),
  };
}

/**
 * Convolves `rows` rows of three interleaved channels, from row `firstRow` of `source` on. Two rows
 * at a time, so that every weight is loaded once for six products.
 */
function convolveRows3(
  source: Uint8Array,
  width: number,
  firstRow: number,
  rows: number,
  taps: Taps,
  target: Uint8ClampedArray,
): void {
  const { stride, start, count, weights } = taps;
  const outWidth = start.length;
  for (let y = 0; y < rows; y += 2) {
    // A last single row is paired with itself.
    const paired = y + 1 < rows;
    const below = paired ? width * 3 : 0;
    const outBelow = paired ? outWidth * 3 : 0;
    const row = (firstRow + y) * width * 3;
    let o = y * outWidth * 3;
    for (let x = 0; x < outWidth; x++, o += 3) {
      let s = row + start[x]! * 3;
      let k = x * stride;
      const end = k + count[x]!;
      let r0 = HALF, g0 = HALF, b0 = HALF;
      let r1 = HALF, g1 = HALF, b1 = HALF;
      for (; k < end; k++, s += 3) {
        const weight = weights[k]!;
        const t = s + below;
        r0 = (r0 + Math.imul(source[s]!, weight)) | 0;
        g0 = (g0 + Math.imul(source[s + 1]!, weight)) | 0;
        b0 = (b0 + Math.imul(source[s + 2]!, weight)) | 0;
        r1 = (r1 + Math.imul(source[t]!, weight)) | 0;
        g1 = (g1 + Math.imul(source[t + 1]!, weight)) | 0;
        b1 = (b1 + Math.imul(source[t + 2]!, weight)) | 0;
      }
      const p = o + outBelow;
      target[o] = r0 >> PRECISION_BITS;
      target[o + 1] = g0 >> PRECISION_BITS;
      target[o + 2] = b0 >> PRECISION_BITS;
      target[p] = r1 >> PRECISION_BITS;
      target[p + 1] = g1 >> PRECISION_BITS;
      target[p + 2] = b1 >> PRECISION_BITS;
    }
  }
}

/** As {@linkcode convolveRows3} for any number of interleaved channels. */
function convolveRows(
  source: Uint8Array,
  width: number,
  channels: number,
  firstRow: number,
  rows: number,
  taps: Taps,
  target: Uint8ClampedArray,
): void {
  const { stride, start, count, weights } = taps;
  const outWidth = start.length;
  let o = 0;
  for (let y = 0; y < rows; y++) {
    const row = (firstRow + y) * width * channels;
    for (let x = 0; x < outWidth; x++) {
      const begin = x * stride;
      const end = begin + count[x]!;
      for (let c = 0; c < channels; c++, o++) {
        let s = row + start[x]! * channels + c;
        let sum = HALF;
        for (let k = begin; k < end; k++, s += channels) {
          sum = (sum + Math.imul(source[s]!, weights[k]!)) | 0;
        }
        target[o] = sum >> PRECISION_BITS;
      }
    }
  }
}

/** `accumulator += w0·s0 + w1·s1 + w2·s2 + w3·s3`, byte row by byte row. */
function addFourRows(
  accumulator: Int32Array,
  s0: Uint8Array,
  s1: Uint8Array,
  s2: Uint8Array,
  s3: Uint8Array,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
): void {
  for (let x = 0; x < accumulator.length; x++) {
    accumulator[x] = (accumulator[x]! + Math.imul(s0[x]!, w0) + Math.imul(s1[x]!, w1) +
      Math.imul(s2[x]!, w2) + Math.imul(s3[x]!, w3)) | 0;
  }
}

/** As {@linkcode addFourRows}, but rounds the sums to bytes in `target`. */
function storeFourRows(
  target: Uint8ClampedArray,
  accumulator: Int32Array,
  s0: Uint8Array,
  s1: Uint8Array,
  s2: Uint8Array,
  s3: Uint8Array,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
): void {
  for (let x = 0; x < target.length; x++) {
    const sum = (accumulator[x]! + Math.imul(s0[x]!, w0) + Math.imul(s1[x]!, w1) +
      Math.imul(s2[x]!, w2) + Math.imul(s3[x]!, w3)) | 0;
    target[x] = sum >> PRECISION_BITS;
  }
}

/**
 * Convolves the columns of `source`, whose rows are `rowBytes` long and whose first row is row
 * `firstRow` of the image. Channels need no care here: every byte meets only those below it. Whole
 * rows are added four at a time, which keeps the weights in registers.
 */
function convolveColumns(
  source: Uint8Array,
  rowBytes: number,
  firstRow: number,
  taps: Taps,
  target: Uint8ClampedArray,
): void {
  const { stride, start, count, weights } = taps;
  const accumulator = new Int32Array(rowBytes);
  for (let y = 0; y < start.length; y++) {
    const out = target.subarray(y * rowBytes, (y + 1) * rowBytes);
    const taps = count[y]!;
    const first = start[y]! - firstRow;
    accumulator.fill(HALF);
    for (let t = 0; t < taps; t += 4) {
      // Missing rows of the last four count with weight zero.
      const last = taps - 1;
      const k = y * stride + t;
      const w0 = weights[k]!;
      const w1 = t + 1 <= last ? weights[k + 1]! : 0;
      const w2 = t + 2 <= last ? weights[k + 2]! : 0;
      const w3 = t + 3 <= last ? weights[k + 3]! : 0;
      const b0 = (first + t) * rowBytes;
      const b1 = (first + Math.min(t + 1, last)) * rowBytes;
      const b2 = (first + Math.min(t + 2, last)) * rowBytes;
      const b3 = (first + Math.min(t + 3, last)) * rowBytes;
      const s0 = source.subarray(b0, b0 + rowBytes);
      const s1 = source.subarray(b1, b1 + rowBytes);
      const s2 = source.subarray(b2, b2 + rowBytes);
      const s3 = source.subarray(b3, b3 + rowBytes);
      if (t + 4 < taps) addFourRows(accumulator, s0, s1, s2, s3, w0, w1, w2, w3);
      else storeFourRows(out, accumulator, s0, s1, s2, s3, w0, w1, w2, w3);
    }
  }
}

/** Resizes along the rows; reads only rows `firstRow` to `firstRow + rows − 1`. */
function resizeRows(
  source: Uint8Array,
  width: number,
  channels: number,
  firstRow: number,
  rows: number,
  taps: Taps,
): Uint8Array {
  const target = new Uint8ClampedArray(rows * taps.start.length * channels);
  if (channels === 3) convolveRows3(source, width, firstRow, rows, taps, target);
  else convolveRows(source, width, channels, firstRow, rows, taps, target);
  return new Uint8Array(target.buffer);
}

/** Resizes along the columns; `source` begins at row `firstRow` of the image. */
function resizeColumns(
  source: Uint8Array,
  rowBytes: number,
  firstRow: number,
  taps: Taps,
): Uint8Array {
  const target = new Uint8ClampedArray(taps.start.length * rowBytes);
  convolveColumns(source, rowBytes, firstRow, taps, target);
  return new Uint8Array(target.buffer);
}

/**
 * The source position of every output position for the nearest neighbour. Pillow adds the step up
 * instead of multiplying it, which decides which neighbour an exact half belongs to.
 */
function nearestPositions(inSize: number, outSize: number): Int32Array {
  const step = inSize / outSize;
  const positions = new Int32Array(outSize);
  let position = step * 0.5;
  for (let i = 0; i < outSize; i++) {
    positions[i] = Math.min(inSize - 1, Math.trunc(position));
    position += step;
  }
  return positions;
}

function resizeNearest(
  data: Uint8Array,
  width: number,
  height: number,
  channels: number,
  newWidth: number,
  newHeight: number,
  window: ResizeWindow,
): Uint8Array {
  const { left, top } = window;
  const columns = nearestPositions(width, newWidth).subarray(left, left + window.width);
  const rows = nearestPositions(height, newHeight).subarray(top, top + window.height);
  const out = new Uint8Array(columns.length * rows.length * channels);
  const rowBytes = columns.length * channels;
  for (let y = 0; y < rows.length; y++) {
    let o = y * rowBytes;
    if (y > 0 && rows[y] === rows[y - 1]) {
      out.copyWithin(o, o - rowBytes, o);
      continue;
    }
    const row = rows[y]! * width * channels;
    for (let x = 0; x < columns.length; x++) {
      const s = row + columns[x]! * channels;
      for (let c = 0; c < channels; c++) out[o++] = data[s + c]!;
    }
  }
  return out;
}

function checkWindow(
  { left, top, width, height }: ResizeWindow,
  newWidth: number,
  newHeight: number,
): void {
  checkSize("window width", width);
  checkSize("window height", height);
  const inside = Number.isInteger(left) && Number.isInteger(top) && left >= 0 && top >= 0 &&
    left + width <= newWidth && top + height <= newHeight;
  if (!inside) {
    throw new RangeError(
      `Cannot resize image: the window of ${width}×${height} px at ${left}, ${top} is not inside of ` +
        `${newWidth}×${newHeight} px`,
    );
  }
}

function checkSize(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`Cannot resize image: ${name} is ${value}, expected an integer ≥ 1`);
  }
}

/**
 * Resizes an image of interleaved bytes, equal in every byte to Pillow's `Image.resize` (its
 * `reducing_gap` and `box` left at their defaults).
 *
 * @param data `height×width×channels` bytes, row major; not modified
 * @param width columns of `data`
 * @param height rows of `data`
 * @param channels interleaved channels, treated alike (none is alpha)
 * @param newWidth columns of the result
 * @param newHeight rows of the result
 * @returns `newHeight×newWidth×channels` bytes, or those of the window, always a new array
 * @throws {TypeError} when `data` is not of the given size, or the filter is unknown
 * @throws {RangeError} when a size is not a positive integer, or the window is not inside of the result
 */
export function resizeImage(
  data: Uint8Array,
  width: number,
  height: number,
  channels: number,
  newWidth: number,
  newHeight: number,
  options: ResizeImageOptions = {},
): Uint8Array {
  checkSize("width", width);
  checkSize("height", height);
  checkSize("channels", channels);
  checkSize("new width", newWidth);
  checkSize("new height", newHeight);
  if (data.length !== width * height * channels) {
    throw new TypeError(
      `Cannot resize image: ${data.length} bytes, expected ${height}×${width}×${channels}`,
    );
  }
  const filter = options.filter ?? "bicubic";
  if (filter !== "nearest" && !Object.hasOwn(KERNELS, filter)) {
    throw new TypeError(`Cannot resize image: unknown filter "${filter}"`);
  }
  const whole = { left: 0, top: 0, width: newWidth, height: newHeight };
  const { window = whole } = options;
  checkWindow(window, newWidth, newHeight);
  const isWhole = window.width === newWidth && window.height === newHeight;
  if (isWhole && newWidth === width && newHeight === height) return data.slice();
  if (filter === "nearest") {
    return resizeNearest(data, width, height, channels, newWidth, newHeight, window);
  }

  // An axis that keeps its size is left alone, or only cut: its taps are 1 and 0.
  const kernel = KERNELS[filter];
  const across = newWidth === width && window.width === newWidth
    ? undefined
    : cutTaps(computeTaps(width, newWidth, kernel), window.left, window.width);
  const down = newHeight === height && window.height === newHeight
    ? undefined
    : cutTaps(computeTaps(height, newHeight, kernel), window.top, window.height);
  if (across === undefined) return resizeColumns(data, width * channels, 0, down!);
  if (down === undefined) return resizeRows(data, width, channels, 0, height, across);

  // The order shows in the last bit, because bytes are rounded in between. It is Pillow 13's: rows
  // first, unless the height loses more than twice as many pixels as the width. Older releases
  // always take rows first.
  if (height > newHeight && height - newHeight > (width - newWidth) * 2) {
    const between = resizeColumns(data, width * channels, 0, down);
    return resizeRows(between, width, channels, 0, window.height, across);
  }
  const firstRow = down.start[0]!;
  const rows = down.start[window.height - 1]! + down.count[window.height - 1]! - firstRow;
  const between = resizeRows(data, width, channels, firstRow, rows, across);
  return resizeColumns(between, window.width * channels, firstRow, down);
}
