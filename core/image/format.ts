/** What is known about an image file before any of its pixels are decoded. */

/** The file formats this project reads. */
export type ImageFormat = "jpeg" | "png" | "gif" | "tiff" | "webp";

/** EXIF orientation: 1 = upright, 2..8 = the mirrors and quarter turns of the EXIF specification. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** How the stored samples are to be understood. */
export type ColourKind = "grey" | "rgb" | "palette" | "cmyk";

/** A picture inside the file that a decoder would make room for, besides the image itself. */
export interface ImagePart {
  /** What it is: "first frame", "tile", … */
  readonly name: string;
  readonly width: number;
  readonly height: number;
}

/** The header of an image file. */
export interface ImageHeader {
  readonly format: ImageFormat;
  /** Width as stored, in pixels, before the orientation is applied. */
  readonly width: number;
  /** Height as stored, in pixels, before the orientation is applied. */
  readonly height: number;
  readonly orientation: Orientation;
  /** Bits per sample. */
  readonly bitDepth: number;
  /** Samples per pixel as stored, alpha included. */
  readonly channels: number;
  readonly colour: ColourKind;
  /** Number of frames, for formats that can hold several; only the first is ever decoded. */
  readonly frames?: number;
  /**
   * Sizes stored elsewhere in the file (a GIF frame larger than its screen, a TIFF tile larger than
   * its image). They count against the limits as the image itself does.
   */
  readonly parts: readonly ImagePart[];
}

const LABELS: Record<ImageFormat, string> = {
  jpeg: "JPEG",
  png: "PNG",
  gif: "GIF",
  tiff: "TIFF",
  webp: "WebP",
};

/** The format's name as people write it: "JPEG", "WebP", … */
export function formatLabel(format: ImageFormat): string {
  return LABELS[format];
}
