/** The pictures of a report: what the chain made of some images, stage by stage. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resizeImage } from "../../kernels/resize_image.ts";
import { decodeMaps } from "../batch/codecs.ts";
import { type FileKind, slotOf } from "../batch/folders.ts";
import { drawFile } from "../batch/sheet_row.ts";
import { sourceIn } from "../batch/task.ts";
import { paletteOf } from "../data/class_list.ts";
import type { DataSet } from "../data/data_set.ts";
import { decodeImage, encodeRgbPng } from "../image/mod.ts";
import type { Raster } from "../raster.ts";

/** What is shown of an image, and under which name. */
const COLUMNS: readonly (readonly [kind: FileKind, title: string])[] = [
  ["photo", "photo"],
  ["cam", "CAM"],
  ["combined", "with PerimeterFit"],
  ["random_walk", "random walk"],
  ["pseudo_labels", "pseudo labels"],
  ["segmentation", "segmentation"],
  ["truth", "truth"],
];
/** Longer side of the pictures, in pixels. */
const SIDE = 176;

/** Pictures of some images: names of the columns, and for each image a picture or `null` in each. */
export interface PictureTable {
  readonly columns: readonly string[];
  readonly rows: readonly {
    readonly id: string;
    /** PNG files as `data:` addresses. */
    readonly pictures: readonly (string | null)[];
  }[];
}

/**
 * Draws images of a run of batch tasks; columns that none of them has are left out.
 *
 * @param run Folder of the run.
 */
export async function drawPictures(
  run: string,
  data: DataSet,
  ids: readonly string[],
): Promise<PictureTable> {
  const palette = paletteOf(data.classes);
  const places = { data, run, layout: "silop" } as const;
  const read = async (kind: FileKind, id: string): Promise<Uint8Array | null> => {
    const source = sourceIn(slotOf(kind, places), id);
    if (source === null || "text" in source || !existsSync(source.path)) return null;
    return await readFile(source.path);
  };
  const rows: { id: string; pictures: (string | null)[] }[] = [];
  for (const id of ids) {
    const photo = await decodeImage(await readFile(data.imagePath(id)));
    const cam = await read("cam", id);
    const classes = cam === null ? 0 : decodeMaps(cam).keys.length - 1;
    const pictures: (string | null)[] = [];
    for (const [kind] of COLUMNS) {
      const bytes = await read(kind, id);
      const picture = bytes && await drawFile(kind, bytes, photo, classes, palette);
      pictures.push(picture && addressOf(picture));
    }
    rows.push({ id, pictures });
  }
  const kept = COLUMNS.map((_, c) => rows.some(({ pictures }) => pictures[c] !== null));
  return {
    columns: COLUMNS.flatMap(([, title], c) => kept[c] ? [title] : []),
    rows: rows.map(({ id, pictures }) => ({ id, pictures: pictures.filter((_, c) => kept[c]) })),
  };
}

function addressOf({ width, height, data }: Raster): string {
  const scale = Math.min(1, SIDE / Math.max(width, height));
  const w = Math.max(1, Math.round(width * scale));
  const h = Math.max(1, Math.round(height * scale));
  const small = resizeImage(data, width, height, 3, w, h);
  return "data:image/png;base64," +
    encodeRgbPng({ width: w, height: h, data: small }).toBase64();
}
