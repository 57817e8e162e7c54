/** How well scores put images that show a class before those that do not. */

/**
 * Average precision: the mean, over the positives, of the share of positives among all items scored at
 * least as high. 1 is perfect, a random order gives about the share of positives; `NaN` without any.
 *
 * @param scores One number per item.
 * @param positive Whether the item is one.
 * @throws {TypeError} The lists differ in length.
 * @throws {RangeError} A score is not finite.
 */
export function averagePrecision(
  scores: ArrayLike<number>,
  positive: ArrayLike<boolean>,
): number {
  if (scores.length !== positive.length) {
    throw new TypeError(`${scores.length} scores for ${positive.length} items`);
  }
  for (let i = 0; i < scores.length; i++) {
    if (!Number.isFinite(scores[i])) throw new RangeError(`Score ${i} is ${scores[i]}`);
  }
  const order = Array.from({ length: scores.length }, (_, i) => i)
    .sort((a, b) => scores[b]! - scores[a]!);
  let seen = 0;
  let hits = 0;
  let sum = 0;
  for (let i = 0; i < order.length;) {
    // Items of one score stand at one place, whatever their order in the list.
    const score = scores[order[i]!]!;
    let tied = 0;
    for (; i < order.length && scores[order[i]!] === score; i++) {
      seen++;
      if (positive[order[i]!]) tied++;
    }
    hits += tied;
    sum += (tied * hits) / seen;
  }
  return sum / hits;
}
