import { ByteReader } from "../bytes.ts";
import { overWhite } from "../flatten.ts";
import { parseTiff, PHOTOMETRIC, type TiffFile } from "./directory.ts";
import { unpack } from "./unpack.ts";

/**
 * Decodes the first image of a TIFF to `H×W×3` bytes: grey, RGB, palette or CMYK; strips or tiles,
 * chunky or planar; stored plain, LZW, Deflate or PackBits; alpha laid over white.
 *
 * @throws {DecodeError}
 * @throws {UnsupportedFormatError}
 */
export function decodeTiff(bytes: Uint8Array): Uint8Array {
  const tiff = parseTiff(bytes);
  const samples = readSamples(bytes, tiff);
  return tiff.photometric === PHOTOMETRIC.palette
    ? fromPalette(tiff, samples)
    : fromSamples(tiff, samples);
}

/** All samples as `H×W×samples` bytes: 16 bits rounded to 8, grey of few bits stretched to 0..255. */
function readSamples(bytes: Uint8Array, tiff: TiffFile): Uint8Array {
  const reader = new ByteReader(bytes, "TIFF", tiff.littleEndian);
  const { width, height, samples, blockWidth, blockHeight, planar } = tiff;
  const out = new Uint8Array(width * height * samples);
  const across = Math.ceil(width / blockWidth);
  const down = Math.ceil(height / blockHeight);
  const perBlock = planar ? 1 : samples;
  const rowBytes = Math.ceil(blockWidth * perBlock * tiff.bitDepth / 8);
  for (let plane = 0; plane < (planar ? samples : 1); plane++) {
    for (let by = 0; by < down; by++) {
      // The last strip may be short; tiles are always whole.
      const stored = tiff.tiled ? blockHeight : Math.min(blockHeight, height - by * blockHeight);
      const rows = Math.min(stored, height - by * blockHeight);
      for (let bx = 0; bx < across; bx++) {
        const index = (plane * down + by) * across + bx;
        const offset = tiff.offsets[index]!;
        const packed = reader.slice(offset, offset + tiff.byteCounts[index]!);
        const block = unpack(packed, tiff.compression, rowBytes * stored);
        const columns = Math.min(blockWidth, width - bx * blockWidth);
        for (let y = 0; y < rows; y++) {
          const row = block.subarray(y * rowBytes, (y + 1) * rowBytes);
          if (tiff.predictor === 2) sumNeighbours(row, perBlock, tiff);
          const place = ((by * blockHeight + y) * width + bx * blockWidth) * samples + plane;
          writeRow(row, columns, perBlock, tiff, out, place, planar ? samples : 1);
        }
      }
    }
  }
  return out;
}

/** Undoes horizontal differencing (TIFF 6.0, section 14) of one row, in place. */
function sumNeighbours(row: Uint8Array, samples: number, tiff: TiffFile): void {
  if (tiff.bitDepth === 8) {
    for (let i = samples; i < row.length; i++) row[i] = row[i]! + row[i - samples]!;
  } else if (tiff.bitDepth === 16) {
    const view = new DataView(row.buffer, row.byteOffset, row.byteLength);
    const little = tiff.littleEndian;
    for (let i = samples * 2; i + 1 < row.length; i += 2) {
      const sum = view.getUint16(i, little) + view.getUint16(i - samples * 2, little);
      view.setUint16(i, sum & 0xffff, little);
    }
  }
}

function writeRow(
  row: Uint8Array,
  columns: number,
  samples: number,
  tiff: TiffFile,
  out: Uint8Array,
  place: number,
  step: number,
): void {
  const depth = tiff.bitDepth;
  const count = columns * samples;
  if (depth === 8) {
    if (step === 1) out.set(row.subarray(0, count), place);
    else for (let i = 0, o = place; i < count; i++, o += step) out[o] = row[i]!;
    return;
  }
  if (depth === 16) {
    const [high, low] = tiff.littleEndian ? [1, 0] : [0, 1];
    for (let i = 0, o = place; i < count; i++, o += step) {
      out[o] = (row[2 * i + high]! << 8 | row[2 * i + low]!) * 255 + 32895 >> 16;
    }
    return;
  }
  const levels = (1 << depth) - 1;
  // Palette indices stay as they are; grey levels become brightnesses.
  const scale = tiff.photometric === PHOTOMETRIC.palette ? 1 : 255 / levels;
  for (let i = 0, o = place; i < count; i++, o += step) {
    const bit = i * depth;
    out[o] = (row[bit >> 3]! >> (8 - depth - (bit & 7)) & levels) * scale;
  }
}

function fromPalette(tiff: TiffFile, indices: Uint8Array): Uint8Array {
  const size = 1 << tiff.bitDepth;
  const colours = Uint8Array.from(tiff.colourMap!, (value) => value >> 8);
  const out = new Uint8Array(indices.length * 3);
  for (let i = 0, o = 0; i < indices.length; i++, o += 3) {
    const index = indices[i]!;
    out[o] = colours[index]!;
    out[o + 1] = colours[size + index]!;
    out[o + 2] = colours[2 * size + index]!;
  }
  return out;
}

function fromSamples(tiff: TiffFile, data: Uint8Array): Uint8Array {
  const { samples, photometric } = tiff;
  const pixels = tiff.width * tiff.height;
  if (photometric === PHOTOMETRIC.rgb && samples === 3) return data;
  const out = new Uint8Array(pixels * 3);
  const invert = photometric === PHOTOMETRIC.whiteIsZero ? 255 : 0;
  const colours = photometric === PHOTOMETRIC.rgb ? 3 : 1;
  for (let i = 0, o = 0; o < out.length; i += samples, o += 3) {
    if (photometric === PHOTOMETRIC.cmyk) {
      const white = 255 - data[i + 3]!;
      for (let c = 0; c < 3; c++) out[o + c] = Math.round((255 - data[i + c]!) * white / 255);
      continue;
    }
    const alpha = tiff.alpha === 0 ? 255 : data[i + colours]!;
    for (let c = 0; c < 3; c++) {
      const sample = data[i + (colours === 3 ? c : 0)]! ^ invert;
      // Premultiplied samples need only the white that shines through.
      out[o + c] = tiff.alpha === 1
        ? Math.min(255, sample + 255 - alpha)
        : overWhite(sample, alpha);
    }
  }
  return out;
}
