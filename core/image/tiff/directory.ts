import { UnsupportedFormatError } from "../../errors.ts";
import { ByteReader, damaged, hasAscii } from "../bytes.ts";
import { toOrientation } from "../exif.ts";
import type { ColourKind, ImageHeader, Orientation } from "../format.ts";

/** Photometric interpretations (TIFF 6.0, section 8) that are read here. */
export const PHOTOMETRIC = { whiteIsZero: 0, blackIsZero: 1, rgb: 2, palette: 3, cmyk: 5 } as const;

/** Compression schemes that are read here. */
export const COMPRESSION = { none: 1, lzw: 5, deflate: 8, oldDeflate: 32946, packBits: 32773 };

/** The first directory of a TIFF, its values checked against one another. */
export interface TiffFile {
  readonly width: number;
  readonly height: number;
  readonly orientation: Orientation;
  readonly bitDepth: number;
  /** Samples per pixel, extra ones included. */
  readonly samples: number;
  readonly photometric: number;
  readonly compression: number;
  /** 2 = differences between neighbours are stored. */
  readonly predictor: number;
  /** Each sample in its own strips or tiles. */
  readonly planar: boolean;
  /** Meaning of the first extra sample: 0 none or unknown, 1 premultiplied alpha, 2 alpha. */
  readonly alpha: number;
  /** 3 × 2^bitDepth 16-bit values: all reds, all greens, all blues. */
  readonly colourMap?: readonly number[];
  /** Size of a strip or tile in pixels. */
  readonly blockWidth: number;
  readonly blockHeight: number;
  readonly tiled: boolean;
  readonly offsets: readonly number[];
  readonly byteCounts: readonly number[];
  readonly littleEndian: boolean;
}

const TAG = {
  width: 256,
  height: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  fillOrder: 266,
  stripOffsets: 273,
  orientation: 274,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  planarConfiguration: 284,
  predictor: 317,
  colourMap: 320,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  extraSamples: 338,
  sampleFormat: 339,
} as const;

/** Bytes per value of the integer types: BYTE, SHORT, LONG. */
const TYPE_SIZES: Record<number, number> = { 1: 1, 3: 2, 4: 4 };

/**
 * Colour, alpha and two more: what has more samples is no photograph, and would multiply the memory
 * needed.
 */
const MAX_SAMPLES = 6;

/** Enough for 16×16 tiles over 25 megapixels. */
const MAX_BLOCKS = 200_000;

/**
 * The first `most` values of a tag, or all where it has fewer. Several tags may point at the same
 * bytes and each may claim the whole file, so nothing is read beyond what its reader can use.
 */
type Tags = (tag: number, most: number, fallback?: readonly number[]) => readonly number[];

/**
 * Reads the first directory of a classic TIFF.
 *
 * @throws {DecodeError}
 * @throws {UnsupportedFormatError} for compressions (JPEG, fax) and samples (floats) not read here.
 */
export function parseTiff(bytes: Uint8Array): TiffFile {
  const littleEndian = hasAscii(bytes, 0, "II");
  const reader = new ByteReader(bytes, "TIFF", littleEndian);
  const tags = readDirectory(reader);
  const one = (tag: number, fallback?: number) =>
    tags(tag, 1, fallback === undefined ? undefined : [fallback])[0]!;

  const width = one(TAG.width);
  const height = one(TAG.height);
  if (width === 0 || height === 0) throw damaged(`TIFF header says ${width}×${height} px`);
  const samples = one(TAG.samplesPerPixel, 1);
  const photometric = one(TAG.photometric);
  if (samples < 1 || samples > MAX_SAMPLES) {
    throw unsupported(`TIFF with ${samples} samples a pixel`);
  }
  const bitDepth = readBitDepth(tags(TAG.bitsPerSample, samples, [1]));
  const compression = one(TAG.compression, 1);
  const predictor = one(TAG.predictor, 1);
  const extra = one(TAG.extraSamples, 0);
  const planar = one(TAG.planarConfiguration, 1) === 2;
  const sampleFormat = tags(TAG.sampleFormat, samples, [1]);
  requireReadable(compression, predictor, sampleFormat, one(TAG.fillOrder, 1));
  const colourMap = requireColours(photometric, samples, bitDepth, tags);

  const tiled = tags(TAG.tileWidth, 1, []).length > 0;
  const blockWidth = tiled ? one(TAG.tileWidth) : width;
  const blockHeight = tiled
    ? one(TAG.tileHeight)
    : Math.min(height, one(TAG.rowsPerStrip, 0xffffffff));
  // TIFF wants tiles in multiples of 16; tiny ones would only make many calls out of few pixels.
  if (blockHeight === 0 || (tiled && (blockWidth < 16 || blockHeight < 16))) {
    throw damaged(`TIFF has strips or tiles of ${blockWidth}×${blockHeight} px`);
  }
  const blocks = Math.ceil(width / blockWidth) * Math.ceil(height / blockHeight) *
    (planar ? samples : 1);
  if (blocks > MAX_BLOCKS) throw damaged(`TIFF has ${blocks} strips or tiles`);
  const offsets = tags(tiled ? TAG.tileOffsets : TAG.stripOffsets, blocks);
  const byteCounts = tags(tiled ? TAG.tileByteCounts : TAG.stripByteCounts, blocks);
  const listed = Math.min(offsets.length, byteCounts.length);
  if (listed < blocks) throw damaged(`TIFF lists ${listed} strips or tiles of ${blocks}`);
  requireSeparate(byteCounts, bytes.length);
  return {
    width,
    height,
    orientation: toOrientation(one(TAG.orientation, 1)),
    bitDepth,
    samples,
    photometric,
    compression,
    predictor,
    planar,
    alpha: samples > (photometric === PHOTOMETRIC.rgb ? 3 : 1) ? extra : 0,
    colourMap,
    blockWidth,
    blockHeight,
    tiled,
    offsets,
    byteCounts,
    littleEndian,
  };
}

