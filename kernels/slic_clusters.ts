/**
 * SLIC's k-means: every pixel goes to the nearest cluster whose window holds it, ties to the lower
 * number; then every cluster moves to the mean of its pixels.
 *
 * The published way runs over the clusters and measures every pixel of every window, sixteen
 * distances a pixel. Here the image is cut into tiles; a tile's pixels first measure the cluster
 * they belonged to, and of the clusters whose window meets the tile only those are looked at that
 * the image plane alone does not already put farther away. Distances are summed in the same order,
 * so the winners are the same to the last bit.
 */

/** Clusters and the grid they started from. */
export interface Clusters {
  /** `N×5`: y, x, L, a, b of every cluster; moved by {@link runKMeans}. */
  readonly centres: Float64Array;
  /** Spacing of the grid in pixels; a window reaches two steps to either side. */
  readonly stepX: number;
  readonly stepY: number;
}

/** Side of a tile in pixels. */
const TILE = 8;

/** The image and the clusters' windows, as the rounds share them. */
interface Field {
  readonly width: number;
  readonly height: number;
  readonly planeL: Float64Array;
  readonly planeA: Float64Array;
  readonly planeB: Float64Array;
  readonly centres: Float64Array;
  /** `N×4`: first x, end of x, first y, end of y of every cluster's window. */
  readonly windows: Int32Array;
  /** Cluster of every pixel; -1 before the first round. */
  readonly nearest: Int32Array;
  /** Weight of a squared distance in pixels. */
  readonly spaceWeight: number;
}

/**
 * Clusters an image.
 *
 * @param lab `3×H×W` colours, already divided by the compactness.
 * @param width W in pixels.
 * @param height H in pixels.
 * @param clusters Start of the clusters on a grid whose windows cover the image.
 * @param iterations Rounds, ≥ 1.
 * @returns `H×W` numbers of clusters, from 0.
 */
export function runKMeans(
  lab: Float64Array,
  width: number,
  height: number,
  clusters: Clusters,
  iterations: number,
): Int32Array {
  const pixels = width * height;
  const { centres, stepX, stepY } = clusters;
  const count = centres.length / 5;
  const step = Math.max(stepX, stepY);
  const field: Field = {
    width,
    height,
    planeL: lab.subarray(0, pixels),
    planeA: lab.subarray(pixels, 2 * pixels),
    planeB: lab.subarray(2 * pixels),
    centres,
    windows: new Int32Array(4 * count),
    nearest: new Int32Array(pixels).fill(-1),
    spaceWeight: 1 / (step * step),
  };
  const index = new TileIndex(width, height);
  const elements = new Int32Array(count);
  const best = new Float64Array(TILE * TILE);
  for (let round = 0; round < iterations; round++) {
    if (round > 0) moveCentres(field, elements);
    openWindows(field, 2 * stepX, 2 * stepY);
    index.fill(field.windows);
    assignPixels(field, index, best);
  }
  return field.nearest;
}

/** Windows of two steps around the centres; empty for a cluster without pixels (its mean is NaN). */
function openWindows({ width, height, centres, windows }: Field, reachX: number, reachY: number) {
  for (let c = 0, w = 0; w < windows.length; c += 5, w += 4) {
    const y = centres[c]!;
    const x = centres[c + 1]!;
    windows[w] = Math.max(x - reachX, 0);
    windows[w + 1] = Math.min(x + reachX + 1, width);
    windows[w + 2] = Math.max(y - reachY, 0);
    windows[w + 3] = Math.min(y + reachY + 1, height);
  }
}

/** For every tile the clusters whose windows meet it, by growing number. */
class TileIndex {
  readonly columns: number;
  readonly rows: number;
  /** Where each tile's list begins in `members`; one more entry for the end. */
  readonly first: Int32Array;
  members = new Int32Array(0);

  constructor(width: number, height: number) {
    this.columns = Math.ceil(width / TILE);
    this.rows = Math.ceil(height / TILE);
    this.first = new Int32Array(this.columns * this.rows + 1);
  }

  /** Makes the lists anew, by counting and then filling them from their ends. */
  fill(windows: Int32Array): void {
    const { first } = this;
    first.fill(0);
    this.#visit(windows, (tile) => first[tile]!++);
    let total = 0;
    for (let tile = 0; tile < first.length; tile++) {
      total += first[tile]!;
      first[tile] = total;
    }
    if (this.members.length < total) this.members = new Int32Array(total + (total >> 2));
    const { members } = this;
    this.#visit(windows, (tile, k) => members[--first[tile]!] = k);
  }

  /** Calls `at` for every cluster, from the last to the first, and every tile its window meets. */
  #visit(windows: Int32Array, at: (tile: number, cluster: number) => void): void {
    for (let k = windows.length / 4 - 1; k >= 0; k--) {
      const w = 4 * k;
      const right = windows[w + 1]!;
      const bottom = windows[w + 3]!;
      const left = Math.floor(windows[w]! / TILE);
      for (let row = Math.floor(windows[w + 2]! / TILE); row * TILE < bottom; row++) {
        for (let column = left; column * TILE < right; column++) {
          at(row * this.columns + column, k);
        }
      }
    }
  }
}

