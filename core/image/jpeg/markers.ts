import { UnsupportedFormatError } from "../../errors.ts";
import { ByteReader, damaged, hasAscii, requireFewChunks } from "../bytes.ts";
import { readExifOrientation } from "../exif.ts";
import type { ImageHeader, Orientation } from "../format.ts";

/** What the markers of a JPEG say. */
export interface JpegFile {
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  /** 1 = grey, 3 = colour, 4 = CMYK. */
  readonly components: number;
  readonly orientation: Orientation;
  /** Whether it bears Adobe's marker, which tells how its colours were transformed. */
  readonly adobe: boolean;
  /** Number of scans: 1 for most files, about 10 for progressive ones. */
  readonly scans: number;
}

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const DHT = 0xc4;
const JPG = 0xc8;
const DAC = 0xcc;
const APP1 = 0xe1;
const APP14 = 0xee;

/** Start-of-frame markers of coding processes (ITU-T T.81, table B.1) that are not read here. */
const REFUSED_FRAMES: Record<number, string> = {
  0xc3: "lossless JPEG",
  0xc5: "hierarchical JPEG",
  0xc6: "hierarchical JPEG",
  0xc7: "hierarchical JPEG",
  0xc9: "arithmetic-coded JPEG",
  0xca: "arithmetic-coded JPEG",
  0xcb: "arithmetic-coded JPEG",
  0xcd: "arithmetic-coded JPEG",
  0xce: "arithmetic-coded JPEG",
  0xcf: "arithmetic-coded JPEG",
};

/**
 * Walks the markers of a JPEG.
 *
 * With `complete` (for decoding) the walk goes through every scan up to the end marker, which must be
 * there: a file cut short is an error, not a picture with a grey lower half. Without it (for the
 * header alone) the walk stops at the first scan.
 *
 * @throws {DecodeError}
 * @throws {UnsupportedFormatError} for coding processes other than baseline, extended and
 * progressive Huffman coding with 8 bits.
 * @throws {LimitError} when there are more than {@linkcode MAX_CHUNKS} segments.
 */
export function parseJpeg(bytes: Uint8Array, complete: boolean): JpegFile {
  const reader = new ByteReader(bytes, "JPEG");
  let frame: Pick<JpegFile, "width" | "height" | "bitDepth" | "components"> | undefined;
  let orientation: Orientation | undefined;
  let adobe = false;
  let scans = 0;
  let segments = 0;
  let at = 2;
  for (;;) {
    at = nextMarker(bytes, at);
    const marker = reader.u8(at++);
    if (marker === EOI) break;
    if (marker === SOI || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) continue;
    requireFewChunks(++segments, "JPEG", "segments");
    const length = reader.u16(at);
    if (length < 2) throw damaged("JPEG has a segment of impossible length");
    const segment = reader.slice(at + 2, at + length);
    at += length;
    if (isFrame(marker)) {
      if (frame) throw damaged("JPEG has two frame headers");
      frame = parseFrame(marker, segment);
    } else if (marker === APP1 && !orientation && hasAscii(segment, 0, "Exif\0")) {
      orientation = readExifOrientation(segment);
    } else if (marker === APP14 && hasAscii(segment, 0, "Adobe")) {
      adobe = true;
    } else if (marker === SOS) {
      if (!frame) throw damaged("JPEG has a scan before its frame header");
      scans++;
      if (!complete) break;
    }
  }
  if (!frame) throw damaged("JPEG has no frame header");
  if (scans === 0) throw damaged("JPEG has no scan");
  return { ...frame, orientation: orientation ?? 1, adobe, scans };
}

/** The header of a JPEG. */
export function readJpegHeader(bytes: Uint8Array): ImageHeader {
  const jpeg = parseJpeg(bytes, false);
  return {
    format: "jpeg",
    width: jpeg.width,
    height: jpeg.height,
    orientation: jpeg.orientation,
    bitDepth: jpeg.bitDepth,
    channels: jpeg.components,
    colour: jpeg.components === 1 ? "grey" : jpeg.components === 4 ? "cmyk" : "rgb",
    parts: [],
  };
}

/** The offset of the code of the next marker at or after `at`, past entropy-coded data and fill. */
function nextMarker(bytes: Uint8Array, at: number): number {
  const end = bytes.length - 1;
  for (let i = at; i < end; i++) {
    if (bytes[i] !== 0xff) continue;
    const code = bytes[i + 1]!;
    if (code !== 0 && code !== 0xff) return i + 1;
  }
  throw damaged(`JPEG file is truncated (${bytes.length} bytes, no end marker)`);
}

function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== DHT && marker !== JPG && marker !== DAC;
}

function parseFrame(marker: number, segment: Uint8Array) {
  const refused = REFUSED_FRAMES[marker];
  if (refused) {
    throw new UnsupportedFormatError(
      `Cannot decode image: ${refused} is not supported; send baseline or progressive JPEG`,
    );
  }
  const reader = new ByteReader(segment, "JPEG");
  const bitDepth = reader.u8(0);
  const height = reader.u16(1);
  const width = reader.u16(3);
  const components = reader.u8(5);
  reader.require(6, components * 3);
  if (bitDepth !== 8) {
    throw new UnsupportedFormatError(
      `Cannot decode image: JPEG with ${bitDepth} bits a sample is not supported; send 8 bits`,
    );
  }
  if (width === 0 || height === 0) throw damaged(`JPEG header says ${width}×${height} px`);
  if (components !== 1 && components !== 3 && components !== 4) {
    throw damaged(`JPEG header says ${components} colour components`);
  }
  return { width, height, bitDepth, components };
}
