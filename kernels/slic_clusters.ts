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

import { kmeansWasm } from "./wasm/kmeans.ts";
import { WasmKernel } from "./wasm_kernel.ts";

/** Clusters and the grid they start from. */
export interface Clusters {
  /** `N×5`: y, x, L, a, b of every cluster. */
  readonly centres: Float64Array;
  /** Spacing of the grid in pixels; a window reaches two steps to either side. */
  readonly stepX: number;
  readonly stepY: number;
}

/** The functions of `assembly/kmeans.ts`; what is not a number of something is an address. */
interface KMeansFunctions {
  openWindows(
    centres: number,
    elements: number,
    windows: number,
    count: number,
    reachX: number,
    reachY: number,
    width: number,
    height: number,
  ): void;
  listMembers(
    windows: number,
    first: number,
    members: number,
    count: number,
    columns: number,
    rows: number,
  ): void;
  assignRow(
    l: number,
    a: number,
    b: number,
    nearest: number,
    known: boolean,
    centres: number,
    windows: number,
    first: number,
    members: number,
    scratch: number,
    row: number,
    columns: number,
    width: number,
    height: number,
    weight: number,
  ): void;
  moveCentres(
    l: number,
    a: number,
    b: number,
    nearest: number,
    centres: number,
    elements: number,
    count: number,
    width: number,
    height: number,
  ): void;
}

const kMeans = new WasmKernel<KMeansFunctions>(kmeansWasm);

/** Side of a tile in pixels, and the float64 values of a tile's scratch. */
const TILE = 8;
const SCRATCH = 5 * TILE * TILE + TILE;

/**
 * Clusters an image.
 *
 * @param lab `3×H×W` colours, already divided by the compactness.
 * @param width W in pixels.
 * @param height H in pixels.
 * @param clusters Start of the clusters, on a grid whose windows cover the image.
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
  const columns = Math.ceil(width / TILE);
  const rows = Math.ceil(height / TILE);
  // Tiles that a window of 4·step + 1 pixels can meet.
  const meets = (step: number, tiles: number) =>
    Math.min(tiles, Math.floor((4 * step + TILE) / TILE) + 1);
  const entries = count * meets(stepX, columns) * meets(stepY, rows);
  const step = Math.max(stepX, stepY);
  const weight = 1 / (step * step);

  const sizes = [lab.byteLength, 8 * SCRATCH, 8 * centres.length, 16 * count, 4 * count]
    .concat(4 * (pixels + TILE), 4 * (columns * rows + 1), 4 * entries);
  const total = sizes.reduce((sum, size) => sum + size + 8, 0);
  return kMeans.use(total, (run, memory, base) => {
    let free = base;
    const [l, scratch, at, windows, elements, nearest, first, members] = sizes.map((size) => {
      const address = free;
      free += (size + 7) & ~7;
      return address;
    }) as [number, number, number, number, number, number, number, number];
    const a = l + 8 * pixels;
    const b = a + 8 * pixels;
    new Float64Array(memory, l, lab.length).set(lab);
    new Float64Array(memory, at, centres.length).set(centres);
    new Int32Array(memory, elements, count).fill(1);
    const result = new Int32Array(memory, nearest, pixels + TILE).fill(0);
    for (let round = 0; round < iterations; round++) {
      if (round > 0) run.moveCentres(l, a, b, nearest, at, elements, count, width, height);
      run.openWindows(at, elements, windows, count, 2 * stepX, 2 * stepY, width, height);
      run.listMembers(windows, first, members, count, columns, rows);
      for (let row = 0; row < rows; row++) {
        run.assignRow(
          ...[l, a, b, nearest, round > 0, at, windows, first, members, scratch] as const,
          ...[row, columns, width, height, weight] as const,
        );
      }
    }
    return result.slice(0, pixels);
  });
}