/** Gives every pixel to its nearest cluster. */
function assignPixels(field: Field, index: TileIndex, best: Float64Array): void {
  const { width, height } = field;
  const { first, members } = index;
  for (let row = 0, tile = 0; row < index.rows; row++) {
    const top = row * TILE;
    const bottom = Math.min(top + TILE, height);
    for (let column = 0; column < index.columns; column++, tile++) {
      const left = column * TILE;
      const right = Math.min(left + TILE, width);
      const bound = measureOwn(field, best, left, right, top, bottom);
      measureMembers(
        field,
        best,
        left,
        right,
        top,
        bottom,
        bound,
        members,
        first[tile]!,
        first[tile + 1]!,
      );
    }
  }
}

/**
 * Distances of a tile's pixels to the clusters they belong to, infinite where there is none or its
 * window has moved away. Returns the largest.
 */
function measureOwn(
  { width, planeL, planeA, planeB, centres, windows, nearest, spaceWeight }: Field,
  best: Float64Array,
  left: number,
  right: number,
  top: number,
  bottom: number,
): number {
  let worst = 0;
  for (let y = top; y < bottom; y++) {
    const row = y * width;
    const out = (y - top) * TILE - left;
    for (let x = left; x < right; x++) {
      const p = row + x;
      const k = nearest[p]!;
      let distance = Infinity;
      if (k >= 0) {
        const w = 4 * k;
        if (
          x >= windows[w]! && x < windows[w + 1]! && y >= windows[w + 2]! && y < windows[w + 3]!
        ) {
          const c = 5 * k;
          const dy = centres[c]! - y;
          const dx = centres[c + 1]! - x;
          const dl = planeL[p]! - centres[c + 2]!;
          const da = planeA[p]! - centres[c + 3]!;
          const db = planeB[p]! - centres[c + 4]!;
          distance = (dy * dy + dx * dx) * spaceWeight + (dl * dl + da * da + db * db);
        }
      }
      best[out + x] = distance;
      if (distance > worst) worst = distance;
    }
  }
  return worst;
}

/** Lets the listed clusters compete for a tile's pixels; none of these is farther than `bound`. */
function measureMembers(
  { width, planeL, planeA, planeB, centres, windows, nearest, spaceWeight }: Field,
  best: Float64Array,
  left: number,
  right: number,
  top: number,
  bottom: number,
  bound: number,
  members: Int32Array,
  from: number,
  to: number,
): void {
  for (let m = from; m < to; m++) {
    const k = members[m]!;
    const c = 5 * k;
    const w = 4 * k;
    const cy = centres[c]!;
    const cx = centres[c + 1]!;
    const x0 = Math.max(windows[w]!, left);
    const x1 = Math.min(windows[w + 1]!, right);
    const y0 = Math.max(windows[w + 2]!, top);
    const y1 = Math.min(windows[w + 3]!, bottom);
    // The distance in the plane to the nearest pixel, rounded like those of all others.
    const ny = cy < y0 ? cy - y0 : cy > y1 - 1 ? cy - (y1 - 1) : 0;
    const nx = cx < x0 ? cx - x0 : cx > x1 - 1 ? cx - (x1 - 1) : 0;
    if ((ny * ny + nx * nx) * spaceWeight > bound) continue;
    const cl = centres[c + 2]!;
    const ca = centres[c + 3]!;
    const cb = centres[c + 4]!;
    for (let y = y0; y < y1; y++) {
      const dy = cy - y;
      const dySquare = dy * dy;
      const row = y * width;
      const out = (y - top) * TILE - left;
      for (let x = x0; x < x1; x++) {
        const dx = cx - x;
        const space = (dySquare + dx * dx) * spaceWeight;
        const known = best[out + x]!;
        if (space > known) continue;
        const p = row + x;
        const dl = planeL[p]! - cl;
        const da = planeA[p]! - ca;
        const db = planeB[p]! - cb;
        const distance = space + (dl * dl + da * da + db * db);
        if (distance < known || (distance === known && k < nearest[p]!)) {
          best[out + x] = distance;
          nearest[p] = k;
        }
      }
    }
  }
}

/** Moves every cluster to the mean of its pixels, summed in row order. */
function moveCentres(
  { width, height, planeL, planeA, planeB, centres, nearest }: Field,
  elements: Int32Array,
): void {
  centres.fill(0);
  elements.fill(0);
  for (let y = 0; y < height; y++) {
    const end = (y + 1) * width;
    for (let p = y * width; p < end;) {
      // A run of one cluster's pixels adds up in registers.
      const k = nearest[p]!;
      const c = 5 * k;
      const start = p;
      let x = centres[c + 1]!;
      let l = centres[c + 2]!;
      let a = centres[c + 3]!;
      let b = centres[c + 4]!;
      do {
        x += p - (end - width);
        l += planeL[p]!;
        a += planeA[p]!;
        b += planeB[p]!;
        p++;
      } while (p < end && nearest[p] === k);
      elements[k]! += p - start;
      centres[c]! += y * (p - start);
      centres[c + 1] = x;
      centres[c + 2] = l;
      centres[c + 3] = a;
      centres[c + 4] = b;
    }
  }
  for (let k = 0; k < elements.length; k++) {
    const n = elements[k]!;
    for (let i = 5 * k; i < 5 * k + 5; i++) centres[i]! /= n;
  }
}
