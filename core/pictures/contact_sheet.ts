/** Contact sheets: small pictures in rows and columns, with captions. */

import type { Raster } from "../raster.ts";
import { resizeImage } from "../../kernels/resize_image.ts";
import { drawText, TEXT_HEIGHT } from "./bitmap_font.ts";

/** A row of pictures. */
export interface SheetRow {
  readonly caption: string;
  /** As many as there are columns; `null` leaves the place empty. */
  readonly pictures: readonly (Raster | null)[];
}

/** Options of {@linkcode drawContactSheet}. */
export interface ContactSheetOptions {
  /** Pictures are fitted into squares of this side, in pixels. Default: 160. */
  side?: number;
}

const MARGIN = 6;
const PAPER = 255;
const EMPTY = 235;

/**
 * Draws rows of pictures below the names of their columns.
 *
 * @throws {TypeError} A row does not have a picture or `null` for every column.
 */
export function drawContactSheet(
  columns: readonly string[],
  rows: readonly SheetRow[],
  { side = 160 }: ContactSheetOptions = {},
): Raster {
  const step = side + MARGIN;
  const line = TEXT_HEIGHT + 2 * MARGIN;
  const width = columns.length * step + MARGIN;
  const height = line + rows.length * (step + line);
  const sheet: Raster = { width, height, data: new Uint8Array(3 * width * height).fill(PAPER) };
  columns.forEach((name, c) => drawText(sheet, name, MARGIN + c * step, MARGIN));
  rows.forEach(({ caption, pictures }, r) => {
    if (pictures.length !== columns.length) {
      throw new TypeError(`A row has ${pictures.length} pictures for ${columns.length} columns`);
    }
    const top = line + r * (step + line);
    pictures.forEach((picture, c) => {
      const left = MARGIN + c * step;
      if (picture === null) fill(sheet, left, top, side, EMPTY);
      else place(sheet, picture, left, top, side);
    });
    drawText(sheet, caption, MARGIN, top + side + MARGIN);
  });
  return sheet;
}

/** Fits a picture into a square, at its centre. */
function place(sheet: Raster, picture: Raster, left: number, top: number, side: number): void {
  const scale = side / Math.max(picture.width, picture.height);
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  const small = resizeImage(picture.data, picture.width, picture.height, 3, width, height);
  const x = left + Math.floor((side - width) / 2);
  const y = top + Math.floor((side - height) / 2);
  for (let row = 0; row < height; row++) {
    const pixels = small.subarray(3 * row * width, 3 * (row + 1) * width);
    sheet.data.set(pixels, 3 * ((y + row) * sheet.width + x));
  }
}

function fill(sheet: Raster, left: number, top: number, side: number, grey: number): void {
  for (let y = top; y < top + side; y++) {
    const start = 3 * (y * sheet.width + left);
    sheet.data.fill(grey, start, start + 3 * side);
  }
}