/** The header of a TIFF: its first directory. */
export function readTiffHeader(bytes: Uint8Array): ImageHeader {
  const tiff = parseTiff(bytes);
  const colours: Record<number, ColourKind> = { 2: "rgb", 3: "palette", 5: "cmyk" };
  return {
    format: "tiff",
    width: tiff.width,
    height: tiff.height,
    orientation: tiff.orientation,
    bitDepth: tiff.bitDepth,
    channels: tiff.samples,
    colour: colours[tiff.photometric] ?? "grey",
    parts: tiff.tiled ? [{ name: "tile", width: tiff.blockWidth, height: tiff.blockHeight }] : [],
  };
}

/** A look-up of tags; without a fallback a missing tag is an error. */
function readDirectory(reader: ByteReader): Tags {
  const start = reader.u32(4);
  const count = reader.u16(start);
  const entries = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    const entry = start + 2 + 12 * i;
    reader.require(entry, 12);
    const tag = reader.u16(entry);
    if (!entries.has(tag)) entries.set(tag, entry);
  }
  return (tag, most, fallback) => {
    const entry = entries.get(tag);
    if (entry !== undefined) return readValues(reader, entry, tag, most);
    if (fallback) return fallback;
    throw damaged(`TIFF lacks tag ${tag}`);
  };
}

function readValues(reader: ByteReader, entry: number, tag: number, most: number): number[] {
  const type = reader.u16(entry + 2);
  const count = reader.u32(entry + 4);
  const size = TYPE_SIZES[type];
  if (!size) throw damaged(`TIFF tag ${tag} has the unexpected type ${type}`);
  if (count === 0) throw damaged(`TIFF tag ${tag} is empty`);
  const at = size * count <= 4 ? entry + 8 : reader.u32(entry + 8);
  reader.require(at, size * count);
  const values = new Array<number>(Math.min(count, most));
  for (let i = 0; i < values.length; i++) {
    const place = at + i * size;
    values[i] = size === 1 ? reader.u8(place) : size === 2 ? reader.u16(place) : reader.u32(place);
  }
  return values;
}

/**
 * Strips that share their bytes would let a small file cost the time of a large one; those of an
 * honest file cannot add up to more than the file.
 */
function requireSeparate(byteCounts: readonly number[], fileSize: number): void {
  const sum = byteCounts.reduce((total, count) => total + count, 0);
  if (sum > fileSize) throw damaged(`TIFF file is truncated, or its strips overlap`);
}

function readBitDepth(bits: readonly number[]): number {
  const depth = bits[0]!;
  if (bits.some((it) => it !== depth)) throw unsupported("TIFF with samples of different depths");
  return depth;
}

function requireReadable(
  compression: number,
  predictor: number,
  sampleFormat: readonly number[],
  fillOrder: number,
): void {
  if (!Object.values(COMPRESSION).includes(compression)) {
    const names: Record<number, string> = { 2: "fax", 3: "fax", 4: "fax", 6: "JPEG", 7: "JPEG" };
    throw unsupported(`TIFF with ${names[compression] ?? "unknown"} compression (${compression})`);
  }
  if (predictor !== 1 && predictor !== 2) throw unsupported(`TIFF with predictor ${predictor}`);
  if (sampleFormat.some((it) => it !== 1)) throw unsupported("TIFF with signed or float samples");
  if (fillOrder !== 1) throw unsupported("TIFF with reversed bits");
}

/** Checks that the samples make sense as colours; returns the palette of a palette image. */
function requireColours(
  photometric: number,
  samples: number,
  bitDepth: number,
  tags: Tags,
): readonly number[] | undefined {
  switch (photometric) {
    case PHOTOMETRIC.whiteIsZero:
    case PHOTOMETRIC.blackIsZero: {
      const depths = samples === 1 ? [1, 2, 4, 8, 16] : [8, 16];
      if (!depths.includes(bitDepth)) throw unsupported(`TIFF with ${bitDepth}-bit grey`);
      return undefined;
    }
    case PHOTOMETRIC.rgb:
    case PHOTOMETRIC.cmyk:
      if (samples < (photometric === PHOTOMETRIC.rgb ? 3 : 4)) {
        throw damaged(`TIFF colour image has ${samples} samples a pixel`);
      }
      if (bitDepth !== 8 && bitDepth !== 16) throw unsupported(`TIFF with ${bitDepth}-bit colours`);
      return undefined;
    case PHOTOMETRIC.palette: {
      if (samples !== 1 || ![1, 2, 4, 8].includes(bitDepth)) {
        throw unsupported(`TIFF palette image with ${samples} samples of ${bitDepth} bits`);
      }
      const size = 3 << bitDepth;
      const map = tags(TAG.colourMap, size);
      if (map.length < size) throw damaged("TIFF colour map is too short");
      return map;
    }
    default:
      throw unsupported(`TIFF with colour space ${photometric}`);
  }
}

function unsupported(what: string): UnsupportedFormatError {
  return new UnsupportedFormatError(
    `Cannot decode image: ${what} is not supported; send 8- or 16-bit RGB, grey or palette`,
  );
}
