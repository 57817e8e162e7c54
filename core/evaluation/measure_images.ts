/** What all measures of a set of images have in common. */

import type { Mask } from "../raster.ts";

type Size = Pick<Mask, "width" | "height">;

/** As many lanes of work as workers, and one more whose files are read meanwhile. */
export async function inLanes(
  ids: readonly string[],
  workers: number,
  measure: (id: string, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < ids.length) {
      const index = next++;
      await measure(ids[index]!, index);
    }
  };
  await Promise.all(Array.from({ length: workers + 1 }, lane));
}

/** @throws {TypeError} What was found of an image is not of its truth's size. */
export function checkTruthSize(id: string, found: Size, truth: Size): void {
  if (found.width !== truth.width || found.height !== truth.height) {
    throw new TypeError(
      `${id} is ${found.width}×${found.height} px, its truth ${truth.width}×${truth.height}`,
    );
  }
}
