/** From which score on a class is said to be in an image. */

/** A threshold, and how it does on the items it was chosen on. */
export interface ScoreThreshold {
  readonly threshold: number;
  /** Harmonic mean of precision and recall, 0..1. */
  readonly f1: number;
}

/**
 * The threshold, `lowest` or above, with the highest F1. It lies in the middle between two neighbouring
 * scores (or a score and 0, or at `lowest`); of equally good places the widest gap wins.
 *
 * @param scores 0..1, one per item.
 * @param positive Whether the item is one; at least one must be.
 * @param lowest 0..1. Default: 0.
 * @returns F1 is 0, and the threshold 1, where no positive has a score of `lowest` or above.
 * @throws {TypeError} The lists differ in length.
 * @throws {RangeError} No item is positive, or a score is not finite.
 */
export function bestScoreThreshold(
  scores: ArrayLike<number>,
  positive: ArrayLike<boolean>,
  lowest = 0,
): ScoreThreshold {
  if (scores.length !== positive.length) {
    throw new TypeError(`${scores.length} scores for ${positive.length} items`);
  }
  for (let i = 0; i < scores.length; i++) {
    if (!Number.isFinite(scores[i])) throw new RangeError(`Score ${i} is ${scores[i]}`);
  }
  const order = Array.from({ length: scores.length }, (_, i) => i)
    .sort((a, b) => scores[b]! - scores[a]!);
  const positives = order.filter((i) => positive[i]).length;
  if (positives === 0) throw new RangeError("A threshold cannot be chosen without any positive");
  let best = { threshold: 1, f1: 0, gap: 0 };
  let hits = 0;
  for (const [rank, item] of order.entries()) {
    const score = scores[item]!;
    if (score < lowest) break;
    if (positive[item]) hits++;
    if (hits === 0) continue;
    const next = rank + 1 < order.length ? scores[order[rank + 1]!]! : -1;
    // Between equal scores there is no place for a threshold.
    if (next === score) continue;
    const gap = score - Math.max(next, 0);
    const f1 = (2 * hits) / (rank + 1 + positives);
    if (f1 > best.f1 || (f1 === best.f1 && gap > best.gap)) {
      best = { threshold: Math.max(lowest, (score + Math.max(next, 0)) / 2), f1, gap };
    }
  }
  return { threshold: best.threshold, f1: best.f1 };
}
