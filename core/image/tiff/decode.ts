import { ByteReader } from "../bytes.ts";
import { rowPainter, usedSamples } from "./colours.ts";
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
  const { width, height, blockWidth, blockHeight, planar } = tiff;
  const reader = new ByteReader(bytes, "TIFF", tiff.littleEndian);
  const across = Math.ceil(width / blockWidth);
  const down = Math.ceil(height / blockHeight);
  const perBlock = planar ? 1 : tiff.samples;
  const planes = planar ? usedSamples(tiff) : 1;
  const step = planes * perBlock;
  const rowBytes = Math.ceil(blockWidth * perBlock * tiff.bitDepth / 8);
  const paint = rowPainter(tiff, step);
  // Every strip or tile becomes colours at once, so that no samples are held but its own.
  const samples = new Uint8Array(blockWidth * step);
  const out = new Uint8Array(width * height * 3);
  for (let by = 0; by < down; by++) {
    // The last strip may be short; tiles are always whole.
    const stored = tiff.tiled ? blockHeight : Math.min(blockHeight, height - by * blockHeight);
    const rows = Math.min(stored, height - by * blockHeight);
    for (let bx = 0; bx < across; bx++) {
      const columns = Math.min(blockWidth, width - bx * blockWidth);
      const blocks = Array.from({ length: planes }, (_, plane) => {
        const index = (plane * down + by) * across + bx;
        const offset = tiff.offsets[index]!;
        const packed = reader.slice(offset, offset + tiff.byteCounts[index]!);
        return unpack(packed, tiff.compression, rowBytes * stored);
      });
      for (let y = 0; y < rows; y++) {
        for (let plane = 0; plane < planes; plane++) {
          const row = blocks[plane]!.subarray(y * rowBytes, (y + 1) * rowBytes);
          if (tiff.predictor === 2) sumNeighbours(row, perBlock, tiff);
          toBytes(row, columns * perBlock, tiff, samples, plane, planes);
        }
        const place = (by * blockHeight + y) * width + bx * blockWidth;
        paint(samples, columns, out, 3 * place);
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

/**
 * The first `count` stored samples of a row as bytes, into every `step`-th place of `out` from
 * `first` on: 16 bits rounded to 8, grey of few bits stretched to 0..255, palette indices as they are.
 */
function toBytes(
  row: Uint8Array,
  count: number,
  tiff: TiffFile,
  out: Uint8Array,
  first: number,
  step: number,
): void {
  const depth = tiff.bitDepth;
  if (depth === 8) {
    if (step === 1) out.set(row.subarray(0, count), first);
    else for (let i = 0, o = first; i < count; i++, o += step) out[o] = row[i]!;
    return;
  }
  if (depth === 16) {
    const [high, low] = tiff.littleEndian ? [1, 0] : [0, 1];
    for (let i = 0, o = first; i < count; i++, o += step) {
      out[o] = (row[2 * i + high]! << 8 | row[2 * i + low]!) * 255 + 32895 >> 16;
    }
    return;
  }
  const levels = (1 << depth) - 1;
  const scale = tiff.photometric === PHOTOMETRIC.palette ? 1 : 255 / levels;
  for (let i = 0, o = first; i < count; i++, o += step) {
    const bit = i * depth;
    out[o] = (row[bit >> 3]! >> (8 - depth - (bit & 7)) & levels) * scale;
  }
}
