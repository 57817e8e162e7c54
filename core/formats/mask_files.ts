/** Masks as files that tell their classes apart. */

import type { Mask } from "../raster.ts";
import { encodeBrush } from "../../kernels/brush_runs.ts";
import type { Legend } from "../runtime/legend.ts";
import type { FileOptions } from "../stages/file_formats.ts";
import type { SegmentedClass } from "../stages/segment.ts";
import { cocoDataset } from "./coco.ts";
import { encodeCvatShapes } from "./cvat.ts";
import { maskFeatures } from "./geojson.ts";

/** The files that can be made of a mask and what is known of its classes. */
export type MaskFormat = "coco" | "geojson" | "cvat" | "brush";

/** A class of a mask as a stroke of Label Studio's brush. */
export interface BrushStroke extends SegmentedClass {
  /** The bytes of its run lengths, see `kernels/brush_runs.ts`. */
  readonly rle: readonly number[];
}

/** The file `brush`. */
export interface BrushStrokes {
  readonly width: number;
  readonly height: number;
  /** One for every class that has pixels. */
  readonly strokes: readonly BrushStroke[];
}

/**
 * Writes a mask as JSON in UTF-8.
 *
 * @param classes Those in the image.
 * @param legend Of all classes the model knows.
 * @throws {OptionError} An option cannot be served.
 */
export function encodeMaskFile(
  format: MaskFormat,
  mask: Mask,
  classes: readonly SegmentedClass[],
  legend: Legend,
  options: FileOptions = {},
): Uint8Array {
  switch (format) {
    case "coco":
      return toJson(cocoDataset(mask, classes, legend, options.rle));
    case "geojson":
      return toJson(maskFeatures(mask, classes, options.tolerance));
    case "cvat":
      return encodeCvatShapes(mask, classes, options);
    case "brush":
      return toJson(brushStrokes(mask, classes));
  }
}

function brushStrokes({ width, height, data }: Mask, classes: readonly SegmentedClass[]) {
  const strokes = classes.filter(({ pixels }) => pixels > 0).map((each) => ({
    ...each,
    rle: Array.from(encodeBrush(data, width, height, each.index)),
  }));
  return { width, height, strokes } satisfies BrushStrokes;
}

function toJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
