/** The files that results can be written as, and how. */

import { OptionError } from "../errors.ts";
import { RLE_KINDS, type RleKind } from "../formats/coco.ts";
import { COLOUR_MAPS, type ColourMap } from "../image/colour_maps.ts";

/**
 * The kinds of file: `png`, an indexed or grey picture; `overlay`, colours over the photo, as PNG; `npz`, arrays;
 * `coco`, a data set of one image with run lengths, as JSON; `geojson`, polygons; `scores`, a zip archive
 * of a grey PNG per class.
 */
export const FILE_FORMATS = ["png", "overlay", "npz", "coco", "geojson", "scores"] as const;

/**
 * What adapters for other programs make their answers of: `cvat`, see `core/formats/cvat.ts`; `brush`, strokes of
 * Label Studio's brush. Both can be made of whatever `coco` can be made of.
 */
export const ADAPTER_FILES = ["cvat", "brush"] as const;
export type FileFormat = typeof FILE_FORMATS[number] | typeof ADAPTER_FILES[number];

const PICTURES = ["png", "overlay", "npz"] as const;

/** The files of each stage. */
export const STAGE_FILES = {
  cam: [...PICTURES, "scores"],
  segment: FILE_FORMATS,
  perimeter: PICTURES,
  refine: FILE_FORMATS,
} as const satisfies Record<string, readonly FileFormat[]>;

/** How files are written. */
export interface FileOptions {
  /** Colours of heat maps. Default: `"grey"` for `png` and `scores`, `"inferno"` for `overlay`. */
  colormap?: ColourMap;
  /**
   * Pixels, 0 or more, that the polygons of `geojson` may be away from the mask's borders; 0 gives every
   * corner of a pixel. Default: 1.
   */
  tolerance?: number;
  /** How `coco` writes run lengths. Default: `"compressed"`. */
  rle?: RleKind;
  /** Classes of a lower score are left out of `cvat`. Default: 0. */
  minScore?: number;
}

/**
 * Refuses options that no file can be written with.
 *
 * @throws {OptionError}
 */
export function checkFileOptions({ colormap, tolerance, rle }: FileOptions): void {
  const choose = (name: string, value: string | undefined, choices: readonly string[]) => {
    if (value === undefined || choices.includes(value)) return;
    throw new OptionError(`${name} must be one of ${choices.join(", ")}, got ${value}`);
  };
  choose("colormap", colormap, COLOUR_MAPS);
  choose("rle", rle, RLE_KINDS);
  if (tolerance !== undefined && !(tolerance >= 0 && Number.isFinite(tolerance))) {
    throw new OptionError(`tolerance must be 0 or more, got ${tolerance}`);
  }
}

/** Whether a stage's result can be written as a format. */
export function canWrite(stage: keyof typeof STAGE_FILES, format: FileFormat): boolean {
  const offered: readonly FileFormat[] = STAGE_FILES[stage];
  const adapters: readonly FileFormat[] = ADAPTER_FILES;
  return offered.includes(format) || (adapters.includes(format) && offered.includes("coco"));
}
