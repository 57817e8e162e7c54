import { overWhite } from "../flatten.ts";
import { PHOTOMETRIC, type TiffFile } from "./directory.ts";

/**
 * Turns the first `count` pixels of `samples` (chunky bytes, {@linkcode usedSamples} or more a pixel)
 * into RGB, written to `out` from `at` on.
 */
export type RowPainter = (samples: Uint8Array, count: number, out: Uint8Array, at: number) => void;

/** How many of a pixel's samples decide its colour: the colours' own, and alpha where there is one. */
export function usedSamples(tiff: TiffFile): number {
  if (tiff.photometric === PHOTOMETRIC.cmyk) return 4;
  return (tiff.photometric === PHOTOMETRIC.rgb ? 3 : 1) + (tiff.alpha === 0 ? 0 : 1);
}

/**
 * The painter of a TIFF's kind of colours: alpha is laid over white.
 *
 * @param step Samples from one pixel to the next, those that are not used included.
 */
export function rowPainter(tiff: TiffFile, step: number): RowPainter {
  switch (tiff.photometric) {
    case PHOTOMETRIC.palette:
      return palettePainter(tiff);
    case PHOTOMETRIC.cmyk:
      return cmykPainter(step);
    case PHOTOMETRIC.rgb:
      return step === 3
        ? (samples, count, out, at) => out.set(samples.subarray(0, 3 * count), at)
        : lightPainter(tiff, step, 3);
    default:
      return lightPainter(tiff, step, 1);
  }
}

function palettePainter(tiff: TiffFile): RowPainter {
  const size = 1 << tiff.bitDepth;
  const colours = Uint8Array.from(tiff.colourMap!, (value) => value >> 8);
  return (indices, count, out, at) => {
    for (let i = 0, o = at; i < count; i++, o += 3) {
      const index = indices[i]!;
      out[o] = colours[index]!;
      out[o + 1] = colours[size + index]!;
      out[o + 2] = colours[2 * size + index]!;
    }
  };
}

/** Ink amounts: the plain conversion, without a colour profile. */
function cmykPainter(step: number): RowPainter {
  return (inks, count, out, at) => {
    for (let x = 0, i = 0, o = at; x < count; x++, i += step, o += 3) {
      const white = 255 - inks[i + 3]!;
      for (let c = 0; c < 3; c++) out[o + c] = Math.round((255 - inks[i + c]!) * white / 255);
    }
  };
}

/** Grey (`colours` = 1) or RGB (3), with or without alpha. */
function lightPainter(tiff: TiffFile, step: number, colours: 1 | 3): RowPainter {
  const invert = tiff.photometric === PHOTOMETRIC.whiteIsZero ? 255 : 0;
  const { alpha: kind } = tiff;
  return (samples, count, out, at) => {
    for (let x = 0, i = 0, o = at; x < count; x++, i += step, o += 3) {
      const alpha = kind === 0 ? 255 : samples[i + colours]!;
      for (let c = 0; c < 3; c++) {
        const sample = samples[i + (colours === 3 ? c : 0)]! ^ invert;
        // Premultiplied samples need only the white that shines through.
        out[o + c] = kind === 1 ? Math.min(255, sample + 255 - alpha) : overWhite(sample, alpha);
      }
    }
  };
}
