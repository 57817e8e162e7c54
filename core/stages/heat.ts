/** Pictures of class activation maps. */

import { type ColourMap, colourMapPalette, encodeMaskPng } from "../image/mod.ts";
import type { Mask, Planes, Raster } from "../raster.ts";
import { resizeImage } from "../../kernels/resize_image.ts";
import type { Cam } from "./cam.ts";

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

/** One of several maps, enlarged to a picture of some size: 0..255 for 0..1. */
export function levelsOf(maps: Planes, plane: number, width: number, height: number): Mask {
  const size = maps.width * maps.height;
  const levels = new Uint8Array(size);
  for (let p = 0, i = plane * size; p < size; p++, i++) {
    levels[p] = Math.min(255, Math.max(0, Math.round(255 * maps.data[i]!)));
  }
  const data = resizeImage(levels, maps.width, maps.height, 1, width, height, {
    filter: "bilinear",
  });
  return { width, height, data };
}

/** A heat map as an indexed PNG, in grey: black where no class was seen, white where a map is 1. */
export function encodeHeatPng(heat: Mask, colours: ColourMap = "grey"): Uint8Array {
  return encodeMaskPng(heat, colourMapPalette(colours));
}

/** Lays a heat map over its photo, the more opaque the hotter. */
export function drawHeat(photo: Raster, heat: Mask, colourMap: ColourMap = "inferno"): Raster {
  const colours = colourMapPalette(colourMap);
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
