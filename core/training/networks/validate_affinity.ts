/** How good an AffinityNet is that is being trained: what its walk makes of CAMs, compared with the truth. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { classesPresent, classFigures, meanFigure } from "../../../kernels/confusion.ts";
import { sweepConfusion } from "../../../kernels/sweep_confusion.ts";
import { decodeCam } from "../../batch/codecs.ts";
import type { DataSet } from "../../data/data_set.ts";
import { decodeImage } from "../../image/mod.ts";
import type { SessionOptions } from "../../runtime/device.ts";
import type { AffinityModelInfo } from "../../runtime/models.ts";
import { findModelEdges } from "../../stages/affinity.ts";
import { AFFINITY_TENSORS, openMapNetwork } from "../../stages/map_network.ts";
import { walkOverEdges } from "../../stages/walk.ts";

/** What a network is measured on. */
export interface AffinityValidation {
  readonly data: DataSet;
  readonly ids: readonly string[];
  /** Folder of `ID.npz`. */
  readonly cams: string;
  /** Classes of masks that the mean goes over. Default: those in the truth. */
  readonly measured?: readonly number[];
  readonly session?: SessionOptions;
  readonly signal?: AbortSignal;
}

/** Backgrounds that are tried. */
const THRESHOLDS = Array.from({ length: 15 }, (_, i) => (i + 1) / 25);

/**
 * Lets CAMs of known labels walk, and compares the best class above each threshold with the truth.
 *
 * @param model The ONNX file's bytes.
 * @returns `miou` at the best threshold, and that `threshold`.
 */
export async function validateAffinity(
  model: Uint8Array,
  info: AffinityModelInfo,
  { data, ids, cams, measured, session, signal }: AffinityValidation,
): Promise<{ miou: number; threshold: number }> {
  const network = await openMapNetwork(model, info, AFFINITY_TENSORS, 1, session);
  try {
    const classes = data.classes.length + 1;
    const sums = THRESHOLDS.map(() => ({ classes, counts: new Float64Array(classes * classes) }));
    for (const id of ids) {
      signal?.throwIfAborted();
      const [bytes, file, truth] = await Promise.all([
        readFile(data.imagePath(id)),
        readFile(join(cams, `${id}.npz`)),
        data.truth(id),
      ]);
      const { keys, cam } = decodeCam(file);
      if (keys.length === 1) continue;
      const image = await decodeImage(bytes);
      const edges = await findModelEdges(image, network);
      const { data: walked } = walkOverEdges(cam, edges, image.width, image.height, info);
      sweepConfusion(truth.data, walked, keys, THRESHOLDS, classes).forEach(({ counts }, at) => {
        for (let i = 0; i < counts.length; i++) sums[at]!.counts[i]! += counts[i]!;
      });
    }
    const scores = sums.map((confusion) => {
      const figures = classFigures(confusion);
      return meanFigure(figures, "iou", measured ?? classesPresent(figures));
    });
    const miou = Math.max(...scores);
    return { miou, threshold: THRESHOLDS[scores.indexOf(miou)]! };
  } finally {
    await network.release();
  }
}
