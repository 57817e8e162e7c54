/** Comparing segmentations with the published code's, for tests. */

import { decodeImage } from "../../../core/image/mod.ts";
import { decodeNpz } from "../../../core/npz.ts";
import type { UssResult } from "../../../core/stages/uss.ts";

export type Method = "slic" | "quick";

/** What the published code made of an image with one method. */
export interface UssGolden {
  /** `H×W×3`, B, G, R. */
  readonly image: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly superpixels: Int32Array;
  readonly labels: Uint8Array;
  readonly distinct: readonly number[];
}

/** Reads `image.png` and the arrays of one method in a folder of golden outputs. */
export async function readGolden(
  folder: URL,
  arrays: string,
  method: Method,
): Promise<UssGolden> {
  const { data, width, height } = await decodeImage(
    Deno.readFileSync(new URL("image.png", folder)),
  );
  const stages = decodeNpz(Deno.readFileSync(new URL(arrays, folder)));
  const part = (name: string) => stages[`uss_${method}_${name}`]!.data;
  return {
    image: data.map((_, i) => data[i - i % 3 + 2 - i % 3]!),
    width,
    height,
    superpixels: Int32Array.from(part("superpixels") as Uint16Array),
    labels: part("im_target") as Uint8Array,
    distinct: [...part("labels_per_iter") as Int32Array],
  };
}

/** The share of pixels with the same label. */
export function agreement(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((same, label, p) => same + Number(label === b[p]), 0) / a.length;
}

/** Iterations, labels left and agreement with the golden map as a line of text. */
export function describe(result: UssResult, golden: UssGolden): string {
  const share = (100 * agreement(result.labels, golden.labels)).toFixed(3);
  return `${result.distinct.length} iterations (published: ${golden.distinct.length}), ` +
    `${result.distinct.at(-1)} labels, ${share} % equal`;
}
