/** Fewer points for rings. */

/**
 * Simplifies a closed ring by the method of Douglas and Peucker ("Algorithms for the reduction of the number
 * of points required to represent a digitized line", 1973): a part of the ring becomes a straight line where
 * none of its points is farther than the tolerance from that.
 *
 * The ring is first cut at two points far from each other, which are kept. Where fewer than three points
 * would be left it stays as it is, so that no ring is lost. Rings may meet others, or themselves, that they did
 * not meet before, if these are closer than twice the tolerance.
 *
 * @param points `x, y, x, y, …`, the first point not repeated at the end.
 * @param tolerance Distance, in the points' unit; 0 leaves out points on straight lines alone.
 * @returns Some of the points, in order.
 * @throws {TypeError} The number of values is odd, or there are fewer than three points.
 * @throws {RangeError} The tolerance is negative or no number.
 */
export function simplifyRing(points: Int32Array, tolerance: number): Int32Array {
  const count = points.length / 2;
  if (!Number.isInteger(count) || count < 3) {
    throw new TypeError(`Cannot simplify a ring of ${points.length} coordinates`);
  }
  if (!(tolerance >= 0)) {
    throw new RangeError(`Cannot simplify a ring: tolerance ${tolerance} is not 0 or more`);
  }
  const first = farthestFrom(points, 0);
  const second = farthestFrom(points, first);
  const kept = new Uint8Array(count);
  kept[first] = 1;
  kept[second] = 1;
  const limit = tolerance * tolerance;
  // Pairs of ends between which points are still to be judged; an end beyond `count` has gone round.
  const open: number[] = first < second
    ? [first, second, second, first + count]
    : [second, first, first, second + count];
  while (open.length > 0) {
    const to = open.pop()!;
    const from = open.pop()!;
    const far = farthestFromLine(points, from, to, limit);
    if (far < 0) continue;
    kept[far % count] = 1;
    open.push(from, far, far, to);
  }
  const left = kept.reduce((sum, one) => sum + one, 0);
  if (left < 3) return points;
  const simple = new Int32Array(2 * left);
  for (let i = 0, o = 0; i < count; i++) {
    if (kept[i] === 0) continue;
    simple[o++] = points[2 * i]!;
    simple[o++] = points[2 * i + 1]!;
  }
  return simple;
}

/** Index of the point farthest from that of index `from`. */
function farthestFrom(points: Int32Array, from: number): number {
  let farthest = from;
  let most = -1;
  for (let i = 0; i < points.length / 2; i++) {
    const dx = points[2 * i]! - points[2 * from]!;
    const dy = points[2 * i + 1]! - points[2 * from + 1]!;
    if (dx * dx + dy * dy > most) {
      most = dx * dx + dy * dy;
      farthest = i;
    }
  }
  return farthest;
}

/**
 * The point strictly between two others that is farthest from the straight line between them; -1 when the
 * square of no distance is above `limit`.
 */
function farthestFromLine(points: Int32Array, from: number, to: number, limit: number): number {
  const count = points.length / 2;
  const ax = points[2 * (from % count)]!;
  const ay = points[2 * (from % count) + 1]!;
  const dx = points[2 * (to % count)]! - ax;
  const dy = points[2 * (to % count) + 1]! - ay;
  const squared = dx * dx + dy * dy;
  let farthest = -1;
  let most = limit;
  for (let i = from + 1; i < to; i++) {
    const at = i < count ? i : i - count;
    const px = points[2 * at]! - ax;
    const py = points[2 * at + 1]! - ay;
    const along = squared === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / squared));
    const ex = px - along * dx;
    const ey = py - along * dy;
    const distance = ex * ex + ey * ey;
    if (distance > most) {
      most = distance;
      farthest = i;
    }
  }
  return farthest;
}
