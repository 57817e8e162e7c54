/** The task `pseudo-labels`. */

import type { z } from "zod";
import { crfKernels } from "../../../kernels/dense_crf.ts";
import { pseudoLabels } from "../../../kernels/pseudo_labels.ts";
import { decodeImage, encodeMaskPng } from "../../image/mod.ts";
import { paletteOf } from "../../data/class_list.ts";
import { decodeMaps } from "../codecs.ts";
import type { Prepare } from "../task.ts";
import { type pseudoLabelsOptions, settlePseudoLabels } from "../tasks.ts";

export const prepare: Prepare<z.output<typeof pseudoLabelsOptions>> = (options, { classes }) => {
  const palette = paletteOf(classes);
  const { from, crfSteps: steps, ...rest } = settlePseudoLabels(options);
  return async (files, checkpoint) => {
    const { data: rgb, width, height } = await decodeImage(files.photo!);
    const { keys, planes } = decodeMaps(files[from]!);
    const kernels = steps === 0 ? [] : crfKernels(rgb, width, height, { checkpoint });
    const { labels: data } = pseudoLabels(planes.data, keys, width, height, kernels, {
      ...rest,
      steps,
      checkpoint,
    });
    return { pseudo_labels: encodeMaskPng({ width, height, data }, palette) };
  };
};
