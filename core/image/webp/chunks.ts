import { ByteReader, damaged, hasAscii, requireFewChunks } from "../bytes.ts";
import { readExifOrientation } from "../exif.ts";
import type { ImageHeader, ImagePart, Orientation } from "../format.ts";

/** A picture in a WebP: one lossy (`VP8 `) or lossless (`VP8L`) bitstream, perhaps with `ALPH`. */
export interface WebpPicture {
  /** Offset on the canvas. */
  readonly left: number;
  readonly top: number;
  /** Size according to the bitstream itself. */
  readonly width: number;
  readonly height: number;
  readonly lossless: boolean;
  readonly bitstream: Uint8Array;
  /** Contents of the `ALPH` chunk. */
  readonly alpha?: Uint8Array;
}

/** What the chunks of a WebP say. */
export interface WebpFile {
  /** Canvas size. */
  readonly width: number;
  readonly height: number;
  readonly orientation: Orientation;
  readonly hasAlpha: boolean;
  /** The still picture, or the first frame of an animation. */
  readonly picture: WebpPicture;
  readonly frames: number;
  readonly parts: readonly ImagePart[];
}

const ANIMATION_FLAG = 0x02;
const ALPHA_FLAG = 0x10;

interface Chunk {
  readonly type: string;
  readonly start: number;
  /** End of the contents; beyond the file's end when the file is cut short. */
  readonly end: number;
}

/**
 * Walks the chunks of a WebP.
 *
 * With `complete` (for decoding) every chunk must lie wholly in the file. Sizes stand in up to three
 * places (canvas, frame, bitstream); they must agree, so that the header alone tells what a decoder
 * will make room for.
 *
 * @throws {DecodeError}
 * @throws {LimitError} when there are more than {@linkcode MAX_CHUNKS} chunks.
 */
export function parseWebp(bytes: Uint8Array, complete: boolean): WebpFile {
  const reader = new ByteReader(bytes, "WebP", true);
  const riffEnd = 8 + reader.u32(4);
  if (complete && riffEnd > bytes.length) reader.require(0, riffEnd);
  const end = complete ? riffEnd : Math.min(riffEnd, bytes.length);
  let canvas: { width: number; height: number; flags: number } | undefined;
  let orientation: Orientation = 1;
  let picture: WebpPicture | undefined;
  let alpha: Uint8Array | undefined;
  let frames = 0;
  for (const chunk of chunks(reader, 12, end, complete)) {
    switch (chunk.type) {
      case "VP8X":
        if (canvas || picture) throw damaged("WebP has its VP8X chunk in the wrong place");
        canvas = {
          flags: reader.u8(chunk.start),
          width: reader.u24(chunk.start + 4) + 1,
          height: reader.u24(chunk.start + 7) + 1,
        };
        break;
      case "ALPH":
        alpha = bytes.subarray(chunk.start, chunk.end);
        break;
      case "VP8 ":
      case "VP8L":
        if (!picture) {
          picture = readBitstream(reader, chunk, 0, 0, alpha);
          frames = 1;
        }
        break;
      case "ANMF":
        picture ??= readFrame(reader, chunk, complete);
        frames++;
        break;
      case "EXIF":
        orientation = readExifOrientation(bytes.subarray(chunk.start, chunk.end));
        break;
    }
  }
  if (!picture) throw damaged("WebP has no picture");
  const { width, height } = canvas ?? picture;
  checkPlacement({ width, height }, picture, ((canvas?.flags ?? 0) & ANIMATION_FLAG) !== 0);
  return {
    width,
    height,
    orientation,
    hasAlpha: canvas ? (canvas.flags & ALPHA_FLAG) !== 0 : picture.lossless,
    picture,
    frames,
    parts: frames > 1
      ? [{ name: "first frame", width: picture.width, height: picture.height }]
      : [],
  };
}

/** The header of a WebP. */
export function readWebpHeader(bytes: Uint8Array): ImageHeader {
  const webp = parseWebp(bytes, false);
  return {
    format: "webp",
    width: webp.width,
    height: webp.height,
    orientation: webp.orientation,
    bitDepth: 8,
    channels: webp.hasAlpha ? 4 : 3,
    colour: "rgb",
    frames: webp.frames,
    parts: webp.parts,
  };
}

function* chunks(reader: ByteReader, from: number, end: number, complete: boolean) {
  let count = 0;
  for (let at = from; at + 8 <= end;) {
    requireFewChunks(++count, "WebP");
    const type = reader.fourCc(at);
    const size = reader.u32(at + 4);
    const chunk: Chunk = { type, start: at + 8, end: at + 8 + size };
    if (complete && chunk.end > end) throw damaged("WebP file is truncated inside a chunk");
    yield chunk;
    at = chunk.end + (size & 1);
  }
}

/** The bitstream inside an `ANMF` chunk, which must have the size the chunk claims. */
function readFrame(reader: ByteReader, frame: Chunk, complete: boolean): WebpPicture {
  const left = 2 * reader.u24(frame.start);
  const top = 2 * reader.u24(frame.start + 3);
  const width = reader.u24(frame.start + 6) + 1;
  const height = reader.u24(frame.start + 9) + 1;
  const end = Math.min(frame.end, reader.length);
  let alpha: Uint8Array | undefined;
  for (const chunk of chunks(reader, frame.start + 16, end, complete)) {
    if (chunk.type === "ALPH") alpha = reader.bytes.subarray(chunk.start, chunk.end);
    if (chunk.type !== "VP8 " && chunk.type !== "VP8L") continue;
    const picture = readBitstream(reader, chunk, left, top, alpha);
    if (picture.width !== width || picture.height !== height) {
      throw damaged("WebP frame and its data disagree about the size");
    }
    return picture;
  }
  throw damaged("WebP frame has no picture");
}

function readBitstream(
  reader: ByteReader,
  chunk: Chunk,
  left: number,
  top: number,
  alpha: Uint8Array | undefined,
): WebpPicture {
  const { start } = chunk;
  const bitstream = reader.bytes.subarray(start, chunk.end);
  if (chunk.type === "VP8L") {
    // One signature byte, then 14 bits of width-1 and 14 bits of height-1.
    if (reader.u8(start) !== 0x2f) throw damaged("WebP lossless data has no signature");
    const bits = reader.u32(start + 1);
    const width = (bits & 0x3fff) + 1;
    const height = (bits >>> 14 & 0x3fff) + 1;
    return { left, top, width, height, lossless: true, bitstream };
  }
  // Three bytes of frame tag, three of start code, then width and height with two bits of scaling.
  if ((reader.u8(start) & 1) !== 0 || !hasAscii(reader.bytes, start + 3, "\x9d\x01\x2a")) {
    throw damaged("WebP lossy data does not begin with a key frame");
  }
  const width = reader.u16(start + 6) & 0x3fff;
  const height = reader.u16(start + 8) & 0x3fff;
  if (width === 0 || height === 0) throw damaged(`WebP header says ${width}×${height} px`);
  return { left, top, width, height, lossless: false, bitstream, alpha };
}

function checkPlacement(
  canvas: { width: number; height: number },
  picture: WebpPicture,
  animated: boolean,
): void {
  const fits = animated
    ? picture.left + picture.width <= canvas.width && picture.top + picture.height <= canvas.height
    : picture.width === canvas.width && picture.height === canvas.height;
  if (!fits) throw damaged("WebP canvas and picture disagree about the size");
}
