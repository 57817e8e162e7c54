import { crc32 } from "node:zlib";
import { ByteReader, damaged, requireFewChunks } from "../bytes.ts";
import { readExifOrientation } from "../exif.ts";
import type { ColourKind, ImageHeader, Orientation } from "../format.ts";

/** PNG colour types (PNG specification, 11.2.1). */
export const COLOUR_TYPE = { grey: 0, rgb: 2, palette: 3, greyAlpha: 4, rgba: 6 } as const;

/** Samples per pixel and permitted bit depths of every colour type. */
const COLOUR_TYPES = new Map<number, { samples: number; depths: number[]; colour: ColourKind }>([
  [COLOUR_TYPE.grey, { samples: 1, depths: [1, 2, 4, 8, 16], colour: "grey" }],
  [COLOUR_TYPE.rgb, { samples: 3, depths: [8, 16], colour: "rgb" }],
  [COLOUR_TYPE.palette, { samples: 1, depths: [1, 2, 4, 8], colour: "palette" }],
  [COLOUR_TYPE.greyAlpha, { samples: 2, depths: [8, 16], colour: "grey" }],
  [COLOUR_TYPE.rgba, { samples: 4, depths: [8, 16], colour: "rgb" }],
]);

/** Everything a PNG says outside its compressed pixels. */
export interface PngFile {
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  readonly colourType: number;
  /** Samples per pixel. */
  readonly samples: number;
  readonly interlaced: boolean;
  readonly orientation: Orientation;
  /** `PLTE`: R G B R G B …, up to 256 colours. */
  readonly palette?: Uint8Array;
  /** `tRNS`: an alpha per palette entry, or the 16-bit samples of the transparent colour. */
  readonly transparency?: Uint8Array;
  /** The `IDAT` chunks' contents in order. */
  readonly pixels: readonly Uint8Array[];
}

/**
 * Walks the chunks of a PNG.
 *
 * With `complete` (for decoding) the file must be whole: every critical chunk's CRC right, pixels
 * present, `IEND` reached. Without it (for the header alone) the walk stops quietly where a file is
 * cut short after its `IHDR`.
 *
 * @throws {DecodeError}
 * @throws {LimitError} when there are more than {@linkcode MAX_CHUNKS} chunks.
 */
export function parsePng(bytes: Uint8Array, complete: boolean): PngFile {
  const reader = new ByteReader(bytes, "PNG");
  const header = parseIhdr(reader);
  let orientation: Orientation = 1;
  let palette: Uint8Array | undefined;
  let transparency: Uint8Array | undefined;
  const pixels: Uint8Array[] = [];
  let pixelsEnded = false;
  let ended = false;
  let chunks = 1;
  for (let at = 8 + 12 + 13; !ended;) {
    if (!complete && at + 8 > bytes.length) break;
    requireFewChunks(++chunks, "PNG");
    const length = reader.u32(at);
    const type = reader.fourCc(at + 4);
    if (!/^[A-Za-z]{4}$/.test(type)) throw damaged("PNG has a chunk without a name");
    if (!complete && at + 12 + length > bytes.length) break;
    const data = reader.slice(at + 8, at + 8 + length);
    const critical = type.charCodeAt(0) < 97;
    if (complete && (critical || type === "tRNS")) checkCrc(reader, at, length, type);
    if (type !== "IDAT" && pixels.length > 0) pixelsEnded = true;
    switch (type) {
      case "IHDR":
        throw damaged("PNG has two IHDR chunks");
      case "PLTE":
        if (palette) throw damaged("PNG has two palettes");
        if (length % 3 !== 0 || length === 0 || length > 768) {
          throw damaged(`PNG palette has ${length} bytes`);
        }
        palette = data;
        break;
      case "tRNS":
        transparency = data;
        break;
      case "IDAT":
        if (pixelsEnded) throw damaged("PNG pixel data is interrupted by other chunks");
        pixels.push(data);
        break;
      case "IEND":
        ended = true;
        break;
      case "eXIf":
        orientation = readExifOrientation(data);
        break;
      default:
        if (critical) throw damaged(`PNG has an unknown critical chunk ${type}`);
    }
    at += 12 + length;
  }
  if (complete && pixels.length === 0) throw damaged("PNG has no pixel data");
  if (complete && header.colourType === COLOUR_TYPE.palette && !palette) {
    throw damaged("PNG of palette type has no palette");
  }
  return { ...header, orientation, palette, transparency, pixels };
}

/** The header of a PNG. Of an animated one only the default image is ever decoded. */
export function readPngHeader(bytes: Uint8Array): ImageHeader {
  const png = parsePng(bytes, false);
  return {
    format: "png",
    width: png.width,
    height: png.height,
    orientation: png.orientation,
    bitDepth: png.bitDepth,
    channels: png.samples,
    colour: COLOUR_TYPES.get(png.colourType)!.colour,
    parts: [],
  };
}

function parseIhdr(reader: ByteReader) {
  if (reader.u32(8) !== 13 || reader.u32(12) !== 0x49484452) {
    throw damaged("PNG does not begin with an IHDR chunk");
  }
  checkCrc(reader, 8, 13, "IHDR");
  const width = reader.u32(16);
  const height = reader.u32(20);
  const [bitDepth, colourType, compression, filter, interlace] = reader.slice(
    24,
    29,
  ) as unknown as [
    number,
    number,
    number,
    number,
    number,
  ];
  if (width === 0 || height === 0 || width > 0x7fffffff || height > 0x7fffffff) {
    throw damaged(`PNG header says ${width}×${height} px`);
  }
  const kind = COLOUR_TYPES.get(colourType);
  if (!kind || !kind.depths.includes(bitDepth)) {
    throw damaged(`PNG header says colour type ${colourType} with ${bitDepth} bits`);
  }
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    throw damaged("PNG header names an unknown compression, filter or interlace method");
  }
  return {
    width,
    height,
    bitDepth,
    colourType,
    samples: kind.samples,
    interlaced: interlace === 1,
  };
}

function checkCrc(reader: ByteReader, at: number, length: number, type: string): void {
  const stored = reader.u32(at + 8 + length);
  if (crc32(reader.slice(at + 4, at + 8 + length)) !== stored) {
    throw damaged(`PNG chunk ${type} fails its checksum`);
  }
}
