import { OptionError } from "../errors.ts";
import type { Mask, Raster } from "../raster.ts";
import { requirePalette, vocPalette } from "./palette.ts";
import { requireMask, requireRaster } from "./shapes.ts";

/** Options of {@link drawOverlay}. */
export interface OverlayOptions {
  /** Opacity of the mask's colours, 0..1. Default 0.5. */
  readonly alpha?: number;
  /** 256 colours, R G B R G B …. Default {@link vocPalette}. */
  readonly palette?: Uint8Array;
  /** Draw every region's edge in its full colour. Default true. */
  readonly outline?: boolean;
}

const BACKGROUND = 0;
const IGNORE = 255;
/** Ignored pixels are only tinted: they say "not judged", and should not hide the photo. */
const IGNORE_SHARE = 0.5;

/**
 * Draws a mask over its photo: each label's colour blended in, background untouched, ignored pixels
 * (255) tinted at half the strength, and a line one pixel wide, just inside each region, where it
 * meets another label. The ignore label has no line of its own: it is itself a border in VOC.
 *
 * @returns a new raster; the given one is left as it is.
 * @throws {TypeError} when photo and mask differ in size or an argument has the wrong form.
 * @throws {OptionError} when `alpha` is outside 0..1.
 */
export function drawOverlay(raster: Raster, mask: Mask, options: OverlayOptions = {}): Raster {
  const { alpha = 0.5, palette = vocPalette(), outline = true } = options;
  requireRaster(raster);
  requireMask(mask);
  requirePalette(palette);
  if (!(alpha >= 0 && alpha <= 1)) {
    throw new OptionError(`Overlay alpha must lie in 0..1, got ${alpha}`);
  }
  if (raster.width !== mask.width || raster.height !== mask.height) {
    throw new TypeError(
      `Photo of ${raster.width}×${raster.height} px and mask of ${mask.width}×${mask.height} px differ`,
    );
  }
  const { width, height } = raster;
  const labels = mask.data;
  const data = raster.data.slice();
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const label = labels[i]!;
      if (label === BACKGROUND) continue;
      let share = label === IGNORE ? alpha * IGNORE_SHARE : alpha;
      if (outline && label !== IGNORE) {
        const atEdge = (x > 0 && labels[i - 1] !== label) ||
          (x < width - 1 && labels[i + 1] !== label) ||
          (y > 0 && labels[i - width] !== label) ||
          (y < height - 1 && labels[i + width] !== label);
        if (atEdge) share = 1;
      }
      for (let c = 0; c < 3; c++) {
        const photo = raster.data[i * 3 + c]!;
        data[i * 3 + c] = Math.round(photo + (palette[label * 3 + c]! - photo) * share);
      }
    }
  }
  return { width, height, data };
}
