/** Pictures of class activation maps. */

import { encodeMaskPng, greyPalette } from "../image/mod.ts";
import type { Mask, Raster } from "../raster.ts";
import { resizeImage } from "../../kernels/resize_image.ts";
import type { Cam } from "./cam.ts";

/** Colours of the inferno map at equal steps from 0 to 1; between them colours are blended. */
const INFERNO = [
  [0, 0, 4],
  [31, 12, 72],
  [85, 15, 109],
  [136, 34, 106],
  [186, 54, 85],
  [227, 89, 51],
  [249, 140, 10],
  [249, 201, 50],
  [252, 255, 164],
] as const;
/** How much of the heat's colour covers the photo where the map is 1. */
const HEAT_OPACITY = 0.75;

/** The highest map at every pixel, enlarged to the image's full size: 0..255 for 0..1. */
export function strongest({ hrCam, width, height }: Pick<Cam, "hrCam" | "width" | "height">): Mask {
  const size = hrCam.width * hrCam.height;
  const levels = new Uint8Array(size);
  for (let start = 0; start < hrCam.data.length; start += size) {
    for (let i = 0; i < size; i++) {
      const level = Math.round(255 * hrCam.data[start + i]!);
      if (level > levels[i]!) levels[i] = level;
    }
  }
  const data = resizeImage(levels, hrCam.width, hrCam.height, 1, width, height, {
    filter: "bilinear",
  });
  return { width, height, data };
}

/** A heat map as a grey PNG: black where no class was seen, white where a map is 1. */
export function encodeHeatPng(heat: Mask): Uint8Array {
  return encodeMaskPng(heat, greyPalette());
}

/** Lays a heat map over its photo, the more opaque the hotter. */
export function drawHeat(photo: Raster, heat: Mask): Raster {
  const colours = infernoPalette();
  const data = photo.data.slice();
  for (let i = 0; i < heat.data.length; i++) {
    const level = heat.data[i]!;
    const share = (level / 255) * HEAT_OPACITY;
    for (let c = 0; c < 3; c++) {
      const own = data[3 * i + c]!;
      data[3 * i + c] = Math.round(own + share * (colours[3 * level + c]! - own));
    }
  }
  return { width: photo.width, height: photo.height, data };
}

function infernoPalette(): Uint8Array {
  const palette = new Uint8Array(768);
  const steps = INFERNO.length - 1;
  for (let level = 0; level < 256; level++) {
    const position = (level / 255) * steps;
    const below = Math.min(Math.floor(position), steps - 1);
    for (let c = 0; c < 3; c++) {
      const from = INFERNO[below]![c]!;
      palette[3 * level + c] = Math.round(
        from + (position - below) * (INFERNO[below + 1]![c]! - from),
      );
    }
  }
  return palette;
}
