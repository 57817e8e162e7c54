/**
 * Quickshift's Parzen density: for every pixel the sum of exp(-scale · distance²) over the pixels
 * in a square window, distance in (y, x, L, a, b). The kernel is symmetric, so every pair is
 * visited once, from its pixel that comes first in row order, and added to both.
 *
 * exp is a table of exp(-n / steps), corrected by a cubic in what rounding left (relative error
 * below 1e-12 with 256 steps).
 */

/** 2^52: adding it leaves a small number's nearest integer in the low bits. */
const ROUNDER: f64 = 4503599627370496.0;

/** First byte the caller may use. */
export function base(): usize {
  return __heap_base;
}

/**
 * Adds the pairs of one row of pixels; to be called for every row in turn. (A call a row, because a
 * running call cannot profit from the code the engine optimises meanwhile.)
 *
 * All planes have rows of `stride` float64 values and are padded: `reach` columns on both sides and
 * `reach` rows below, holding colours so far away that exp gives 0. Addresses point at pixel (0, 0).
 *
 * @param squares Table of (i - reach)², 2·reach + 1 float64.
 * @param table Table of exp(-n / steps), n = 0..size; the last entry is 0.
 * @param density Receives the sums, added to what is there.
 */
export function densityOfRow(
  l: usize,
  a: usize,
  b: usize,
  density: usize,
  squares: usize,
  table: usize,
  size: i32,
  steps: f64,
  y: i32,
  width: i32,
  stride: i32,
  reach: i32,
  scale: f64,
): void {
  const rounder = f64x2.splat(ROUNDER);
  const factor = f64x2.splat(scale * steps);
  const last = f64x2.splat(f64(size));
  // exp(-f / steps) for f in [-0.5, 0.5], less 1, over f.
  const c1 = f64x2.splat(-1.0 / steps);
  const c2 = f64x2.splat(1.0 / (2.0 * steps * steps));
  const c3 = f64x2.splat(-1.0 / (6.0 * steps * steps * steps));
  for (let dy = 0; dy <= reach; dy++) {
    const squareY = f64x2.splat(f64(dy * dy));
    const firstX = dy == 0 ? 1 : -reach;
    for (let x = 0; x < width; x += 2) {
      const p = <usize>(y * stride + x) << 3;
      const ownL = v128.load(l + p);
      const ownA = v128.load(a + p);
      const ownB = v128.load(b + p);
      let own = f64x2.splat(0);
      let before = own;
      let q = p + (<usize>(dy * stride + firstX) << 3);
      let square = squares + (<usize>(firstX + reach) << 3);
      for (let dx = firstX; dx <= reach; dx++) {
        const dl = f64x2.sub(ownL, v128.load(l + q));
        const da = f64x2.sub(ownA, v128.load(a + q));
        const db = f64x2.sub(ownB, v128.load(b + q));
        const space = f64x2.add(v128.load64_splat(square), squareY);
        const colour = f64x2.add(f64x2.mul(dl, dl), f64x2.mul(da, da));
        const distance = f64x2.add(colour, f64x2.add(f64x2.mul(db, db), space));
        const argument = f64x2.pmin(f64x2.mul(distance, factor), last);
        const rounded = f64x2.add(argument, rounder);
        const f = f64x2.sub(argument, f64x2.sub(rounded, rounder));
        const n0 = i32x4.extract_lane(rounded, 0);
        const n1 = i32x4.extract_lane(rounded, 2);
        const e0 = v128.load64_lane(
          table + (<usize>n1 << 3),
          v128.load64_zero(table + (<usize>n0 << 3)),
          1,
        );
        const series = f64x2.add(f64x2.mul(f64x2.add(f64x2.mul(c3, f), c2), f), c1);
        const e = f64x2.add(f64x2.mul(f64x2.mul(e0, f), series), e0);
        own = f64x2.add(own, e);
        // Neighbours q and q + 1 get one lane each. q + 1 is written by the next round, together
        // with that round's first lane: overlapping 16-byte stores and loads would stall.
        const both = f64x2.add(e, i64x2.shuffle(before, before, 1, 0));
        v128.store64_lane(
          density + q,
          f64x2.add(v128.load64_zero(density + q), both),
          0,
        );
        before = e;
        q += 8;
        square += 8;
      }
      store<f64>(
        density + q,
        load<f64>(density + q) + f64x2.extract_lane(before, 1),
      );
      v128.store(density + p, f64x2.add(v128.load(density + p), own));
    }
  }
}
