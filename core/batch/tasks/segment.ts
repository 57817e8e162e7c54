/** The task `segment`. */

import type { z } from "zod";
import { classNames, paletteOf, VOC_CLASS_LIST } from "../../data/class_list.ts";
import { decodeImage, encodeMaskPng } from "../../image/mod.ts";
import { modelLegend } from "../../runtime/legend.ts";
import { openSegmenter } from "../../stages/model_shelf.ts";
import { segmentImage } from "../../stages/segmentation.ts";
import { chooseModels } from "../choose_models.ts";
import type { Prepare } from "../task.ts";
import type { segmentOptions } from "../tasks.ts";

export const prepare: Prepare<z.output<typeof segmentOptions>> = async (options, surroundings) => {
  const { segmentation } = await chooseModels(surroundings);
  if (segmentation === null) throw new Error("There is no segmentation network; name one");
  const { device, threads, classes } = surroundings;
  const network = await openSegmenter(segmentation, { device, threads });
  const names = classNames(classes ?? VOC_CLASS_LIST);
  const { names: known } = modelLegend(segmentation.info);
  // Classes that the data set does not have may not win.
  const labels = known.filter((name) => names.includes(name));
  const numbers = Uint8Array.from([0, ...known.map((name) => names.indexOf(name) + 1)]);
  const palette = paletteOf(classes);
  const { scales, mirror, crf, workingSize } = options;
  return async ({ photo }, checkpoint) => {
    const { mask } = await segmentImage(
      await decodeImage(photo!),
      network,
      { labels, scales, mirror: isYes(mirror), crf: isYes(crf), workingSize },
      checkpoint,
    );
    const data = mask.data.map((label) => numbers[label]!);
    return { segmentation: encodeMaskPng({ ...mask, data }, palette) };
  };
};

function isYes(word: "yes" | "no" | undefined): boolean | undefined {
  return word === undefined ? undefined : word === "yes";
}
