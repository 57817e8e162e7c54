/** Logits per class and pixel: adding mirrored ones, and probabilities. */

/**
 * Adds planes that were computed on the mirrored image: `logits + flip(mirrored)`, in place.
 *
 * @param logits `C×H×W`; overwritten with the sum.
 * @param mirrored `C×H×W`, of the image flipped left and right.
 * @throws {TypeError} The planes differ in size or are not whole rows.
 */
export function addMirrored(
  logits: Float32Array,
  mirrored: Float32Array,
  width: number,
): Float32Array {
  if (logits.length !== mirrored.length || logits.length % width !== 0) {
    throw new TypeError(
      `Cannot add ${mirrored.length} mirrored values to ${logits.length} in rows of ${width}`,
    );
  }
  for (let row = 0; row < logits.length; row += width) {
    for (let x = 0, from = row + width - 1; x < width; x++, from--) {
      logits[row + x]! += mirrored[from]!;
    }
  }
  return logits;
}

/**
 * The softmax over planes.
 *
 * @param logits `C×P`, any number of pixels `P`; not modified.
 * @returns `C×P` probabilities, a new array.
 * @throws {TypeError} The values are not `channels` whole planes.
 */
export function softmaxPlanes(logits: Float32Array, channels: number): Float32Array {
  const pixels = planeSize(logits, channels);
  const result = new Float32Array(logits.length);
  const largest = logits.slice(0, pixels);
  for (let c = 1, i = pixels; c < channels; c++) {
    for (let p = 0; p < pixels; p++, i++) if (logits[i]! > largest[p]!) largest[p] = logits[i]!;
  }
  const sum = new Float64Array(pixels);
  for (let c = 0, i = 0; c < channels; c++) {
    for (let p = 0; p < pixels; p++, i++) {
      const power = Math.exp(logits[i]! - largest[p]!);
      result[i] = power;
      sum[p]! += power;
    }
  }
  for (let c = 0, i = 0; c < channels; c++) {
    for (let p = 0; p < pixels; p++, i++) result[i]! /= sum[p]!;
  }
  return result;
}

/**
 * The softmax over planes that are made one at a time, of some of them: no more than the result and three
 * planes are held.
 *
 * @param planeOf The logits of a channel, `P` values; asked for every channel, then again for those in `places`.
 *   What it returns is not kept.
 * @param channels Number of channels, at least 1.
 * @param places The channels whose probabilities are wanted.
 * @param pixels `P`.
 * @returns `places.length×P` probabilities.
 * @throws {TypeError} A plane is of another size.
 */
export function softmaxOfSome(
  planeOf: (channel: number) => Float32Array,
  channels: number,
  places: readonly number[],
  pixels: number,
): Float32Array {
  const largest = new Float32Array(pixels).fill(-Infinity);
  const sum = new Float64Array(pixels);
  const logitsOf = (channel: number) => {
    const logits = planeOf(channel);
    if (logits.length === pixels) return logits;
    throw new TypeError(`A plane of ${logits.length} logits is not of ${pixels} px`);
  };
  for (let c = 0; c < channels; c++) {
    const logits = logitsOf(c);
    for (let p = 0; p < pixels; p++) {
      const beyond = logits[p]! - largest[p]!;
      if (beyond > 0) {
        // The sum so far was relative to a smaller maximum.
        sum[p] = sum[p]! * Math.exp(-beyond) + 1;
        largest[p] = logits[p]!;
      } else sum[p]! += Math.exp(beyond);
    }
  }
  const result = new Float32Array(places.length * pixels);
  for (let k = 0, i = 0; k < places.length; k++) {
    const logits = logitsOf(places[k]!);
    for (let p = 0; p < pixels; p++, i++) {
      result[i] = Math.exp(logits[p]! - largest[p]!) / sum[p]!;
    }
  }
  return result;
}

/**
 * The largest softmax probability of every class, among pixels `stride` apart in both directions.
 *
 * @param logits `C×H×W`.
 * @returns One probability for each class.
 * @throws {TypeError} The values are not of the size given.
 */
export function largestProbabilities(
  logits: Float32Array,
  channels: number,
  width: number,
  height: number,
  stride: number,
): Float32Array {
  const pixels = planeSize(logits, channels);
  if (pixels !== width * height) {
    throw new TypeError(`Planes of ${pixels} values are not ${width}×${height} px`);
  }
  const result = new Float32Array(channels);
  const powers = new Float64Array(channels);
  for (let y = 0; y < height; y += stride) {
    for (let x = 0; x < width; x += stride) {
      const p = y * width + x;
      let largest = -Infinity;
      for (let c = 0; c < channels; c++) largest = Math.max(largest, logits[c * pixels + p]!);
      let sum = 0;
      for (let c = 0; c < channels; c++) {
        powers[c] = Math.exp(logits[c * pixels + p]! - largest);
        sum += powers[c]!;
      }
      for (let c = 0; c < channels; c++) {
        const probability = powers[c]! / sum;
        if (probability > result[c]!) result[c] = probability;
      }
    }
  }
  return result;
}

function planeSize(logits: Float32Array, channels: number): number {
  const pixels = logits.length / channels;
  if (!Number.isInteger(pixels) || pixels === 0) {
    throw new TypeError(`${logits.length} logits are not ${channels} whole planes`);
  }
  return pixels;
}
