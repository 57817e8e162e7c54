import type { Raster } from "../raster.ts";
import { requireBytes } from "./bytes.ts";
import type { ImageFormat, Orientation } from "./format.ts";
import { decodeGif } from "./gif/decode.ts";
import { readImageHeader } from "./header.ts";
import { decodeJpeg } from "./jpeg/decode.ts";
import {
  checkImageBytes,
  checkImageLimits,
  type ImageLimits,
  resolveImageLimits,
} from "./limits.ts";
import { applyOrientation } from "./orient.ts";
import { decodePng } from "./png/decode.ts";
import { decodeTiff } from "./tiff/decode.ts";
import { decodeWebp } from "./webp/decode.ts";

/** An upright photograph, with what the file said about itself. */
export interface DecodedImage extends Raster {
  readonly format: ImageFormat;
  /** The orientation found in the file; the pixels here are upright already. */
  readonly orientation: Orientation;
  /** Width before the orientation was applied. */
  readonly storedWidth: number;
  /** Height before the orientation was applied. */
  readonly storedHeight: number;
}

/** Options of {@link decodeImage}. */
export interface DecodeOptions {
  /** Default: {@link DEFAULT_IMAGE_LIMITS}; a limit left out keeps its default. */
  readonly limits?: Partial<ImageLimits>;
}

const DECODERS: Record<ImageFormat, (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>> = {
  jpeg: decodeJpeg,
  png: decodePng,
  gif: decodeGif,
  tiff: decodeTiff,
  webp: decodeWebp,
};

/**
 * Decodes a JPEG, PNG, WebP, GIF or TIFF to RGB bytes: upright by its EXIF orientation, transparency
 * laid over white, grey and palette colours expanded, 16 bits rounded to 8, the first frame of
 * several. Colour profiles are not applied.
 *
 * The limits are checked on the file's size and header first, so an image beyond them costs next to
 * nothing; decoding itself then needs 7 to 18 bytes of memory per pixel (progressive JPEG the most).
 *
 * @throws {UnsupportedFormatError} when the format, or this variant of it, is not read.
 * @throws {DecodeError} when the file is empty, cut short or damaged.
 * @throws {LimitError} when it is larger than the limits.
 */
export async function decodeImage(
  bytes: Uint8Array,
  options: DecodeOptions = {},
): Promise<DecodedImage> {
  requireBytes(bytes);
  const limits = resolveImageLimits(options.limits);
  checkImageBytes(bytes.length, limits);
  const header = readImageHeader(bytes);
  checkImageLimits(header, limits);
  const { format, orientation, width, height } = header;
  const data = await DECODERS[format](bytes);
  const upright = applyOrientation({ width, height, data }, orientation);
  return { ...upright, format, orientation, storedWidth: width, storedHeight: height };
}
