/** The task `affinity-labels`. */

import type { z } from "zod";
import { affinityLabels } from "../../../kernels/affinity_labels.ts";
import { crfKernels } from "../../../kernels/dense_crf.ts";
import { decodeImage, encodeMaskPng } from "../../image/mod.ts";
import { paletteOf } from "../../data/class_list.ts";
import { decodeMaps } from "../codecs.ts";
import type { Prepare } from "../task.ts";
import type { affinityLabelsOptions } from "../tasks.ts";

export const prepare: Prepare<z.output<typeof affinityLabelsOptions>> = (options, { classes }) => {
  const palette = paletteOf(classes);
  const { from, crfSteps: steps, ...rest } = options;
  return async (files, checkpoint) => {
    const { data: rgb, width, height } = await decodeImage(files.photo!);
    const { keys, planes } = decodeMaps(files[from]!);
    const kernels = crfKernels(rgb, width, height, { checkpoint });
    const { labels: data } = affinityLabels(planes.data, keys, width, height, kernels, {
      ...rest,
      steps,
      checkpoint,
    });
    return { affinity_labels: encodeMaskPng({ width, height, data }, palette) };
  };
};
