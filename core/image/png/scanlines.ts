import { inflateSync } from "node:zlib";
import { damaged } from "../bytes.ts";
import type { PngFile } from "./chunks.ts";

/**
 * One picture's worth of unfiltered scan lines: the whole image, or one of the seven passes of an
 * interlaced one, whose pixel (x, y) belongs at (`left + x·stepX`, `top + y·stepY`).
 */
export interface Scanlines {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
  readonly stepX: number;
  readonly stepY: number;
  /** Holds the packed samples of row y from `offset + y·stride` on. */
  readonly data: Uint8Array;
  readonly offset: number;
  readonly stride: number;
}

/** Adam7 (PNG specification, 8.2): left, top, step across, step down of every pass. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/**
 * Inflates and unfilters a PNG's pixels.
 *
 * The stream must hold exactly what the header promises: inflation stops with an error at the first
 * byte too many, so a small file cannot unpack to more memory than its header admits to.
 *
 * @throws {DecodeError}
 */
export function readScanlines(png: PngFile): Scanlines[] {
  const bitsPerPixel = png.samples * png.bitDepth;
  const passes: { left: number; top: number; stepX: number; stepY: number }[] = png.interlaced
    ? ADAM7.map(([left, top, stepX, stepY]) => ({ left, top, stepX, stepY }))
    : [{ left: 0, top: 0, stepX: 1, stepY: 1 }];
  const layout: Omit<Scanlines, "data">[] = [];
  let total = 0;
  for (const pass of passes) {
    const width = Math.ceil((png.width - pass.left) / pass.stepX);
    const height = Math.ceil((png.height - pass.top) / pass.stepY);
    if (width <= 0 || height <= 0) continue;
    const stride = Math.ceil(width * bitsPerPixel / 8) + 1;
    layout.push({ ...pass, width, height, offset: total + 1, stride });
    total += stride * height;
  }
  const data = inflate(png, total);
  return layout.map((pass) => {
    unfilter(data, pass.offset, pass.stride, pass.height, Math.max(1, bitsPerPixel >> 3));
    return { ...pass, data };
  });
}

function inflate(png: PngFile, expected: number): Uint8Array {
  const compressed = png.pixels.length === 1 ? png.pixels[0]! : concat(png.pixels);
  let data: Uint8Array;
  try {
    // One chunk of the full size saves the copy that joining smaller ones would cost.
    data = inflateSync(compressed, {
      maxOutputLength: expected,
      chunkSize: Math.max(64, expected),
    });
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === "ERR_BUFFER_TOO_LARGE") {
      throw damaged("PNG holds more pixel data than its header promises");
    }
    if (code === "Z_BUF_ERROR") throw damaged("PNG pixel data is truncated");
    throw damaged(`PNG pixel data is damaged (${(error as Error).message})`);
  }
  if (data.length < expected) throw damaged("PNG holds less pixel data than its header promises");
  return data;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Undoes the row filters in place; `back` is the distance to the pixel on the left, in bytes. */
function unfilter(d: Uint8Array, first: number, stride: number, rows: number, back: number): void {
  const length = stride - 1;
  for (let y = 0; y < rows; y++) {
    const row = first + y * stride;
    const end = row + length;
    const filter = d[row - 1]!;
    const up = y > 0 ? stride : 0; // 0: no row above, taken as zeros below
    switch (filter) {
      case 0:
        break;
      case 1:
        for (let i = row + back; i < end; i++) d[i] = d[i]! + d[i - back]!;
        break;
      case 2:
        if (up) { for (let i = row; i < end; i++) d[i] = d[i]! + d[i - up]!; }
        break;
      case 3:
        for (let i = row; i < end; i++) {
          const left = i - row >= back ? d[i - back]! : 0;
          const above = up ? d[i - up]! : 0;
          d[i] = d[i]! + (left + above >> 1);
        }
        break;
      case 4:
        unfilterPaeth(d, row, end, up, back);
        break;
      default:
        throw damaged(`PNG row has the unknown filter ${filter}`);
    }
  }
}

function unfilterPaeth(d: Uint8Array, row: number, end: number, up: number, back: number): void {
  if (!up) { // with zeros above, Paeth's predictor is the left neighbour
    for (let i = row + back; i < end; i++) d[i] = d[i]! + d[i - back]!;
    return;
  }
  const edge = Math.min(end, row + back);
  for (let i = row; i < edge; i++) d[i] = d[i]! + d[i - up]!;
  for (let i = edge; i < end; i++) {
    const left = d[i - back]!;
    const above = d[i - up]!;
    const corner = d[i - up - back]!;
    const fromLeft = Math.abs(above - corner);
    const fromAbove = Math.abs(left - corner);
    const fromCorner = Math.abs(left + above - corner - corner);
    const predicted = fromLeft <= fromAbove && fromLeft <= fromCorner
      ? left
      : fromAbove <= fromCorner
      ? above
      : corner;
    d[i] = d[i]! + predicted;
  }
}
