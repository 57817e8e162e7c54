/**
 * Photographs in, masks and pictures out: decoding with limits, encoding, palettes, overlays.
 *
 * @module
 */
export { type DecodedImage, decodeImage, type DecodeOptions } from "./decode.ts";
export {
  type ColourKind,
  type ImageFormat,
  type ImageHeader,
  type ImagePart,
  type Orientation,
  readImageHeader,
} from "./header.ts";
export { sniffFormat } from "./sniff.ts";
export {
  checkImageBytes,
  checkImageLimits,
  DEFAULT_IMAGE_LIMITS,
  type ImageLimits,
  resolveImageLimits,
} from "./limits.ts";
export { decodeMaskPng, encodeMaskPng, encodeRgbPng } from "./encode.ts";
export { COLOUR_MAPS, type ColourMap, colourMapPalette } from "./colour_maps.ts";
export { greyPalette, vocPalette } from "./palette.ts";
export { drawOverlay, type OverlayOptions } from "./overlay.ts";
