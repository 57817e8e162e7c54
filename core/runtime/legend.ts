/** What the labels of a model's masks mean, and the colours they are painted in. */

import { vocPalette } from "../image/palette.ts";
import type { CamModelInfo, Rgb, SegmentationModelInfo } from "./models.ts";

/** Names and colours of labels. */
export interface Legend {
  /** Of the labels 1, 2, …; 0 is background. */
  readonly names: readonly string[];
  /** Of all labels, `256×3`. */
  readonly palette: Uint8Array;
}

/**
 * The legend of a model's masks: its own colours, or VOC's where it has none.
 *
 * @example
 * ```ts
 * const { mask } = await silop.segment(photo, { mode: "cam" });
 * const { palette } = modelLegend((await silop.ready).camModel);
 * await Deno.writeFile("mask.png", encodeMaskPng(mask, palette));
 * ```
 */
export function modelLegend(
  { task, classes, colors = [] }:
    | Pick<CamModelInfo, "task" | "classes" | "colors">
    | Pick<SegmentationModelInfo, "task" | "classes" | "colors">,
): Legend {
  // A CAM model has no channel for the background, which is label 0 all the same.
  const first = task === "cam" ? 1 : 0;
  const palette = vocPalette();
  palette.set(colors.flat(), 3 * first);
  return { names: classes.slice(1 - first), palette };
}

/** The colour of a label. */
export function colorOf(palette: Uint8Array, label: number): Rgb {
  return [palette[3 * label]!, palette[3 * label + 1]!, palette[3 * label + 2]!];
}
