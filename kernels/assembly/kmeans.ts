/**
 * SLIC's k-means on tiles of 8×8 pixels; `../slic_clusters.ts` lays the arrays out and says what is
 * computed. A tile is copied to a scratch of float64 planes, where two pixels are worked on at a
 * time: L, a, b, the distance to the nearest cluster so far, and that cluster's number.
 */

/** Bytes of one plane of the scratch. */
const PLANE: usize = 8 * 8 * 8;
const ROW: usize = 8 * 8;

/** First byte the caller may use. */
export function base(): usize {
  return __heap_base;
}

/** Windows of the given reach around the centres; empty for a cluster without pixels. */
export function openWindows(
  centres: usize,
  elements: usize,
  windows: usize,
  count: i32,
  reachX: f64,
  reachY: f64,
  width: i32,
  height: i32,
): void {
  for (let k = 0; k < count; k++) {
    const y = load<f64>(centres);
    const x = load<f64>(centres, 8);
    const some = load<i32>(elements) != 0;
    store<i32>(windows, some ? <i32>max<f64>(x - reachX, 0) : 0);
    store<i32>(windows, some ? <i32>min<f64>(x + reachX + 1, width) : 0, 4);
    store<i32>(windows, some ? <i32>max<f64>(y - reachY, 0) : 0, 8);
    store<i32>(windows, some ? <i32>min<f64>(y + reachY + 1, height) : 0, 12);
    centres += 40;
    windows += 16;
    elements += 4;
  }
}

/**
 * For every tile the clusters whose windows meet it: their numbers in growing order in `members`,
 * from entry `first[tile]` up to `first[tile + 1]`.
 */
export function listMembers(
  windows: usize,
  first: usize,
  members: usize,
  count: i32,
  columns: i32,
  rows: i32,
): void {
  const tiles = columns * rows;
  memory.fill(first, 0, <usize>(tiles + 1) << 2);
  for (let k = 0; k < count; k++) {
    const w = windows + (<usize>k << 4);
    const right = load<i32>(w, 4);
    const bottom = load<i32>(w, 12);
    for (let row = load<i32>(w, 8) >> 3; row << 3 < bottom; row++) {
      for (let column = load<i32>(w) >> 3; column << 3 < right; column++) {
        const at = first + (<usize>(row * columns + column) << 2);
        store<i32>(at, load<i32>(at) + 1);
      }
    }
  }
  let total = 0;
  for (let tile = 0; tile <= tiles; tile++) {
    const at = first + (<usize>tile << 2);
    total += load<i32>(at);
    store<i32>(at, total);
  }
  // Filled from their ends, so that every list's entry ends up at its start.
  for (let k = count - 1; k >= 0; k--) {
    const w = windows + (<usize>k << 4);
    const right = load<i32>(w, 4);
    const bottom = load<i32>(w, 12);
    for (let row = load<i32>(w, 8) >> 3; row << 3 < bottom; row++) {
      for (let column = load<i32>(w) >> 3; column << 3 < right; column++) {
        const at = first + (<usize>(row * columns + column) << 2);
        const place = load<i32>(at) - 1;
        store<i32>(at, place);
        store<i32>(members + (<usize>place << 2), k);
      }
    }
  }
}

/** Gives every pixel of one row of tiles to its nearest cluster. */
export function assignRow(
  l: usize,
  a: usize,
  b: usize,
  nearest: usize,
  centres: usize,
  windows: usize,
  first: usize,
  members: usize,
  scratch: usize,
  row: i32,
  columns: i32,
  width: i32,
  height: i32,
  weight: f64,
): void {
  const top = row << 3;
  const bottom = min(top + 8, height);
  for (let column = 0; column < columns; column++) {
    const left = column << 3;
    const right = min(left + 8, width);
    const list = first + (<usize>(row * columns + column) << 2);
    let bound: f64 = 0;
    for (let y = top; y < bottom; y++) {
      const worst = measureOwn(l, a, b, nearest, centres, windows, scratch, left, right, top, y, width, weight);
      bound = max(bound, worst);
      store<f64>(scratch + 5 * PLANE + (<usize>(y - top) << 3), worst);
    }
    for (let m = load<i32>(list); m < load<i32>(list, 4); m++) {
      const k = load<i32>(members + (<usize>m << 2));
      compete(k, centres, windows, scratch, left, right, top, bottom, bound, weight);
    }
    for (let y = top; y < bottom; y++) {
      const labels = scratch + 4 * PLANE + <usize>(y - top) * ROW;
      const out = nearest + (<usize>(y * width + left) << 2);
      for (let x = 0; x < right - left; x++) {
        store<i32>(out + (<usize>x << 2), <i32>load<f64>(labels + (<usize>x << 3)));
      }
    }
  }
}

