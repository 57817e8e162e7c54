import { ByteReader, damaged } from "../bytes.ts";
import type { ImageHeader } from "../format.ts";

/** Where the first frame lies on the screen; it may reach beyond it. */
export interface GifFrame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** What the blocks of a GIF say. */
export interface GifFile {
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  readonly frame: GifFrame;
  readonly frames: number;
}

const EXTENSION = 0x21;
const IMAGE = 0x2c;
const TRAILER = 0x3b;

/**
 * Walks the blocks of a GIF. With `complete` (for decoding) a file that ends inside a block is an
 * error; a missing trailer byte is not. Without it the walk needs only the first frame's descriptor.
 *
 * @throws {DecodeError}
 */
export function parseGif(bytes: Uint8Array, complete: boolean): GifFile {
  const reader = new ByteReader(bytes, "GIF", true);
  const width = reader.u16(6);
  const height = reader.u16(8);
  const flags = reader.u8(10);
  reader.require(0, 13);
  if (width === 0 || height === 0) throw damaged(`GIF header says ${width}×${height} px`);
  let frame: GifFrame | undefined;
  let frames = 0;
  let at = 13 + tableBytes(flags);
  while (at < bytes.length) {
    const block = reader.u8(at);
    if (block === TRAILER) break;
    // Bytes after a whole frame that start no block: viewers stop there too.
    if (block !== EXTENSION && block !== IMAGE) {
      if (frames > 0) break;
      throw damaged("GIF has an unknown block");
    }
    if (block === IMAGE) {
      const next = readFrame(reader, at);
      frame ??= next;
      frames++;
    }
    let data: number;
    if (block === EXTENSION) data = at + 2;
    else {
      if (at + 9 >= bytes.length && !complete) break;
      data = at + 10 + tableBytes(reader.u8(at + 9)) + 1;
    }
    const end = skipSubBlocks(bytes, data);
    if (end < 0) {
      if (!complete && frame) break;
      throw damaged(`GIF file is truncated (${bytes.length} bytes)`);
    }
    at = end;
  }
  if (!frame) throw damaged("GIF has no frame");
  return { width, height, bitDepth: (flags & 7) + 1, frame, frames };
}

/** The header of a GIF. */
export function readGifHeader(bytes: Uint8Array): ImageHeader {
  const gif = parseGif(bytes, false);
  const { width, height } = gif.frame;
  return {
    format: "gif",
    width: gif.width,
    height: gif.height,
    orientation: 1,
    bitDepth: gif.bitDepth,
    channels: 1,
    colour: "palette",
    frames: gif.frames,
    parts: [{ name: "first frame", width, height }],
  };
}

function readFrame(reader: ByteReader, at: number): GifFrame {
  const frame = {
    left: reader.u16(at + 1),
    top: reader.u16(at + 3),
    width: reader.u16(at + 5),
    height: reader.u16(at + 7),
  };
  if (frame.width === 0 || frame.height === 0) {
    throw damaged(`GIF frame says ${frame.width}×${frame.height} px`);
  }
  return frame;
}

/** Size of the colour table that a flags byte announces. */
function tableBytes(flags: number): number {
  return flags & 0x80 ? 3 << (flags & 7) + 1 : 0;
}

/** The offset after a chain of sub-blocks and its terminator; -1 when the file ends before. */
function skipSubBlocks(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length) {
    const size = bytes[at]!;
    if (size === 0) return at + 1;
    at += size + 1;
  }
  return -1;
}
