/** The task `cam`. */

import type { z } from "zod";
import { decodeImage } from "../../image/mod.ts";
import { findModel, loadManifest, readModel } from "../../runtime/models.ts";
import { computeCam } from "../../stages/cam.ts";
import { openClassifier } from "../../stages/classifier.ts";
import { VOC_CLASSES } from "../../voc/classes.ts";
import { parseAnnotation } from "../../voc/folder.ts";
import { encodeCam } from "../codecs.ts";
import type { Prepare } from "../task.ts";
import type { camOptions } from "../tasks.ts";

export const prepare: Prepare<z.output<typeof camOptions>> = async (options, surroundings) => {
  const { models, camModel, device, threads, layout } = surroundings;
  const folder = new URL(models);
  const info = findModel(await loadManifest(folder), camModel);
  const classifier = await openClassifier(await readModel(info, folder), info, { device, threads });
  const { scales, mirror, workingSize } = options;
  return async ({ photo, annotation }, checkpoint) => {
    const image = await decodeImage(photo!);
    const labels = annotation === undefined ? undefined : namesIn(annotation);
    const cam = await computeCam(
      image,
      classifier,
      { labels, scales, mirror, workingSize },
      checkpoint,
    );
    return { cam: encodeCam(cam, layout) };
  };
};

function namesIn(annotation: Uint8Array): string[] {
  const xml = new TextDecoder().decode(annotation);
  return parseAnnotation(xml, "of the image").map((index) => VOC_CLASSES[index]!);
}
