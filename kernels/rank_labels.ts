/** Labels renamed to 0, 1, 2, … without gaps. */

/** A map whose labels run from 0 up without gaps. */
export interface RankedLabels {
  /** For each pixel the rank of its label among those present. */
  readonly ranks: Int32Array;
  /** How many different labels there are. */
  readonly count: number;
}

/**
 * Replaces every label by its rank among the labels present: the smallest becomes 0, the next 1, and so
 * on.
 *
 * @param labels A label per pixel, any whole numbers.
 */
export function rankLabels(
  labels: Int32Array | Uint32Array | Uint16Array | Uint8Array,
): RankedLabels {
  const ranks = new Int32Array(labels.length);
  if (labels.length === 0) return { ranks, count: 0 };
  let least = Infinity;
  let greatest = -Infinity;
  for (let p = 0; p < labels.length; p++) {
    const label = labels[p]!;
    if (label < least) least = label;
    if (label > greatest) greatest = label;
  }
  let count = 0;
  const span = greatest - least + 1;
  if (span <= 4 * labels.length + 256) {
    // Labels lie close together: a table is much faster than a map.
    const table = new Int32Array(span);
    for (let p = 0; p < labels.length; p++) table[labels[p]! - least] = 1;
    for (let at = 0; at < span; at++) if (table[at]) table[at] = count++;
    for (let p = 0; p < labels.length; p++) ranks[p] = table[labels[p]! - least]!;
  } else {
    const table = new Map<number, number>();
    for (const label of Float64Array.from(new Set(labels)).sort()) table.set(label, count++);
    for (let p = 0; p < labels.length; p++) ranks[p] = table.get(labels[p]!)!;
  }
  return { ranks, count };
}
