/** Photographs as network input: float planes, shifted and scaled per channel. */

/** Options of {@linkcode normalizeImage}. */
export interface NormalizeImageOptions {
  /** Flip left and right. Default: `false`. */
  mirror?: boolean;
  /** Array to write to, `3×H×W`. Default: a new one. */
  out?: Float32Array;
}

/**
 * Computes `(value/255 − mean)/std` of an interleaved RGB image as `3×H×W` planes.
 *
 * @param rgb `H×W×3` bytes, row major.
 * @param mean Per channel, of values in 0..1.
 * @param std Per channel, positive.
 * @throws {TypeError} An array's length does not fit the size.
 */
export function normalizeImage(
  rgb: Uint8Array,
  width: number,
  height: number,
  mean: readonly [number, number, number],
  std: readonly [number, number, number],
  { mirror = false, out = new Float32Array(3 * width * height) }: NormalizeImageOptions = {},
): Float32Array {
  const pixels = width * height;
  if (rgb.length !== 3 * pixels || out.length !== 3 * pixels) {
    throw new TypeError(
      `normalizeImage needs ${3 * pixels} values for ${width}×${height} px, got ${rgb.length} ` +
        `bytes and room for ${out.length}`,
    );
  }
  for (let channel = 0; channel < 3; channel++) {
    const level = new Float32Array(256);
    for (let v = 0; v < 256; v++) level[v] = (v / 255 - mean[channel]!) / std[channel]!;
    let to = channel * pixels;
    for (let y = 0; y < height; y++) {
      const step = mirror ? -3 : 3;
      let from = channel + 3 * (y * width + (mirror ? width - 1 : 0));
      for (let x = 0; x < width; x++, from += step) out[to++] = level[rgb[from]!]!;
    }
  }
  return out;
}
