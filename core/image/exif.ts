import { hasAscii } from "./bytes.ts";
import type { Orientation } from "./format.ts";

const ORIENTATION_TAG = 274;
const TYPE_SHORT = 3;
const TYPE_LONG = 4;

/** Turns a stored number into an orientation; anything outside 1..8 counts as upright. */
export function toOrientation(value: number): Orientation {
  return Number.isInteger(value) && value >= 1 && value <= 8 ? value as Orientation : 1;
}

/**
 * Reads the orientation out of an EXIF block (a little TIFF file: byte order, then the first
 * directory of tags), with or without the `Exif\0\0` that JPEG puts before it.
 *
 * EXIF is an extra: a damaged block means "upright", never an error.
 */
export function readExifOrientation(block: Uint8Array): Orientation {
  const exif = hasAscii(block, 0, "Exif\0") ? block.subarray(6) : block;
  const littleEndian = hasAscii(exif, 0, "II");
  if (!littleEndian && !hasAscii(exif, 0, "MM")) return 1;
  if (exif.length < 8) return 1;
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  if (view.getUint16(2, littleEndian) !== 42) return 1;
  const directory = view.getUint32(4, littleEndian);
  if (directory + 2 > exif.length) return 1;
  const count = view.getUint16(directory, littleEndian);
  for (let i = 0; i < count; i++) {
    const entry = directory + 2 + 12 * i;
    if (entry + 12 > exif.length) return 1;
    if (view.getUint16(entry, littleEndian) !== ORIENTATION_TAG) continue;
    const type = view.getUint16(entry + 2, littleEndian);
    if (view.getUint32(entry + 4, littleEndian) !== 1) return 1;
    if (type === TYPE_SHORT) return toOrientation(view.getUint16(entry + 8, littleEndian));
    if (type === TYPE_LONG) return toOrientation(view.getUint32(entry + 8, littleEndian));
    return 1;
  }
  return 1;
}
