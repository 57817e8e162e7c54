/** A colour sample 0..255 of opacity `alpha` 0..255 over white, rounded to the nearest. */
export function overWhite(sample: number, alpha: number): number {
  return Math.floor((sample * alpha + 255 * (255 - alpha) + 127) / 255);
}

/** `H×W×4` to `H×W×3`, with the alpha channel laid over white. */
export function flattenRgba(rgba: Uint8Array | Uint8ClampedArray, pixels: number): Uint8Array {
  const out = new Uint8Array(pixels * 3);
  for (let i = 0, o = 0; o < out.length; i += 4, o += 3) {
    const alpha = rgba[i + 3]!;
    if (alpha === 255) {
      out[o] = rgba[i]!;
      out[o + 1] = rgba[i + 1]!;
      out[o + 2] = rgba[i + 2]!;
    } else {
      out[o] = overWhite(rgba[i]!, alpha);
      out[o + 1] = overWhite(rgba[i + 1]!, alpha);
      out[o + 2] = overWhite(rgba[i + 2]!, alpha);
    }
  }
  return out;
}