/**
 * Copies a row of a tile to the scratch, with the distances to the clusters its pixels belong to:
 * infinite where there is none or its window has moved away. Returns the largest.
 */
function measureOwn(
  l: usize,
  a: usize,
  b: usize,
  nearest: usize,
  centres: usize,
  windows: usize,
  scratch: usize,
  left: i32,
  right: i32,
  top: i32,
  y: i32,
  width: i32,
  weight: f64,
): f64 {
  let worst: f64 = 0;
  let out = scratch + <usize>(y - top) * ROW;
  let p = <usize>(y * width + left);
  for (let x = left; x < right; x++) {
    const ownL = load<f64>(l + (p << 3));
    const ownA = load<f64>(a + (p << 3));
    const ownB = load<f64>(b + (p << 3));
    const k = load<i32>(nearest + (p << 2));
    let distance: f64 = Infinity;
    if (k >= 0) {
      const w = windows + (<usize>k << 4);
      if (x >= load<i32>(w) && x < load<i32>(w, 4) && y >= load<i32>(w, 8) && y < load<i32>(w, 12)) {
        const c = centres + <usize>k * 40;
        const dy = load<f64>(c) - <f64>y;
        const dx = load<f64>(c, 8) - <f64>x;
        const dl = ownL - load<f64>(c, 16);
        const da = ownA - load<f64>(c, 24);
        const db = ownB - load<f64>(c, 32);
        distance = (dy * dy + dx * dx) * weight + (dl * dl + da * da + db * db);
      }
    }
    worst = max(worst, distance);
    store<f64>(out, ownL);
    store<f64>(out, ownA, PLANE);
    store<f64>(out, ownB, 2 * PLANE);
    store<f64>(out, distance, 3 * PLANE);
    store<f64>(out, <f64>k, 4 * PLANE);
    out += 8;
    p++;
  }
  return worst;
}

/** Lets one cluster compete for a tile's pixels; none of them is farther from its own than `bound`. */
function compete(
  k: i32,
  centres: usize,
  windows: usize,
  scratch: usize,
  left: i32,
  right: i32,
  top: i32,
  bottom: i32,
  bound: f64,
  weight: f64,
): void {
  const w = windows + (<usize>k << 4);
  const x0 = max(load<i32>(w), left);
  const x1 = min(load<i32>(w, 4), right);
  const y0 = max(load<i32>(w, 8), top);
  const y1 = min(load<i32>(w, 12), bottom);
  const c = centres + <usize>k * 40;
  const cy = load<f64>(c);
  const cx = load<f64>(c, 8);
  // The distance in the plane to the nearest pixel, rounded like those of all others.
  const ny = cy < <f64>y0 ? cy - <f64>y0 : cy > <f64>(y1 - 1) ? cy - <f64>(y1 - 1) : 0;
  const nx = cx < <f64>x0 ? cx - <f64>x0 : cx > <f64>(x1 - 1) ? cx - <f64>(x1 - 1) : 0;
  const nearX = nx * nx;
  if ((ny * ny + nearX) * weight > bound) return;
  const number = f64x2.splat(<f64>k);
  const factor = f64x2.splat(weight);
  const l = f64x2.splat(load<f64>(c, 16));
  const a = f64x2.splat(load<f64>(c, 24));
  const b = f64x2.splat(load<f64>(c, 32));
  const dx0 = squares(left, cx, x0, x1);
  const dx1 = squares(left + 2, cx, x0, x1);
  const dx2 = squares(left + 4, cx, x0, x1);
  const dx3 = squares(left + 6, cx, x0, x1);
  for (let y = y0; y < y1; y++) {
    const dy = cy - <f64>y;
    const dySquare = dy * dy;
    const worst = load<f64>(scratch + 5 * PLANE + (<usize>(y - top) << 3));
    if ((dySquare + nearX) * weight > worst) continue;
    const row = scratch + <usize>(y - top) * ROW;
    const up = f64x2.splat(dySquare);
    competeForPair(row, up, dx0, factor, l, a, b, number);
    competeForPair(row + 16, up, dx1, factor, l, a, b, number);
    competeForPair(row + 32, up, dx2, factor, l, a, b, number);
    competeForPair(row + 48, up, dx3, factor, l, a, b, number);
  }
}

