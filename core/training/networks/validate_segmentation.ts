/** How good a segmentation network is that is being trained: mean IoU on photographs with truth. */

import { readFile } from "node:fs/promises";
import {
  addConfusion,
  classesPresent,
  classFigures,
  createConfusion,
  meanFigure,
} from "../../../kernels/confusion.ts";
import type { DataSet } from "../../data/data_set.ts";
import { decodeImage } from "../../image/mod.ts";
import type { SessionOptions } from "../../runtime/device.ts";
import type { SegmentationModelInfo } from "../../runtime/models.ts";
import { openMapNetwork, SEGMENTATION_TENSORS } from "../../stages/map_network.ts";
import { segmentImage, type SegmentImageOptions } from "../../stages/segmentation.ts";

/** What a network is measured on. */
export interface SegmentationValidation {
  readonly data: DataSet;
  readonly ids: readonly string[];
  /** Classes of masks that the mean goes over. Default: those in the truth. */
  readonly measured?: readonly number[];
  readonly session?: SessionOptions;
  readonly signal?: AbortSignal;
  /** Called after every image. */
  readonly onImage?: () => void;
}

/**
 * Segments photographs as users do, without labels, and compares with the truth.
 *
 * @param model The ONNX file's bytes.
 * @returns `miou`, 0..1.
 */
export async function validateSegmentation(
  model: Uint8Array,
  info: SegmentationModelInfo,
  { data, ids, measured, session, signal, onImage }: SegmentationValidation,
  options: SegmentImageOptions = { scales: [1], mirror: false, crf: false },
): Promise<{ miou: number }> {
  const network = await openMapNetwork(
    model,
    info,
    SEGMENTATION_TENSORS,
    info.classes.length,
    session,
  );
  try {
    const confusion = createConfusion(info.classes.length);
    for (const id of ids) {
      signal?.throwIfAborted();
      const [bytes, truth] = await Promise.all([readFile(data.imagePath(id)), data.truth(id)]);
      const { mask } = await segmentImage(await decodeImage(bytes), network, options);
      addConfusion(confusion, truth.data, mask.data);
      onImage?.();
    }
    const figures = classFigures(confusion);
    return { miou: meanFigure(figures, "iou", measured ?? classesPresent(figures)) };
  } finally {
    await network.release();
  }
}
