/**
 * SLIC's k-means on tiles of 8×8 pixels; `../slic_clusters.ts` lays the arrays out and says what is
 * computed. A tile is copied to a scratch of planes of 64-bit values, where two pixels are worked on
 * at a time: L, a, b, the distance to the nearest cluster so far, and that cluster's number; behind
 * them lies the largest distance of every row.
 */

/** Bytes of one plane of the scratch. */
const PLANE: usize = 8 * 8 * 8;
const ROW: usize = 8 * 8;

/** First byte the caller may use. */
export function base(): usize {
  return __heap_base;
}

/**
 * Windows of the given reach around the centres, four 32-bit integers each: first x, -(last x),
 * first y, -(last y), so that one comparison of vectors tells whether a pixel lies inside. Empty for
 * a cluster without pixels.
 */
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
    store<i32>(windows, some ? 1 - <i32>min<f64>(x + reachX + 1, width) : 1, 4);
    store<i32>(windows, some ? <i32>max<f64>(y - reachY, 0) : 0, 8);
    store<i32>(windows, some ? 1 - <i32>min<f64>(y + reachY + 1, height) : 1, 12);
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
    const right = 1 - load<i32>(w, 4);
    const bottom = 1 - load<i32>(w, 12);
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
    const right = 1 - load<i32>(w, 4);
    const bottom = 1 - load<i32>(w, 12);
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

/**
 * Gives every pixel of one row of tiles to its nearest cluster.
 *
 * Tiles are always worked on eight columns wide; what lies beyond the image's right edge is
 * whatever follows in memory and is dropped. `l`, `a`, `b` and `nearest` therefore need 7 readable
 * entries beyond their ends, those of `nearest` numbers of clusters.
 *
 * @param known Whether `nearest` holds the clusters of a round before.
 */
export function assignRow(
  l: usize,
  a: usize,
  b: usize,
  nearest: usize,
  known: bool,
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
    let bound: f64 = 0;
    for (let y = top; y < bottom; y++) {
      const p = <usize>(y * width + left);
      const out = scratch + <usize>(y - top) * ROW;
      const worst = known
        ? measureOwn(
          l + (p << 3),
          a + (p << 3),
          b + (p << 3),
          nearest + (p << 2),
          centres,
          windows,
          out,
          left,
          y,
          weight,
        )
        : copyRow(l + (p << 3), a + (p << 3), b + (p << 3), out);
      if (worst > bound) bound = worst;
      store<f64>(scratch + 5 * PLANE + (<usize>(y - top) << 3), worst);
    }
    const list = first + (<usize>(row * columns + column) << 2);
    for (let m = load<i32>(list); m < load<i32>(list, 4); m++) {
      const k = load<i32>(members + (<usize>m << 2));
      const c = centres + <usize>k * 40;
      const ny = beyond(load<f64>(c), top, bottom - 1);
      const nx = beyond(load<f64>(c, 8), left, right - 1);
      if ((ny * ny + nx * nx) * weight > bound) continue;
      compete(k, c, windows, scratch, left, right, top, bottom, nx * nx, weight);
    }
    for (let y = top; y < bottom; y++) {
      const owners = scratch + 4 * PLANE + <usize>(y - top) * ROW;
      const out = nearest + (<usize>(y * width + left) << 2);
      if (right - left == 8) {
        v128.store(out, lowHalves(v128.load(owners), v128.load(owners, 16)));
        v128.store(out, lowHalves(v128.load(owners, 32), v128.load(owners, 48)), 16);
        continue;
      }
      for (let x: usize = 0; x < <usize>(right - left); x++) {
        store<i32>(out + (x << 2), load<i32>(owners + (x << 3)));
      }
    }
  }
}

/** The low 32 bits of four 64-bit lanes. */
// @ts-ignore: decorator
@inline
function lowHalves(one: v128, other: v128): v128 {
  return i32x4.shuffle(one, other, 0, 2, 4, 6);
}

/** How far `at` lies outside `from..to`; rounded like any distance to a pixel. */
// @ts-ignore: decorator
@inline
function beyond(at: f64, from: i32, to: i32): f64 {
  return at < <f64>from ? <f64>from - at : at > <f64>to ? at - <f64>to : 0;
}

/** Copies a row of a tile to the scratch, its pixels not near to any cluster yet. */
function copyRow(l: usize, a: usize, b: usize, out: usize): f64 {
  for (let i: usize = 0; i < ROW; i += 16) {
    v128.store(out + i, v128.load(l + i));
    v128.store(out + i, v128.load(a + i), PLANE);
    v128.store(out + i, v128.load(b + i), 2 * PLANE);
    v128.store(out + i, f64x2.splat(Infinity), 3 * PLANE);
    v128.store(out + i, i64x2.splat(0), 4 * PLANE);
  }
  return Infinity;
}

/**
 * Copies a row of a tile to the scratch, with the distances to the clusters its pixels belong to,
 * infinite where the window has moved away. Returns the largest.
 */
