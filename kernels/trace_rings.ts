/**
 * The borders of labelled regions as rings of points on the grid between pixels: pixel `(x, y)` is the square
 * from `(x, y)` to `(x + 1, y + 1)`.
 */

import { checkPlanes } from "./plane_arguments.ts";

/** A closed ring. */
export interface Ring {
  /** Its corners, `x, y, x, y, …`, the first not repeated at the end; no three in a line. */
  readonly points: Int32Array;
  /**
   * Twice the area that it encloses: positive of borders outside a region, negative of those around its
   * holes. So is the shoelace formula's sum over `points`.
   */
  readonly doubleArea: number;
  /** Index of a pixel just inside the region: the same region for all rings around it and its holes. */
  readonly pixel: number;
}

/** Steps east, south, west, north. */
const STEP_X = [1, 0, -1, 0] as const;
const STEP_Y = [0, 1, 0, -1] as const;
/** From a point to the pixels ahead of it on the right, and on the left, of one going that way. */
const RIGHT_X = [0, -1, -1, 0] as const;
const RIGHT_Y = [0, 0, -1, -1] as const;
const LEFT_X = [0, 0, -1, -1] as const;
const LEFT_Y = [-1, 0, 0, -1] as const;

/**
 * Traces the borders of all pixels that have a label, with the region at the right hand.
 *
 * Regions are 4-connected: pixels that touch at a corner alone belong to different ones, or lie on both
 * sides of a hole's corner. Every ring is simple, it meets itself nowhere: a border that comes back to a point
 * is divided there. All together filled by the even-odd rule are exactly the pixels with that label.
 *
 * @param labels `H×W` labels.
 * @returns Rings in row order of their first edges; each 4-connected region has one of positive area.
 * @throws {TypeError} `labels` does not hold `width · height` values.
 * @throws {RangeError} A size is not a whole number ≥ 1.
 */
export function traceRings(
  labels: Uint8Array | Int32Array,
  width: number,
  height: number,
  label: number,
): Ring[] {
  checkPlanes(labels, 1, width, height, "the mask", "trace rings");
  const rings: Ring[] = [];
  // Every ring has an edge to the east, along the top of a pixel; one that has been walked is not begun again.
  const walked = new Uint8Array(labels.length);
  const has = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && labels[y * width + x] === label;

  for (let p = 0; p < labels.length; p++) {
    if (labels[p] !== label || walked[p] === 1) continue;
    if (p >= width && labels[p - width] === label) continue;
    walk(p);
  }
  return rings;

  function walk(start: number): void {
    const startX = start % width;
    const startY = (start - startX) / width;
    let x = startX;
    let y = startY;
    let way = 0;
    let path: number[] = [x, y];
    // Where the path has been at points that it may come back to: those between two diagonal pixels.
    const crossings = new Map<number, number>();
    if (has(x - 1, y - 1)) crossings.set(y * (width + 1) + x, 0);
    do {
      if (way === 0) walked[y * width + x] = 1;
      x += STEP_X[way]!;
      y += STEP_Y[way]!;
      const right = has(x + RIGHT_X[way]!, y + RIGHT_Y[way]!);
      const left = has(x + LEFT_X[way]!, y + LEFT_Y[way]!);
      if (right && !left) continue;
      way = right ? (way + 3) % 4 : (way + 1) % 4;
      const atStart = x === startX && y === startY;
      if (!right && left) {
        const point = y * (width + 1) + x;
        const before = crossings.get(point);
        if (before !== undefined) {
          rings.push(makeRing(path.slice(before), start));
          for (let i = before + 2; i < path.length; i += 2) {
            crossings.delete(path[i + 1]! * (width + 1) + path[i]!);
          }
          path = path.slice(0, before + 2);
          continue;
        }
        crossings.set(point, path.length);
      }
      if (!(atStart && way === 0)) path.push(x, y);
    } while (!(x === startX && y === startY && way === 0));
    if (path.length > 2) rings.push(makeRing(path, start));
  }
}

function makeRing(path: readonly number[], pixel: number): Ring {
  const points = Int32Array.from(path);
  let doubleArea = 0;
  let x = points[points.length - 2]!;
  let y = points[points.length - 1]!;
  for (let i = 0; i < points.length; i += 2) {
    doubleArea += x * points[i + 1]! - points[i]! * y;
    x = points[i]!;
    y = points[i + 1]!;
  }
  return { points, doubleArea, pixel };
}
