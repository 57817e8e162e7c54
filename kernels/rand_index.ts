/** How much two label maps agree, whatever names their labels have. */

/** A label per pixel, any whole numbers. */
export type Labels = Int32Array | Uint32Array | Uint16Array | Uint8Array | Uint8ClampedArray;

/** Sizes of the labels of both maps and of their intersections. */
interface Contingency {
  readonly rows: Int32Array;
  readonly columns: Int32Array;
  /** Non-empty intersections: rank of the label in `a`, in `b`, and pixels in common. */
  readonly cells: readonly (readonly [number, number, number])[];
}

/**
 * The adjusted Rand index: agreement over pairs of pixels (together in both maps, or apart in both),
 * less what chance gives. L. Hubert and P. Arabie, "Comparing Partitions", J. Classification 1985.
 *
 * @param a A label per pixel.
 * @param b The other map, of the same length.
 * @returns 1 for equal partitions, about 0 for unrelated ones, at least -0.5.
 * @throws {TypeError} The maps differ in length or are empty.
 */
export function adjustedRandIndex(a: Labels, b: Labels): number {
  const { rows, columns, cells } = contingency(a, b);
  const pairs = (n: number) => n * (n - 1) / 2;
  let together = 0;
  for (const [, , count] of cells) together += pairs(count);
  let inA = 0;
  for (const count of rows) inA += pairs(count);
  let inB = 0;
  for (const count of columns) inB += pairs(count);
  const all = pairs(a.length);
  const expected = all > 0 ? inA * inB / all : 0;
  const largest = (inA + inB) / 2;
  // Both maps a single region, or both all singletons: nothing to adjust, they are equal.
  return largest === expected ? 1 : (together - expected) / (largest - expected);
}

/**
 * The share of pixels on which two maps agree when the labels of one are renamed one to one.
 *
 * Names are paired greedily, the largest intersection first: exact for equal partitions, and never
 * above the best pairing's share.
 *
 * @param a A label per pixel.
 * @param b The other map, of the same length.
 * @returns 0..1.
 * @throws {TypeError} The maps differ in length or are empty.
 */
export function renamedAgreement(a: Labels, b: Labels): number {
  const { rows, columns, cells } = contingency(a, b);
  const takenA = new Uint8Array(rows.length);
  const takenB = new Uint8Array(columns.length);
  let agreed = 0;
  for (const [i, j, count] of [...cells].sort((p, q) => q[2] - p[2])) {
    if (takenA[i] || takenB[j]) continue;
    takenA[i] = 1;
    takenB[j] = 1;
    agreed += count;
  }
  return agreed / a.length;
}

function contingency(a: Labels, b: Labels): Contingency {
  if (a.length !== b.length || a.length === 0) {
    throw new TypeError(`Cannot compare label maps of ${a.length} and ${b.length} pixels`);
  }
  const ranksA = new Map<number, number>();
  const ranksB = new Map<number, number>();
  const counts = new Map<number, number>();
  const rows = new Int32Array(a.length);
  const columns = new Int32Array(a.length);
  for (let p = 0; p < a.length; p++) {
    const i = rank(ranksA, a[p]!);
    const j = rank(ranksB, b[p]!);
    rows[i]!++;
    columns[j]!++;
    const cell = i * a.length + j;
    counts.set(cell, (counts.get(cell) ?? 0) + 1);
  }
  return {
    rows: rows.subarray(0, ranksA.size),
    columns: columns.subarray(0, ranksB.size),
    cells: Array.from(
      counts,
      ([cell, count]) => [Math.floor(cell / a.length), cell % a.length, count] as const,
    ),
  };
}

/** The place of `label` in the order of first appearance. */
function rank(ranks: Map<number, number>, label: number): number {
  const known = ranks.get(label);
  if (known !== undefined) return known;
  ranks.set(label, ranks.size);
  return ranks.size - 1;
}
