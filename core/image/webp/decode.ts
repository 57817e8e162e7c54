import webpDecoder from "@jsquash/webp/codec/dec/webp_dec.js";
import { damaged } from "../bytes.ts";
import { flattenRgba } from "../flatten.ts";
import { WasmDecoder } from "../wasm.ts";
import { parseWebp, type WebpPicture } from "./chunks.ts";

const decoder = new WasmDecoder(webpDecoder, "@jsquash/webp/codec/dec/webp_dec.wasm");

/**
 * Decodes a WebP (lossy, lossless, with alpha, or the first frame of an animation) to `H×W×3` bytes,
 * laid over white.
 *
 * @throws {DecodeError}
 */
export async function decodeWebp(bytes: Uint8Array): Promise<Uint8Array> {
  const { width, height, picture } = parseWebp(bytes, true);
  // Handing over the one bitstream whose size was checked, in a file of our own making, leaves the
  // decoder nothing else to find: no second picture, no animation, no other size.
  const { image } = await decoder.run(stillFile(picture));
  if (!image || image.width !== picture.width || image.height !== picture.height) {
    throw damaged("WebP data is truncated or damaged");
  }
  const rgb = flattenRgba(image.data, picture.width * picture.height);
  if (picture.width === width && picture.height === height) return rgb;
  const canvas = new Uint8Array(width * height * 3).fill(255);
  for (let y = 0; y < picture.height; y++) {
    const row = rgb.subarray(y * picture.width * 3, (y + 1) * picture.width * 3);
    canvas.set(row, ((picture.top + y) * width + picture.left) * 3);
  }
  return canvas;
}

/** A RIFF file holding one picture and nothing else. */
function stillFile(picture: WebpPicture): Uint8Array {
  const { bitstream, alpha, lossless } = picture;
  const chunks: [type: string, data: Uint8Array][] = [];
  if (alpha) {
    const canvas = new Uint8Array(10);
    canvas[0] = 0x10; // "has alpha"
    writeU24(canvas, 4, picture.width - 1);
    writeU24(canvas, 7, picture.height - 1);
    chunks.push(["VP8X", canvas], ["ALPH", alpha]);
  }
  chunks.push([lossless ? "VP8L" : "VP8 ", bitstream]);
  const padded = (data: Uint8Array) => data.length + (data.length & 1);
  const size = chunks.reduce((sum, [, data]) => sum + 8 + padded(data), 12);
  const file = new Uint8Array(size);
  const view = new DataView(file.buffer);
  writeAscii(file, 0, "RIFF");
  view.setUint32(4, size - 8, true);
  writeAscii(file, 8, "WEBP");
  let at = 12;
  for (const [type, data] of chunks) {
    writeAscii(file, at, type);
    view.setUint32(at + 4, data.length, true);
    file.set(data, at + 8);
    at += 8 + padded(data);
  }
  return file;
}

function writeAscii(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}

function writeU24(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >> 8;
  bytes[at + 2] = value >> 16;
}
