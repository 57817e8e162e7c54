/** The stage `perimeter`: regions without classes and the lines between them. */

import { encodeMaskPng, encodeRgbPng, greyPalette } from "../image/mod.ts";
import { encodeNpz, type NpyArray } from "../npz.ts";
import type { Mask, Raster } from "../raster.ts";
import { rankLabels } from "../../kernels/rank_labels.ts";
import {
  checkPerimeterOptions,
  findPerimeters,
  paintLabels,
  type PerimeterBranch,
  type PerimeterOptions,
  type Perimeters,
} from "./perimeter.ts";
import type { PerimeterMethod } from "./perimeter_choices.ts";
import { refuseFormat, type Stage } from "./stage.ts";
import { checkHeavyPixels } from "./working_size.ts";

/** What one method found, in a few lines of JSON. */
export interface PerimeterBranchSummary {
  readonly method: PerimeterMethod;
  readonly superpixels: number;
  readonly iterations: number;
  /** Different labels that are left. */
  readonly labels: number;
  /** 4-connected regions of equal labels. */
  readonly regions: number;
  /** Share of the image that is perimeter, 0..1. */
  readonly perimeter: number;
}

/** What there is to tell about perimeters in a few lines of JSON. */
export interface PerimeterSummary {
  /** Size of the image, upright, and of all maps. */
  readonly width: number;
  readonly height: number;
  /** Size at which regions were found, which is reduced for large images. */
  readonly workingWidth: number;
  readonly workingHeight: number;
  readonly detector: string;
  readonly results: readonly PerimeterBranchSummary[];
}

/** How strongly regions are tinted in the overlay. */
const TINT = 0.3;
/** Colours of perimeters by stored value: SLIC's, quickshift's, of both. */
const BOTH_COLOURS = [[255, 221, 51], [51, 204, 255], [255, 255, 255]] as const;

/**
 * Files: `png`, the perimeter map, stored values 0 and 255, or with both methods 1 (SLIC's), 2
 * (quickshift's) and 3 (of both), in colours; `overlay`, perimeters and lightly tinted regions (SLIC's if
 * there are both) over the photo, or with `reference` the published picture of the labels, both methods'
 * side by side; `npz`, for each method `labels`, `superpixels`, `perimeter`, `iterations` and
 * `labels_per_iteration`, with `reference` also `picture` (R, G, B), all with the method's name before
 * them if there are both.
 */
export const perimeterStage: Stage<PerimeterOptions, Perimeters, PerimeterSummary> = {
  check: checkPerimeterOptions,
  compute(image, options, { uss }, checkpoint) {
    checkHeavyPixels(image, options.workingSize, "training");
    return findPerimeters(image, uss, options, checkpoint);
  },
  summarize: summarizePerimeters,
  encode(format, perimeters, { image, checkpoint }) {
    switch (format) {
      case "png":
        return encodePerimeterPng(perimeters.branches);
      case "overlay": {
        const picture = drawPerimeters(image, perimeters.branches);
        checkpoint();
        return encodeRgbPng(picture);
      }
      case "npz":
        return encodeNpz(perimeterArrays(perimeters.branches));
      default:
        return refuseFormat(format, "perimeters");
    }
  },
};

/** See {@linkcode PerimeterSummary}. */
export function summarizePerimeters(perimeters: Perimeters): PerimeterSummary {
  const { branches, ...rest } = perimeters;
  return {
    ...rest,
    results: branches.map(({ method, superpixels, labels, regions, distinct, perimeter }) => ({
      method,
      superpixels: 1 + superpixels.data.reduce((most, number) => Math.max(most, number), 0),
      iterations: distinct.length,
      labels: rankLabels(labels.data).count,
      regions,
      perimeter: perimeter.data.reduce((sum, value) => sum + Number(value > 0), 0) /
        perimeter.data.length,
    })),
  };
}

/** The perimeters of both methods in one map: 1 SLIC's, 2 quickshift's, 3 of both. */
function joined([first, second]: readonly PerimeterBranch[]): Mask {
  const { width, height, data } = first!.perimeter;
  const other = second!.perimeter.data;
  return {
    width,
    height,
    data: data.map((value, p) => Number(value > 0) + 2 * Number(other[p]! > 0)),
  };
}

/** The perimeters of one method, or of both in one map. */
export function encodePerimeterPng(branches: readonly PerimeterBranch[]): Uint8Array {
  const palette = greyPalette();
  if (branches.length === 1) return encodeMaskPng(branches[0]!.perimeter, palette);
  BOTH_COLOURS.forEach((colour, at) => palette.set(colour, 3 * (at + 1)));
  return encodeMaskPng(joined(branches), palette);
}

/** Perimeters and tinted regions over the photo, which has the branches' size. */
export function drawPerimeters(photo: Raster, branches: readonly PerimeterBranch[]): Raster {
  const pictures = branches.flatMap(({ picture }) => picture ?? []);
  if (pictures.length > 0) return sideBySide(pictures);
  const { width, height } = photo;
  const colours = paintLabels(branches[0]!.labels.data, width, height).data;
  const lines = branches.length === 1 ? branches[0]!.perimeter.data : joined(branches).data;
  const data = new Uint8Array(photo.data.length);
  for (let p = 0, at = 0; p < lines.length; p++, at += 3) {
    const line = lines[p]!;
    const colour = line > 0 ? BOTH_COLOURS[line === 255 ? 0 : line - 1]! : null;
    for (let c = 0; c < 3; c++) {
      const own = photo.data[at + c]!;
      data[at + c] = colour ? colour[c]! : own + Math.round(TINT * (colours[at + c]! - own));
    }
  }
  return { width, height, data };
}

function sideBySide(pictures: readonly Raster[]): Raster {
  if (pictures.length === 1) return pictures[0]!;
  const { width, height } = pictures[0]!;
  const row = 3 * width;
  const data = new Uint8Array(pictures.length * row * height);
  for (let y = 0, at = 0; y < height; y++) {
    for (const picture of pictures) {
      data.set(picture.data.subarray(y * row, (y + 1) * row), at);
      at += row;
    }
  }
  return { width: pictures.length * width, height, data };
}

/** All arrays of the branches; `named` puts the method before names even if there is but one. */
export function perimeterArrays(
  branches: readonly PerimeterBranch[],
  named: boolean = branches.length > 1,
): Record<string, NpyArray> {
  const arrays: Record<string, NpyArray> = {};
  for (const branch of branches) {
    const { method, labels, superpixels, perimeter, distinct, picture } = branch;
    const name = (part: string) => named ? `${method}_${part}` : part;
    const shape = [labels.height, labels.width];
    arrays[name("labels")] = { shape, data: labels.data };
    arrays[name("superpixels")] = { shape, data: superpixels.data };
    arrays[name("perimeter")] = { shape, data: perimeter.data };
    arrays[name("iterations")] = { shape: [], data: Int32Array.of(distinct.length) };
    arrays[name("labels_per_iteration")] = {
      shape: [distinct.length],
      data: Int32Array.from(distinct),
    };
    if (picture) arrays[name("picture")] = { shape: [...shape, 3], data: picture.data };
  }
  return arrays;
}
