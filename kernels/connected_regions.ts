/** Connected regions of a label map. */

import { checkPlanes } from "./plane_arguments.ts";

/** A division of an image into regions. */
export interface Regions {
  /** `H×W`: the region of every pixel, 0..count-1, numbered in row order of their first pixels. */
  readonly map: Int32Array;
  /** Number of regions. */
  readonly count: number;
}

/**
 * Divides a label map into 4-connected regions of equal labels, in linear time.
 *
 * Horizontal runs are joined to the runs of the row above by a union-find forest in which a parent
 * always comes first, so that one pass in row order flattens it (K. Wu, E. Otoo and K. Suzuki,
 * "Optimizing two-pass connected-component labeling algorithms", 2009).
 *
 * @param labels `H×W` labels, any whole numbers.
 * @returns The regions; two calls with equally divided maps give equal results.
 * @throws {TypeError} `labels` does not hold `width · height` values.
 * @throws {RangeError} A size is not a whole number ≥ 1.
 */
export function connectedRegions(
  labels: Int32Array | Uint32Array | Uint16Array | Uint8Array,
  width: number,
  height: number,
): Regions {
  checkPlanes(labels, 1, width, height, "the label map", "find regions");
  const map = new Int32Array(labels.length);
  // At most one run for every pixel; only what is used is touched.
  const parent = new Int32Array(labels.length);
  const find = (i: number): number => {
    while (parent[i] !== i) i = parent[i] = parent[parent[i]!]!;
    return i;
  };
  let runs = 0;
  for (let y = 0, p = 0; y < height; y++) {
    let run = -1;
    for (let x = 0; x < width; x++, p++) {
      const label = labels[p]!;
      const startsRun = x === 0 || label !== labels[p - 1];
      if (startsRun) {
        run = runs++;
        parent[run] = run;
      }
      map[p] = run;
      if (y === 0 || label !== labels[p - width]) continue;
      // Inside a run, a continued run above is joined already.
      if (!startsRun && label === labels[p - width - 1]) continue;
      const a = find(map[p - width]!);
      const b = find(run);
      if (a < b) parent[b] = a;
      else parent[a] = b;
    }
  }
  // Numbers of the roots, in the same array: a root comes before its followers.
  let count = 0;
  for (let i = 0; i < runs; i++) parent[i] = parent[i] === i ? count++ : parent[parent[i]!]!;
  for (let p = 0; p < map.length; p++) map[p] = parent[map[p]!]!;
  return { map, count };
}

/**
 * Takes every label of a map for one region, however many pieces it lies in.
 *
 * @param labels `H×W` labels, any whole numbers.
 * @returns Regions numbered in row order of their first pixels.
 */
export function labelRegions(
  labels: Int32Array | Uint32Array | Uint16Array | Uint8Array,
): Regions {
  const numbers = new Map<number, number>();
  const map = new Int32Array(labels.length);
  let last = labels[0];
  let region = 0;
  for (let p = 0; p < map.length; p++) {
    const label = labels[p]!;
    if (label !== last || p === 0) {
      region = numbers.get(label) ?? numbers.size;
      numbers.set(label, region);
      last = label;
    }
    map[p] = region;
  }
  return { map, count: numbers.size };
}
