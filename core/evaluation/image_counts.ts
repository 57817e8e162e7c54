/** The counts that `voc:evaluate` keeps of every image, read again. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Confusion, createConfusion } from "../../kernels/confusion.ts";
import { decodeNpz } from "../npz.ts";

/**
 * An image's pixels by true and by predicted class, one matrix for every threshold; `null` where it was not
 * measured.
 *
 * @param run Folder of the run.
 * @param classes Number of classes, background included.
 */
export function readImageCounts(
  run: string,
  kind: string,
  id: string,
  classes: number,
): Confusion[] | null {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(join(run, "evaluation", kind, `${id}.npz`));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const sums = decodeNpz(bytes).counts!.data;
  const size = classes ** 2;
  return Array.from({ length: sums.length / size }, (_, k) => {
    const matrix = createConfusion(classes);
    for (let i = 0; i < size; i++) matrix.counts[i] = Number(sums[k * size + i]);
    return matrix;
  });
}

/** Sums the counts of many images; `null` where none was measured. */
export function sumImageCounts(images: Iterable<readonly Confusion[] | null>): Confusion[] | null {
  let sums: Confusion[] | null = null;
  for (const matrices of images) {
    if (matrices === null) continue;
    sums ??= matrices.map(({ classes }) => createConfusion(classes));
    matrices.forEach(({ counts }, k) => {
      const to = sums![k]!.counts;
      for (let i = 0; i < counts.length; i++) to[i]! += counts[i]!;
    });
  }
  return sums;
}
