import type { Raster } from "../raster.ts";
import type { Orientation } from "./format.ts";

/**
 * Turns a stored picture upright.
 *
 * The eight orientations of EXIF: 2 mirrored left-right, 3 turned by 180°, 4 mirrored top-bottom,
 * 5 transposed, 6 to be turned 90° clockwise, 7 transposed along the other diagonal, 8 to be turned
 * 90° counter-clockwise. From 5 on, width and height change places.
 *
 * @returns a new raster, or the given one when it is upright already.
 */
export function applyOrientation(raster: Raster, orientation: Orientation): Raster {
  if (orientation === 1) return raster;
  const { width: w, height: h, data } = raster;
  const turned = orientation >= 5;
  const [width, height] = turned ? [h, w] : [w, h];
  // Stored pixel of the upright picture's top left corner, and the way from one upright pixel to the
  // next across and down, all counted in stored pixels.
  const fromRight = orientation === 2 || orientation === 3 || orientation === 7 ||
    orientation === 8;
  const fromBottom = orientation === 3 || orientation === 4 || orientation === 6 ||
    orientation === 7;
  const start = (fromRight ? w - 1 : 0) + (fromBottom ? (h - 1) * w : 0);
  const sideways = fromRight ? -1 : 1;
  const vertical = fromBottom ? -w : w;
  const [across, down] = turned ? [vertical, sideways] : [sideways, vertical];
  const out = new Uint8Array(data.length);
  for (let y = 0, o = 0; y < height; y++) {
    let i = (start + y * down) * 3;
    for (let x = 0; x < width; x++, o += 3, i += across * 3) {
      out[o] = data[i]!;
      out[o + 1] = data[i + 1]!;
      out[o + 2] = data[i + 2]!;
    }
  }
  return { width, height, data: out };
}
