/** `deno task voc:sheet`: contact sheets of all that a run has made, image by image. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeMaps } from "../../core/batch/codecs.ts";
import { type FileKind, slotOf } from "../../core/batch/folders.ts";
import { drawFile, SHEET_COLUMNS } from "../../core/batch/sheet_row.ts";
import { sourceIn } from "../../core/batch/task.ts";
import { paletteOf } from "../../core/data/class_list.ts";
import { writeFileAtomic } from "../../core/files.ts";
import { decodeImage, encodeRgbPng } from "../../core/image/mod.ts";
import { drawContactSheet, type SheetRow } from "../../core/pictures/contact_sheet.ts";
import type { Raster } from "../../core/raster.ts";
import { createCommand, EXIT_FAILED, fail, integerIn } from "../cli.ts";
import { startProgress } from "../progress.ts";
import {
  addSetOptions,
  openData,
  placesOf,
  readIds,
  type SetFlags,
  shardName,
} from "./voc_flags.ts";

interface SheetFlags extends SetFlags {
  rows: number;
  side: number;
}

const command = createCommand("voc:sheet", "Pictures of all results of a run, image by image.");
addSetOptions(command)
  .option("--rows <n>", "images on a sheet", integerIn(1, 50), 10)
  .option(
    "--side <px>",
    "side of the squares that pictures are fitted into",
    integerIn(32, 512),
    160,
  );
command.parse(Deno.args, { from: "user" });
await drawSheets(command.opts<SheetFlags>());

async function drawSheets(flags: SheetFlags): Promise<void> {
  const data = await openData(flags);
  const places = placesOf(flags, data);
  const ids = await readIds(flags, data);
  const palette = paletteOf(data.classes);
  const columns = SHEET_COLUMNS.filter(([kind]) => {
    // Where one image has a truth, it has a column.
    if (kind === "truth") return ids.some((id) => isFile(data.truthPath(id)));
    return existsSync(slotOf(kind, places).folder);
  });
  const folder = join(flags.run, "sheets");
  const names = [flags.set, shardName(flags)].filter((part) => part !== "").join("_");
  const progress = startProgress("sheet", ids.length, "images");
  let failures = 0;
  for (let start = 0; start < ids.length; start += flags.rows) {
    const rows: SheetRow[] = [];
    for (const id of ids.slice(start, start + flags.rows)) {
      const kinds = columns.map(([kind]) => kind);
      const pictures = await picturesOf(id, kinds).catch((error: Error) => {
        failures++;
        console.error(`sheet: ${id}: ${error.message}`);
        return kinds.map(() => null);
      });
      rows.push({ caption: id, pictures });
      progress.step(1, id);
    }
    const sheet = drawContactSheet(columns.map(([, name]) => name), rows, { side: flags.side });
    const number = String(start / flags.rows + 1).padStart(3, "0");
    const path = join(folder, `${names}_${number}.png`);
    await writeFileAtomic(path, encodeRgbPng(sheet)).catch((error: Error) => fail(error.message));
    console.log(path);
  }
  progress.stop();
  Deno.exit(failures > 0 ? EXIT_FAILED : 0);

  async function picturesOf(id: string, kinds: FileKind[]): Promise<(Raster | null)[]> {
    const photo = await decodeImage((await read("photo", id))!);
    const cam = await read("cam", id);
    const classes = cam === null ? 0 : decodeMaps(cam).keys.length - 1;
    const pictures: (Raster | null)[] = [];
    for (const kind of kinds) {
      const bytes = await read(kind, id);
      pictures.push(bytes === null ? null : await drawFile(kind, bytes, photo, classes, palette));
    }
    return pictures;
  }

  async function read(kind: FileKind, id: string): Promise<Uint8Array | null> {
    const source = sourceIn(slotOf(kind, places), id);
    if (source === null || "text" in source) return null;
    return existsSync(source.path) || kind === "photo" ? await readFile(source.path) : null;
  }
}

function isFile(path: string | null): boolean {
  return path !== null && existsSync(path);
}
