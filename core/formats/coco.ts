/** Masks in the form of COCO's annotations. */

import { OptionError } from "../errors.ts";
import type { Mask } from "../raster.ts";
import { encodeRuns, packRuns } from "../../kernels/run_lengths.ts";
import { colorOf, type Legend } from "../runtime/legend.ts";
import type { Rgb } from "../runtime/models.ts";
import type { SegmentedClass } from "../stages/segment.ts";

/** How COCO writes run lengths: as a string, or as a list of numbers. */
export const RLE_KINDS = ["compressed", "counts"] as const;
export type RleKind = typeof RLE_KINDS[number];

/** A mask in COCO's run lengths. */
export interface CocoSegmentation {
  /** `[height, width]`. */
  readonly size: readonly [number, number];
  readonly counts: string | readonly number[];
}

/** All that is found of one class. */
export interface CocoAnnotation {
  readonly id: number;
  readonly image_id: number;
  readonly category_id: number;
  readonly segmentation: CocoSegmentation;
  readonly area: number;
  /** `[left, top, width, height]`. */
  readonly bbox: readonly [number, number, number, number];
  readonly iscrowd: 0;
  readonly score: number;
}

/** A data set of one image. */
export interface CocoDataset {
  readonly images: readonly {
    readonly id: number;
    readonly width: number;
    readonly height: number;
    readonly file_name: string;
  }[];
  readonly annotations: readonly CocoAnnotation[];
  /** Every class the model knows; `color` as in COCO's panoptic categories. */
  readonly categories: readonly {
    readonly id: number;
    readonly name: string;
    readonly color: Rgb;
  }[];
}

/**
 * Describes a mask as a data set of one image, with an annotation for every class that has pixels.
 *
 * @param legend Of the classes the model knows.
 * @throws {OptionError} `rle` is none of {@linkcode RLE_KINDS}.
 */
export function cocoDataset(
  mask: Mask,
  classes: readonly SegmentedClass[],
  { names, palette }: Legend,
  rle: RleKind = "compressed",
): CocoDataset {
  if (!RLE_KINDS.includes(rle)) {
    throw new OptionError(`rle must be one of ${RLE_KINDS.join(", ")}, got ${rle}`);
  }
  const { width, height, data } = mask;
  const annotations = classes.flatMap(({ index, score, pixels, box }): CocoAnnotation[] => {
    if (box === null) return [];
    const [left, top, right, bottom] = box;
    const runs = encodeRuns(data, width, height, index);
    return [{
      id: index,
      image_id: 1,
      category_id: index,
      segmentation: {
        size: [height, width],
        counts: rle === "compressed" ? packRuns(runs) : Array.from(runs),
      },
      area: pixels,
      bbox: [left, top, right - left, bottom - top],
      iscrowd: 0,
      score,
    }];
  });
  return {
    images: [{ id: 1, width, height, file_name: "image" }],
    annotations,
    categories: names.map((name, i) => ({ id: i + 1, name, color: colorOf(palette, i + 1) })),
  };
}