function measureOwn(
  l: usize,
  a: usize,
  b: usize,
  nearest: usize,
  centres: usize,
  windows: usize,
  out: usize,
  left: i32,
  y: i32,
  weight: f64,
): f64 {
  let largest = f64x2.splat(0);
  let x = f64x2.replace_lane(f64x2.splat(<f64>left), 1, <f64>(left + 1));
  let place = i32x4(left, -left, y, -y);
  for (let i: usize = 0; i < ROW; i += 16) {
    const owners = v128.load32x2_s(nearest + (i >> 1));
    const k0 = <usize>i64x2.extract_lane(owners, 0);
    const k1 = <usize>i64x2.extract_lane(owners, 1);
    const c0 = centres + k0 * 40;
    const c1 = centres + k1 * 40;
    const in0 = i32x4.all_true(i32x4.ge_s(place, v128.load(windows + (k0 << 4))));
    place = i32x4.add(place, i32x4(1, -1, 0, 0));
    const in1 = i32x4.all_true(i32x4.ge_s(place, v128.load(windows + (k1 << 4))));
    place = i32x4.add(place, i32x4(1, -1, 0, 0));
    const ownL = v128.load(l + i);
    const ownA = v128.load(a + i);
    const ownB = v128.load(b + i);
    const dy = f64x2.sub(both(c0, c1), f64x2.splat(<f64>y));
    const dx = f64x2.sub(both(c0 + 8, c1 + 8), x);
    const dl = f64x2.sub(ownL, both(c0 + 16, c1 + 16));
    const da = f64x2.sub(ownA, both(c0 + 24, c1 + 24));
    const db = f64x2.sub(ownB, both(c0 + 32, c1 + 32));
    const plane = f64x2.add(f64x2.mul(dy, dy), f64x2.mul(dx, dx));
    const colour = f64x2.add(
      f64x2.add(f64x2.mul(dl, dl), f64x2.mul(da, da)),
      f64x2.mul(db, db),
    );
    let distance = f64x2.add(f64x2.mul(plane, f64x2.splat(weight)), colour);
    if (!in0) distance = f64x2.replace_lane(distance, 0, Infinity);
    if (!in1) distance = f64x2.replace_lane(distance, 1, Infinity);
    largest = f64x2.pmax(largest, distance);
    v128.store(out + i, ownL);
    v128.store(out + i, ownA, PLANE);
    v128.store(out + i, ownB, 2 * PLANE);
    v128.store(out + i, distance, 3 * PLANE);
    v128.store(out + i, owners, 4 * PLANE);
    x = f64x2.add(x, f64x2.splat(2));
  }
  const one = f64x2.extract_lane(largest, 0);
  const other = f64x2.extract_lane(largest, 1);
  return one > other ? one : other;
}

/** The float64 values at two addresses. */
// @ts-ignore: decorator
@inline
function both(one: usize, other: usize): v128 {
  return v128.load64_lane(other, v128.load64_zero(one), 1);
}

/** Lets one cluster compete for a tile's pixels. */
function compete(
  k: i32,
  c: usize,
  windows: usize,
  scratch: usize,
  left: i32,
  right: i32,
  top: i32,
  bottom: i32,
  nearX: f64,
  weight: f64,
): void {
  const w = windows + (<usize>k << 4);
  const x0 = max(load<i32>(w), left);
  const x1 = min(1 - load<i32>(w, 4), right);
  const y0 = max(load<i32>(w, 8), top);
  const y1 = min(1 - load<i32>(w, 12), bottom);
  const cy = load<f64>(c);
  const cx = load<f64>(c, 8);
  const number = i64x2.splat(<i64>k);
  const factor = f64x2.splat(weight);
  const l = v128.load64_splat(c, 16);
  const a = v128.load64_splat(c, 24);
  const b = v128.load64_splat(c, 32);
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
    const s0 = f64x2.mul(f64x2.add(up, dx0), factor);
    const s1 = f64x2.mul(f64x2.add(up, dx1), factor);
    const s2 = f64x2.mul(f64x2.add(up, dx2), factor);
    const s3 = f64x2.mul(f64x2.add(up, dx3), factor);
    const leftHalf = v128.or(
      f64x2.le(s0, v128.load(row, 3 * PLANE)),
      f64x2.le(s1, v128.load(row, 3 * PLANE + 16)),
    );
    if (v128.any_true(leftHalf)) {
      takePair(row, s0, l, a, b, number);
      takePair(row + 16, s1, l, a, b, number);
    }
    const rightHalf = v128.or(
      f64x2.le(s2, v128.load(row, 3 * PLANE + 32)),
      f64x2.le(s3, v128.load(row, 3 * PLANE + 48)),
    );
    if (v128.any_true(rightHalf)) {
      takePair(row + 32, s2, l, a, b, number);
      takePair(row + 48, s3, l, a, b, number);
    }
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

/** Gives two pixels to a cluster where it is nearer than their own, or as near and of lower number. */
// @ts-ignore: decorator
@inline
function takePair(at: usize, space: v128, l: v128, a: v128, b: v128, number: v128): void {
  const dl = f64x2.sub(v128.load(at), l);
  const da = f64x2.sub(v128.load(at, PLANE), a);
  const db = f64x2.sub(v128.load(at, 2 * PLANE), b);
  const colour = f64x2.add(
    f64x2.add(f64x2.mul(dl, dl), f64x2.mul(da, da)),
    f64x2.mul(db, db),
  );
  const distance = f64x2.add(space, colour);
  const known = v128.load(at, 3 * PLANE);
  const owner = v128.load(at, 4 * PLANE);
  const tie = v128.and(f64x2.eq(distance, known), i64x2.gt_s(owner, number));
  const wins = v128.or(f64x2.lt(distance, known), tie);
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
