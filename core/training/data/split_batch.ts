/** Batches that are too large for memory, in parts that are not. */

import type { Batch } from "./sample_loader.ts";

/**
 * Parts of a batch in its order, all of the same size. They share its memory.
 *
 * @throws {RangeError} The batch cannot be divided so.
 */
export function splitBatch(batch: Batch, parts: number): Batch[] {
  const { samples, ids, images, labels, masks } = batch;
  const size = ids.length / parts;
  if (!(Number.isInteger(size) && size >= 1)) {
    throw new RangeError(`Cannot split a batch of ${ids.length} samples in ${parts} parts`);
  }
  return Array.from({ length: parts }, (_, part) => ({
    ...batch,
    index: batch.index + part * size,
    samples: partOf(samples, part, parts),
    ids: ids.slice(part * size, (part + 1) * size),
    images: partOf(images, part, parts),
    ...(labels && { labels: partOf(labels, part, parts) }),
    ...(masks && { masks: partOf(masks, part, parts) }),
  }));
}

function partOf<T extends Float32Array | Uint8Array | Uint32Array>(
  values: T,
  part: number,
  parts: number,
): T {
  const length = values.length / parts;
  return values.subarray(part * length, (part + 1) * length) as T;
}
