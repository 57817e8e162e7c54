/** The task `cam`. */

import type { z } from "zod";
import { classNames, VOC_CLASS_LIST } from "../../data/class_list.ts";
import { decodeImage } from "../../image/mod.ts";
import { computeCam } from "../../stages/cam.ts";
import { openCam } from "../../stages/model_shelf.ts";
import { parseAnnotation } from "../../voc/folder.ts";
import { chooseModels } from "../choose_models.ts";
import { encodeCam } from "../codecs.ts";
import { renumberClasses } from "../renumber_classes.ts";
import type { Prepare } from "../task.ts";
import type { camOptions } from "../tasks.ts";

export const prepare: Prepare<z.output<typeof camOptions>> = async (options, surroundings) => {
  const { device, threads, layout } = surroundings;
  const { cam: entry } = await chooseModels(surroundings);
  const { info } = entry;
  const classifier = await openCam(entry, { device, threads });
  const names = classNames(surroundings.classes ?? VOC_CLASS_LIST);
  const { scales, mirror, workingSize } = options;
  return async ({ photo, annotation }, checkpoint) => {
    const image = await decodeImage(photo!);
    const labels = annotation === undefined ? undefined : labelsIn(annotation, names);
    const cam = await computeCam(
      image,
      classifier,
      { labels, scales, mirror, workingSize },
      checkpoint,
    );
    return { cam: encodeCam(renumberClasses(cam, info.classes, names), layout) };
  };
};

/** Names of the classes: of an annotation in XML, or of a JSON array. */
function labelsIn(annotation: Uint8Array, names: readonly string[]): string[] {
  const text = new TextDecoder().decode(annotation);
  if (text.startsWith("[")) return JSON.parse(text) as string[];
  return parseAnnotation(text, "of the image", names).map((index) => names[index]!);
}
