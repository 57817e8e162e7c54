import { LimitError } from "../errors.ts";
import { formatLabel, type ImageHeader } from "./format.ts";

/** What an image may cost; checked against the file's size and header, before decoding. */
export interface ImageLimits {
  /** Size of the file in bytes. */
  readonly maxBytes: number;
  /** Width × height, in pixels. */
  readonly maxPixels: number;
  /** The longer side, in pixels. */
  readonly maxSide: number;
}

/** 20 MiB (20 971 520 bytes), 25 megapixels (25 000 000), 8192 px a side. */
export const DEFAULT_IMAGE_LIMITS: ImageLimits = Object.freeze({
  maxBytes: 20 * 1024 * 1024,
  maxPixels: 25_000_000,
  maxSide: 8192,
});

/**
 * Fills in the defaults of the limits left out.
 *
 * @throws {RangeError} when a limit is not a positive number.
 */
export function resolveImageLimits(limits: Partial<ImageLimits> = {}): ImageLimits {
  const resolved = { ...DEFAULT_IMAGE_LIMITS };
  for (const key of ["maxBytes", "maxPixels", "maxSide"] as const) {
    const value = limits[key] ?? DEFAULT_IMAGE_LIMITS[key];
    if (!(value > 0)) throw new RangeError(`Image limit ${key} must be above 0, got ${value}`);
    resolved[key] = value;
  }
  return resolved;
}

/**
 * Refuses a file of too many bytes.
 *
 * @throws {LimitError}
 */
export function checkImageBytes(byteLength: number, limits: ImageLimits): void {
  if (byteLength > limits.maxBytes) {
    throw new LimitError(
      `Cannot decode image: the file has ${byteLength} bytes, limit is ${limits.maxBytes} bytes`,
    );
  }
}

/**
 * Refuses an image whose header promises more pixels than the limits allow, be it for the image
 * itself or for any part a decoder would make room for.
 *
 * @throws {LimitError}
 */
export function checkImageLimits(header: ImageHeader, limits: ImageLimits): void {
  const label = formatLabel(header.format);
  checkSize(`${label} header`, header.width, header.height, limits);
  for (const part of header.parts) {
    checkSize(`${label} ${part.name}`, part.width, part.height, limits);
  }
}

function checkSize(what: string, width: number, height: number, limits: ImageLimits): void {
  const says = `Cannot decode image: ${what} says ${width}×${height} px`;
  if (Math.max(width, height) > limits.maxSide) {
    throw new LimitError(`${says}, limit is ${limits.maxSide} px a side`);
  }
  if (width * height > limits.maxPixels) {
    throw new LimitError(`${says}, limit is ${limits.maxPixels} px in all`);
  }
}
