/** Pictures of everything a run has made of one image. */

import { decodeImage, decodeMaskPng, drawOverlay } from "../image/mod.ts";
import type { Raster } from "../raster.ts";
import { drawHeat, strongest } from "../stages/heat.ts";
import { paintLabels } from "../stages/perimeter.ts";
import { decodeMaps, decodeMasks, decodePerimeter, decodeUss, type KeyedPlanes } from "./codecs.ts";
import type { FileKind } from "./folders.ts";

/** Columns of a sheet: what is shown, and under which name. */
export const SHEET_COLUMNS: readonly (readonly [kind: FileKind, name: string])[] = [
  ["photo", "photo"],
  ["cam", "cam"],
  ["uss_slic", "uss slic"],
  ["uss_quickshift", "uss quickshift"],
  ["perimeter_slic", "perimeter slic"],
  ["perimeter_quickshift", "perimeter quick"],
  ["fit_slic", "masks slic"],
  ["fit_quickshift", "masks quickshift"],
  ["combined", "combined"],
  ["affinity_labels", "affinity labels"],
  ["random_walk", "random walk"],
  ["pseudo_labels", "pseudo labels"],
  ["segmentation", "segmentation"],
  ["truth", "truth"],
];

/**
 * Draws one file of an image.
 *
 * @param photo The image itself; maps and masks are drawn over it.
 * @param classes Foreground classes of masks.
 * @param palette Colours of labels, `256×3`.
 * @throws The codecs' errors.
 */
export async function drawFile(
  kind: FileKind,
  bytes: Uint8Array,
  photo: Raster,
  classes: number,
  palette: Uint8Array,
): Promise<Raster> {
  const { width, height } = photo;
  switch (kind) {
    case "cam":
    case "combined":
    case "random_walk":
      return drawMaps(decodeMaps(bytes), photo);
    case "uss_slic":
    case "uss_quickshift": {
      const uss = await decodeUss(bytes);
      if ("picture" in uss) return uss.picture;
      return paintLabels(uss.labels.data, uss.labels.width, uss.labels.height);
    }
    case "perimeter_slic":
    case "perimeter_quickshift":
      return greyOf((await decodePerimeter(bytes)).data, width, height);
    case "fit_slic":
    case "fit_quickshift": {
      const { masks } = decodeMasks(bytes, classes);
      const any = new Uint8Array(width * height);
      masks.forEach((value, i) => any[i % any.length]! |= value);
      return greyOf(any, width, height);
    }
    case "affinity_labels":
    case "pseudo_labels":
    case "segmentation":
    case "truth":
      return drawOverlay(photo, decodeMaskPng(bytes), { alpha: 0.7, palette });
    default:
      return await decodeImage(bytes);
  }
}

/** As heat; combined maps, whose values reach 2, at half their height. */
function drawMaps({ planes }: KeyedPlanes, photo: Raster): Raster {
  const largest = planes.data.reduce((most, value) => Math.max(most, value), 1);
  const hrCam = { ...planes, data: planes.data.map((value) => value / largest) };
  const { width, height } = photo;
  return drawHeat(photo, strongest({ hrCam, width, height }));
}

function greyOf(values: Uint8Array, width: number, height: number): Raster {
  return {
    width,
    height,
    data: Uint8Array.from({ length: 3 * values.length }, (_, i) => values[Math.floor(i / 3)]!),
  };
}
