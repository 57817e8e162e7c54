/** What goes wrong: classes taken for others, over all images and in the worst of them. */

import type { Confusion } from "../../kernels/confusion.ts";

/** Pixels of one class taken for another. */
export interface Mistake {
  readonly truth: number;
  readonly predicted: number;
  /** Share of the true class's pixels, 0..1. */
  readonly share: number;
  /** Share of all pixels that count, 0..1. */
  readonly pixels: number;
}

/** The mistakes that cost the most pixels, greatest first. */
export function worstMistakes({ classes, counts }: Confusion, many: number): Mistake[] {
  const all = counts.reduce((sum, value) => sum + value, 0);
  const mistakes: Mistake[] = [];
  for (let truth = 0; truth < classes; truth++) {
    const row = counts.subarray(truth * classes, (truth + 1) * classes);
    const total = row.reduce((sum, value) => sum + value, 0);
    for (let predicted = 0; predicted < classes; predicted++) {
      const value = row[predicted]!;
      if (predicted === truth || value === 0) continue;
      mistakes.push({ truth, predicted, share: value / total, pixels: value / all });
    }
  }
  return mistakes.sort((a, b) => b.pixels - a.pixels).slice(0, many);
}

/** A mistake in words, as `all of a cat (12 % of the image) taken for dog`. */
export function tellMistake(
  { truth, predicted, share, pixels }: Mistake,
  names: readonly string[],
): string {
  const percent = (value: number) => `${value < 0.01 ? "< 1" : Math.round(100 * value)} %`;
  const what = `${percent(share)} of ${names[truth]}`;
  return predicted === 0
    ? `${what} missed (${percent(pixels)} of the pixels)`
    : `${what} taken for ${names[predicted]} (${percent(pixels)} of the pixels)`;
}
