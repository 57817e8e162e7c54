/** Cleaning a mask of specks: regions too small to be an object. */

/**
 * Gives every 4-connected region of fewer than `minArea` pixels the label it shares the longest border
 * with (of equal borders the smaller label), in place. Regions are taken from small to large, each by
 * the labels of its neighbours as they are at its turn; what is still too small afterwards (the hole of a
 * speck, say, which took the speck's label before the speck took another) is treated again, until no
 * region is too small.
 *
 * Regions are found over horizontal runs, so the memory needed depends on the mask's detail and not
 * on its size.
 *
 * @param mask `H×W` labels; overwritten.
 * @param minArea Pixels; 0 or 1 removes nothing.
 * @throws {TypeError} The mask's length does not fit its size.
 */
export function removeSpecks(
  mask: Uint8Array,
  width: number,
  height: number,
  minArea: number,
): Uint8Array {
  if (mask.length !== width * height) {
    throw new TypeError(`A mask of ${width}×${height} px does not hold ${mask.length} values`);
  }
  // Every pass joins at least its last speck to a neighbour, so there are ever fewer regions.
  if (minArea > 1) { while (removeOnce(mask, width, height, minArea)); }
  return mask;
}

/** One pass over the specks; whether any pixel changed. */
function removeOnce(mask: Uint8Array, width: number, height: number, minArea: number): boolean {
  const runs = findRuns(mask, width, height);
  const root = connectRuns(mask, runs, height);

  const members = new Map<number, number[]>();
  const area = new Int32Array(root.length);
  for (let i = 0; i < root.length; i++) area[root[i]!]! += runs.end[i]! - runs.start[i]!;
  for (let i = 0; i < root.length; i++) {
    if (area[root[i]!]! >= minArea) continue;
    const group = members.get(root[i]!);
    if (group === undefined) members.set(root[i]!, [i]);
    else group.push(i);
  }
  const specks = [...members].sort(([a], [b]) => area[a]! - area[b]! || a - b);
  let changed = false;
  for (const [, group] of specks) {
    const own = mask[runs.start[group[0]!]!]!;
    const label = surroundingLabel(mask, width, height, runs, group);
    if (label === own) continue;
    for (const i of group) mask.fill(label, runs.start[i]!, runs.end[i]!);
    changed = true;
  }
  return changed;
}

/** Maximal horizontal runs of one label: `[start, end)` pixel indices, in raster order. */
interface Runs {
  readonly start: Int32Array;
  readonly end: Int32Array;
  /** Index of the first run of every row, and the number of runs at the end. */
  readonly rowStart: Int32Array;
}

function findRuns(mask: Uint8Array, width: number, height: number): Runs {
  const rowStart = new Int32Array(height + 1);
  let count = 0;
  for (let y = 0, i = 0; y < height; y++) {
    rowStart[y] = count;
    for (let x = 0; x < width; x++, i++) if (x === 0 || mask[i] !== mask[i - 1]) count++;
  }
  rowStart[height] = count;
  const start = new Int32Array(count);
  const end = new Int32Array(count);
  let run = -1;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (x === 0 || mask[i] !== mask[i - 1]) start[++run] = i;
      end[run] = i + 1;
    }
  }
  return { start, end, rowStart };
}

/** The first run of every run's region, by union of touching runs in neighbouring rows. */
function connectRuns(mask: Uint8Array, { start, end, rowStart }: Runs, height: number): Int32Array {
  const parent = new Int32Array(start.length);
  for (let i = 0; i < parent.length; i++) parent[i] = i;
  const find = (i: number): number => {
    while (parent[i] !== i) i = parent[i] = parent[parent[i]!]!;
    return i;
  };
  const width = rowStart.length > 1 ? end[rowStart[1]! - 1]! : 0;
  for (let y = 1; y < height; y++) {
    let above = rowStart[y - 1]!;
    for (let i = rowStart[y]!; i < rowStart[y + 1]!; i++) {
      // Runs of the row above that end at or before this one's start touch none of what follows.
      while (end[above]! + width <= start[i]!) above++;
      for (let j = above; j < rowStart[y]! && start[j]! + width < end[i]!; j++) {
        if (mask[start[j]!] !== mask[start[i]!]) continue;
        const a = find(j);
        const b = find(i);
        if (a < b) parent[b] = a;
        else parent[a] = b;
      }
    }
  }
  for (let i = 0; i < parent.length; i++) parent[i] = find(i);
  return parent;
}

function surroundingLabel(
  mask: Uint8Array,
  width: number,
  height: number,
  { start, end }: Runs,
  group: readonly number[],
): number {
  const own = mask[start[group[0]!]!]!;
  const border = new Int32Array(256);
  for (const i of group) {
    const row = start[i]! - (start[i]! % width);
    if (start[i]! > row) border[mask[start[i]! - 1]!]! += 1;
    if (end[i]! < row + width) border[mask[end[i]!]!]! += 1;
    for (let p = start[i]!; p < end[i]!; p++) {
      if (p >= width) border[mask[p - width]!]! += 1;
      if (p + width < width * height) border[mask[p + width]!]! += 1;
    }
  }
  border[own] = 0;
  let label = own;
  for (let l = 0, longest = 0; l < 256; l++) {
    if (border[l]! > longest) {
      longest = border[l]!;
      label = l;
    }
  }
  return label;
}