/** Squared distances of two columns; not a number outside x0..x1, which loses every comparison. */
// @ts-ignore: decorator
@inline
function squares(x: i32, cx: f64, x0: i32, x1: i32): v128 {
  const d0 = cx - <f64>x;
  const d1 = cx - <f64>(x + 1);
  return f64x2.replace_lane(
    f64x2.splat(x >= x0 && x < x1 ? d0 * d0 : NaN),
    1,
    x + 1 >= x0 && x + 1 < x1 ? d1 * d1 : NaN,
  );
}

// @ts-ignore: decorator
@inline
function competeForPair(
  at: usize,
  up: v128,
  across: v128,
  factor: v128,
  l: v128,
  a: v128,
  b: v128,
  number: v128,
): void {
  const known = v128.load(at, 3 * PLANE);
  const space = f64x2.mul(f64x2.add(up, across), factor);
  if (!v128.any_true(f64x2.le(space, known))) return;
  const dl = f64x2.sub(v128.load(at), l);
  const da = f64x2.sub(v128.load(at, PLANE), a);
  const db = f64x2.sub(v128.load(at, 2 * PLANE), b);
  const colour = f64x2.add(
    f64x2.add(f64x2.mul(dl, dl), f64x2.mul(da, da)),
    f64x2.mul(db, db),
  );
  const distance = f64x2.add(space, colour);
  const owner = v128.load(at, 4 * PLANE);
  const tie = v128.and(f64x2.eq(distance, known), f64x2.lt(number, owner));
  const wins = v128.or(f64x2.lt(distance, known), tie);
  if (!v128.any_true(wins)) return;
  v128.store(at, v128.bitselect(distance, known, wins), 3 * PLANE);
  v128.store(at, v128.bitselect(number, owner, wins), 4 * PLANE);
}

/** Moves every cluster to the mean of its pixels, summed in row order. */
export function moveCentres(
  l: usize,
  a: usize,
  b: usize,
  nearest: usize,
  centres: usize,
  elements: usize,
  count: i32,
  width: i32,
  height: i32,
): void {
  memory.fill(centres, 0, <usize>count * 40);
  memory.fill(elements, 0, <usize>count << 2);
  let p: usize = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width;) {
      // A run of one cluster's pixels adds up in registers.
      const k = load<i32>(nearest + (p << 2));
      const c = centres + <usize>k * 40;
      const start = x;
      let sumX = load<f64>(c, 8);
      let sumL = load<f64>(c, 16);
      let sumA = load<f64>(c, 24);
      let sumB = load<f64>(c, 32);
      do {
        sumX += <f64>x;
        sumL += load<f64>(l + (p << 3));
        sumA += load<f64>(a + (p << 3));
        sumB += load<f64>(b + (p << 3));
        x++;
        p++;
      } while (x < width && load<i32>(nearest + (p << 2)) == k);
      store<f64>(c, load<f64>(c) + <f64>y * <f64>(x - start));
      store<f64>(c, sumX, 8);
      store<f64>(c, sumL, 16);
      store<f64>(c, sumA, 24);
      store<f64>(c, sumB, 32);
      const n = elements + (<usize>k << 2);
      store<i32>(n, load<i32>(n) + (x - start));
    }
  }
  for (let k = 0; k < count; k++) {
    const c = centres + <usize>k * 40;
    const n = <f64>load<i32>(elements + (<usize>k << 2));
    for (let i: usize = 0; i < 40; i += 8) store<f64>(c + i, load<f64>(c + i) / n);
  }
}
