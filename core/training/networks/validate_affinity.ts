/** How good an AffinityNet is that is being trained: what its walk makes of CAMs, compared with the truth. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeCam } from "../../batch/codecs.ts";
import type { DataSet } from "../../data/data_set.ts";
import { decodeImage } from "../../image/mod.ts";
import type { SessionOptions } from "../../runtime/device.ts";
import type { AffinityModelInfo } from "../../runtime/models.ts";
import { findModelEdges } from "../../stages/affinity.ts";
import { AFFINITY_TENSORS, openMapNetwork } from "../../stages/map_network.ts";
import { walkOverEdges } from "../../stages/walk.ts";
import { ThresholdSweep } from "./threshold_sweep.ts";

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
    const sweep = new ThresholdSweep(THRESHOLDS, data.classes.length + 1);
    for (const id of ids) {
      signal?.throwIfAborted();
      const [bytes, file, truth] = await Promise.all([
        readFile(data.imagePath(id)),
        readFile(join(cams, `${id}.npz`)),
        data.truth(id),
      ]);
      const { keys, cam } = decodeCam(file);
      let walked: Float32Array = new Float32Array(0);
      // An image with no class is background whatever its edges, and counts as such.
      if (keys.length > 1) {
        const image = await decodeImage(bytes);
        const edges = await findModelEdges(image, network);
        walked = walkOverEdges(cam, edges, image.width, image.height, info).data;
      }
      sweep.add(truth.data, walked, keys);
    }
    return sweep.best(measured);
  } finally {
    await network.release();
  }
}
