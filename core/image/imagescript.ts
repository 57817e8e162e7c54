/**
 * imagescript's Wasm codecs, called directly.
 *
 * The package's main module loads a native library (`--allow-ffi`) and its Wasm loaders ask for an
 * environment variable (`--allow-env`); the Wasm files themselves need nothing. A fresh instance per
 * image costs well under a millisecond, frees all memory afterwards, and makes a trap harmless.
 */
// Names the package in the module graph, so that its files can be found in the package cache.
import "imagescript/package.json" with { type: "json" };
import { damaged } from "./bytes.ts";
import { compileWasm } from "./wasm.ts";

interface JpegExports {
  memory: WebAssembly.Memory;
  walloc(size: number): number;
  wlen(): number;
  decode(pointer: number, length: number, width: number, height: number): number;
  decode_width(image: number): number;
  decode_height(image: number): number;
  decode_format(image: number): number;
  decode_buffer(image: number): number;
}

interface GifExports {
  memory: WebAssembly.Memory;
  walloc(size: number): number;
  wlen(): number;
  decoder_new(pointer: number, length: number, limit: number): number;
  decoder_frame(decoder: number): number;
  decoder_frame_width(frame: number): number;
  decoder_frame_height(frame: number): number;
  decoder_frame_buffer(frame: number): number;
}

const FORMAT_CMYK = 2;

let jpegModule: WebAssembly.Module | undefined;
let gifModule: WebAssembly.Module | undefined;

/**
 * Decodes a four-component JPEG to its ink amounts, `H×W×4`.
 *
 * @throws {DecodeError}
 */
export function decodeRawJpeg(
  bytes: Uint8Array,
  size: { width: number; height: number },
): Uint8Array {
  jpegModule ??= compileWasm("imagescript/wasm/any/jpeg.wasm");
  const wasm = new WebAssembly.Instance(jpegModule).exports as unknown as JpegExports;
  return guarded("JPEG", () => {
    const image = wasm.decode(copyIn(wasm, bytes), bytes.length, 0, 0);
    if (image < 2 || wasm.decode_format(image) !== FORMAT_CMYK) return undefined;
    if (wasm.decode_width(image) !== size.width) return undefined;
    if (wasm.decode_height(image) !== size.height) return undefined;
    return copyOut(wasm, wasm.decode_buffer(image), size);
  });
}

/**
 * Decodes the first frame of a GIF to `H×W×4` bytes, R G B A.
 *
 * @throws {DecodeError}
 */
export function decodeGifFrame(
  bytes: Uint8Array,
  size: { width: number; height: number },
): Uint8Array {
  gifModule ??= compileWasm("imagescript/wasm/any/gif.wasm");
  const imports = { env: { push_to_stream: () => {} } };
  const wasm = new WebAssembly.Instance(gifModule, imports).exports as unknown as GifExports;
  return guarded("GIF", () => {
    const decoder = wasm.decoder_new(copyIn(wasm, bytes), bytes.length, 0);
    if (decoder === 0) return undefined;
    const frame = wasm.decoder_frame(decoder);
    if (frame === 0 || frame === 1) return undefined;
    if (wasm.decoder_frame_width(frame) !== size.width) return undefined;
    if (wasm.decoder_frame_height(frame) !== size.height) return undefined;
    return copyOut(wasm, wasm.decoder_frame_buffer(frame), size);
  });
}

/** A trap, or a result that is not the picture promised, is a damaged file. */
function guarded(label: string, decode: () => Uint8Array | undefined): Uint8Array {
  let pixels: Uint8Array | undefined;
  try {
    pixels = decode();
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) throw error;
  }
  if (!pixels) throw damaged(`${label} data is truncated or damaged`);
  return pixels;
}

function copyIn(wasm: JpegExports | GifExports, bytes: Uint8Array): number {
  const pointer = wasm.walloc(bytes.length);
  new Uint8Array(wasm.memory.buffer, pointer, bytes.length).set(bytes);
  return pointer;
}

/** The buffer accessor sets the length that `wlen` reports, so it must have been called before. */
function copyOut(
  wasm: JpegExports | GifExports,
  pointer: number,
  size: { width: number; height: number },
): Uint8Array | undefined {
  const length = wasm.wlen();
  if (length !== size.width * size.height * 4) return undefined;
  return new Uint8Array(wasm.memory.buffer, pointer, length).slice();
}
