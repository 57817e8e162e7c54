/** Masks as files that tell their classes apart. */

import type { Mask } from "../raster.ts";
import type { FileOptions } from "../stages/file_formats.ts";
import type { SegmentedClass } from "../stages/segment.ts";
import { cocoDataset } from "./coco.ts";
import { maskFeatures } from "./geojson.ts";

/** The files that can be made of a mask and what is known of its classes. */
export type MaskFormat = "coco" | "geojson";

/**
 * Writes a mask as JSON in UTF-8.
 *
 * @param classes Those in the image.
 * @param names Of all classes the model knows.
 * @throws {OptionError} An option cannot be served.
 */
export function encodeMaskFile(
  format: MaskFormat,
  mask: Mask,
  classes: readonly SegmentedClass[],
  names: readonly string[],
  { tolerance, rle }: FileOptions = {},
): Uint8Array {
  const described = format === "coco"
    ? cocoDataset(mask, classes, names, rle)
    : maskFeatures(mask, classes, tolerance);
  return new TextEncoder().encode(JSON.stringify(described));
}
