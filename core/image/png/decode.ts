import { overWhite } from "../flatten.ts";
import { COLOUR_TYPE, parsePng, type PngFile } from "./chunks.ts";
import { readScanlines, type Scanlines } from "./scanlines.ts";

/**
 * Decodes a PNG to `H×W×3` bytes: every colour type and bit depth, interlaced or not, transparency
 * laid over white, 16-bit samples rounded to 8. Gamma and colour profiles are left alone.
 *
 * @throws {DecodeError}
 */
export function decodePng(bytes: Uint8Array): Uint8Array {
  const png = parsePng(bytes, true);
  const out = new Uint8Array(png.width * png.height * 3);
  for (const lines of readScanlines(png)) {
    if (png.bitDepth === 16) write16(png, lines, out);
    else if (png.samples === 1) writeLookup(png, lines, out);
    else write8(png, lines, out);
  }
  return out;
}

/** Grey or palette samples of 1, 2, 4 or 8 bits, before any colour is looked up. */
export function readIndices(png: PngFile): Uint8Array {
  const out = new Uint8Array(png.width * png.height);
  for (const lines of readScanlines(png)) writeSamples(png, lines, out);
  return out;
}

function writeSamples(png: PngFile, lines: Scanlines, out: Uint8Array): void {
  const { data, width, height, left, top, stepX, stepY } = lines;
  const depth = png.bitDepth;
  const shift = depth === 8 ? 0 : depth === 4 ? 1 : depth === 2 ? 2 : 3; // log2(samples per byte)
  const within = (1 << shift) - 1;
  const mask = (1 << depth) - 1;
  for (let y = 0; y < height; y++) {
    const row = lines.offset + y * lines.stride;
    let o = (top + y * stepY) * png.width + left;
    for (let x = 0; x < width; x++, o += stepX) {
      out[o] = data[row + (x >> shift)]! >> (within - (x & within)) * depth & mask;
    }
  }
}

/** One sample a pixel, at most 8 bits: a table of 256 colours does the rest. */
function writeLookup(png: PngFile, lines: Scanlines, out: Uint8Array): void {
  const table = colourTable(png);
  const row = new Uint8Array(lines.width);
  for (let y = 0; y < lines.height; y++) {
    const line = { ...lines, height: 1, left: 0, top: 0, stepX: 1, stepY: 1 };
    writeSamples(png, { ...line, offset: lines.offset + y * lines.stride }, row);
    let o = ((lines.top + y * lines.stepY) * png.width + lines.left) * 3;
    for (let x = 0; x < lines.width; x++, o += 3 * lines.stepX) {
      const index = row[x]!;
      out[o] = table[index * 3]!;
      out[o + 1] = table[index * 3 + 1]!;
      out[o + 2] = table[index * 3 + 2]!;
    }
  }
}

/** 256 colours over white; an index beyond the palette is black, as libpng has it. */
function colourTable(png: PngFile): Uint8Array {
  const table = new Uint8Array(256 * 3);
  const alpha = png.transparency;
  if (png.colourType === COLOUR_TYPE.palette) {
    const palette = png.palette!;
    for (let i = 0; i < palette.length; i++) {
      const entry = Math.floor(i / 3);
      table[i] = overWhite(palette[i]!, alpha && entry < alpha.length ? alpha[entry]! : 255);
    }
    return table;
  }
  const levels = (1 << png.bitDepth) - 1;
  for (let i = 0; i <= levels; i++) table.fill(i * (255 / levels), i * 3, i * 3 + 3);
  if (alpha && alpha.length >= 2) {
    const clear = alpha[0]! << 8 | alpha[1]!;
    if (clear <= levels) table.fill(255, clear * 3, clear * 3 + 3);
  }
  return table;
}

/** RGB, RGBA or grey with alpha, 8 bits a sample. */
function write8(png: PngFile, lines: Scanlines, out: Uint8Array): void {
  const { data, width, height, left, top, stepX, stepY } = lines;
  const samples = png.samples;
  const key = colourKey(png);
  for (let y = 0; y < height; y++) {
    let i = lines.offset + y * lines.stride;
    let o = ((top + y * stepY) * png.width + left) * 3;
    if (samples === 3 && stepX === 1) {
      out.set(data.subarray(i, i + width * 3), o);
      if (key) whiten(out, o, width, key);
      continue;
    }
    for (let x = 0; x < width; x++, i += samples, o += 3 * stepX) {
      const red = data[i]!;
      const green = samples > 2 ? data[i + 1]! : red;
      const blue = samples > 2 ? data[i + 2]! : red;
      let alpha = 255;
      if (samples === 4) alpha = data[i + 3]!;
      else if (samples === 2) alpha = data[i + 1]!;
      else if (key && red === key[0] && green === key[1] && blue === key[2]) alpha = 0;
      out[o] = alpha === 255 ? red : overWhite(red, alpha);
      out[o + 1] = alpha === 255 ? green : overWhite(green, alpha);
      out[o + 2] = alpha === 255 ? blue : overWhite(blue, alpha);
    }
  }
}

function whiten(out: Uint8Array, from: number, pixels: number, key: readonly number[]): void {
  for (let o = from; o < from + pixels * 3; o += 3) {
    if (out[o] === key[0] && out[o + 1] === key[1] && out[o + 2] === key[2]) {
      out.fill(255, o, o + 3);
    }
  }
}

/** 16 bits a sample, any number of them. */
function write16(png: PngFile, lines: Scanlines, out: Uint8Array): void {
  const { data, width, height, left, top, stepX, stepY } = lines;
  const samples = png.samples;
  const colours = samples > 2 ? 3 : 1;
  const hasAlpha = samples === 2 || samples === 4;
  const key = colourKey(png);
  for (let y = 0; y < height; y++) {
    let i = lines.offset + y * lines.stride;
    let o = ((top + y * stepY) * png.width + left) * 3;
    for (let x = 0; x < width; x++, i += samples * 2, o += 3 * stepX) {
      let alpha = 255;
      if (hasAlpha) {
        const a = i + colours * 2;
        alpha = to8(data[a]! << 8 | data[a + 1]!);
      } else if (key) {
        let same = true;
        for (let c = 0; c < colours; c++) {
          same &&= (data[i + 2 * c]! << 8 | data[i + 2 * c + 1]!) === key[c];
        }
        if (same) alpha = 0;
      }
      for (let c = 0; c < 3; c++) {
        const s = colours === 3 ? i + 2 * c : i;
        out[o + c] = overWhite(to8(data[s]! << 8 | data[s + 1]!), alpha);
      }
    }
  }
}

/** 0..65535 to 0..255, rounded. */
function to8(value: number): number {
  return value * 255 + 32895 >> 16;
}

/** The colour declared transparent for a whole grey or RGB image, at its full bit depth. */
function colourKey(png: PngFile): number[] | undefined {
  const block = png.transparency;
  const count = png.colourType === COLOUR_TYPE.grey
    ? 1
    : png.colourType === COLOUR_TYPE.rgb
    ? 3
    : 0;
  if (!block || count === 0 || block.length < count * 2) return undefined;
  return Array.from({ length: count }, (_, c) => block[2 * c]! << 8 | block[2 * c + 1]!);
}
