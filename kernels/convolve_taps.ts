/** Convolution of byte images with fixed-point taps, row by row and column by column. */

import { PRECISION_BITS, type Taps } from "./resize_taps.ts";

const HALF = 1 << (PRECISION_BITS - 1);

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
export function resizeRows(
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
export function resizeColumns(
  source: Uint8Array,
  rowBytes: number,
  firstRow: number,
  taps: Taps,
): Uint8Array {
  const target = new Uint8ClampedArray(taps.start.length * rowBytes);
  convolveColumns(source, rowBytes, firstRow, taps, target);
  return new Uint8Array(target.buffer);
}
