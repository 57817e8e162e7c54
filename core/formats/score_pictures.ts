/** Soft scores as pictures, one per class. */

import { encodeMaskPng, greyPalette } from "../image/mod.ts";
import type { Planes } from "../raster.ts";
import { encodeZip } from "../zip.ts";
import { levelsOf } from "../stages/heat.ts";

/** The soft scores of the classes in an image. */
export interface SoftScores {
  /** `K×H×W`, values 0..1; larger ones are taken for 1. */
  readonly maps: Planes;
  /** The classes of the maps, with their values in masks. */
  readonly classes: readonly { readonly index: number; readonly name: string }[];
  /** Size of the pictures. */
  readonly width: number;
  readonly height: number;
}

/**
 * Packs a grey PNG per class into a zip archive: black is 0, white is 1. Files are named after the class and
 * its value in masks, `08_cat.png`.
 *
 * @param palette Colours in place of grey.
 * @param checkpoint Called between classes.
 */
export function encodeScorePictures(
  { maps, classes, width, height }: SoftScores,
  palette: Uint8Array = greyPalette(),
  checkpoint: () => void = () => {},
): Uint8Array {
  const files: Record<string, Uint8Array> = {};
  for (const [k, { index, name }] of classes.entries()) {
    checkpoint();
    const plain = name.replaceAll(/[^\w-]+/g, "_");
    const file = `${String(index).padStart(2, "0")}_${plain}.png`;
    files[file] = encodeMaskPng(levelsOf(maps, k, width, height), palette);
  }
  return encodeZip(files);
}
