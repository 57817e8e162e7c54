/**
 * Where points lie in a permutohedral lattice: the d + 1 vertices around every point, its barycentric
 * weights, and the neighbours of every vertex along the d + 1 axes.
 *
 * Four points are placed at a time, one a lane. A vertex is known by the first d of its d + 1
 * coordinates (they sum to zero) as 16-bit lanes of one vector, the rest of which is zero; so d ≤ 7,
 * and two vertices are compared in one instruction.
 */

/** 2^32 over the golden ratio and an odd relative, to spread keys over the table. */
const SPREAD: u64 = 0x9e3779b97f4a7c15;
const SPREAD_HIGH: u64 = 0xc2b2ae3d27d4eb4f;

/** Scratch for one block of four points: d + 1 vectors each, and d + 2 numbers a point in 48 bytes. */
const scaled = memory.data(16 * 9, 16);
const elevated = memory.data(16 * 9, 16);
const remainder = memory.data(16 * 9, 16);
const ranks = memory.data(16 * 9, 16);
const barycentric = memory.data(4 * 48, 16);
/** Coordinates and ranks of the four points as 16-bit lanes. */
const corner = memory.data(16 * 4, 16);
const order = memory.data(16 * 4, 16);

/** The table: indices of vertices plus 1, 0 where free. */
let table: usize = 0;
let tableMask: u32 = 0;
/** Keys of the vertices, 16 bytes each, how many there are and may be. */
let keys: usize = 0;
let count: u32 = 0;
let capacity: u32 = 0;

/** First byte the caller may use. */
export function base(): usize {
  return __heap_base;
}

// @ts-ignore: decorator
@inline
function slotOf(key: v128): u32 {
  const low = i64x2.extract_lane(key, 0) * SPREAD;
  const high = i64x2.extract_lane(key, 1) * SPREAD_HIGH;
  const hash = (low ^ high) * SPREAD;
  return <u32>(hash >> 32) & tableMask;
}

/** Index of a vertex, or -1. */
// @ts-ignore: decorator
@inline
function find(key: v128): i32 {
  let slot = slotOf(key);
  while (true) {
    const entry = load<u32>(table + (<usize>slot << 2));
    if (entry == 0) return -1;
    if (!v128.any_true(v128.xor(v128.load(keys + (<usize>(entry - 1) << 4)), key))) {
      return <i32>(entry - 1);
    }
    slot = (slot + 1) & tableMask;
  }
}

/** Index of a vertex, which is added where it is new; -1 when there is no room. */
// @ts-ignore: decorator
@inline
function findOrAdd(key: v128): i32 {
  let slot = slotOf(key);
  while (true) {
    const at = table + (<usize>slot << 2);
    const entry = load<u32>(at);
    if (entry == 0) {
      if (count == capacity) return -1;
      v128.store(keys + (<usize>count << 4), key);
      count++;
      store<u32>(at, count);
      return <i32>(count - 1);
    }
    if (!v128.any_true(v128.xor(v128.load(keys + (<usize>(entry - 1) << 4)), key))) {
      return <i32>(entry - 1);
    }
    slot = (slot + 1) & tableMask;
  }
}

/**
 * Places `blocks`·4 points. `features` is d planes of `blocks`·4 values. `tableAt` is zeroed room for
 * `slots` (a power of two, more than `room`) 32-bit entries, `keysAt` room for `room` vertices.
 * `offsets` and `weights` receive d + 1 numbers a point. `scales` is d factors.
 *
 * Returns the number of vertices, or -1 when there are more than `room`.
 */
export function place(
  features: usize,
  scales: usize,
  d: i32,
  blocks: i32,
  tableAt: usize,
  slots: u32,
  keysAt: usize,
  room: u32,
  offsets: usize,
  weights: usize,
): i32 {
  table = tableAt;
  tableMask = slots - 1;
  keys = keysAt;
  count = 0;
  capacity = room;
  const plane = <usize>blocks << 4;
  const inverse = f32x4.splat(<f32>1 / <f32>(d + 1));
  const sides = f32x4.splat(<f32>(d + 1));
  const one = f32x4.splat(1);
  const zero = f32x4.splat(0);
  // 16-bit lanes: d + 1 in the first d, nothing in the others.
  for (let i = 0; i < 8; i++) store<i16>(corner + (i << 1), i < d ? -1 : 0);
  const lanes = v128.load(corner);
  const sides16 = v128.and(lanes, i16x8.splat(<i16>(d + 1)));

  for (let block = 0; block < blocks; block++) {
    const from = features + (<usize>block << 4);
    // Onto the plane of coordinates that sum to zero.
    let sum = zero;
    for (let j = d; j > 0; j--) {
      const at = <usize>(j - 1);
      const value = f32x4.mul(
        v128.load(from + at * plane),
        f32x4.splat(load<f32>(scales + (at << 2))),
      );
      v128.store(
        elevated + (<usize>j << 4),
        f32x4.sub(sum, f32x4.mul(f32x4.splat(<f32>j), value)),
      );
      sum = f32x4.add(sum, value);
    }
    v128.store(elevated, sum);

    // The nearest vertex whose coordinates are all multiples of d + 1.
    let excess = zero;
    for (let i = 0; i <= d; i++) {
      const at = <usize>i << 4;
      const multiple = f32x4.nearest(f32x4.mul(inverse, v128.load(elevated + at)));
      const near = f32x4.mul(multiple, sides);
      v128.store(remainder + at, near);
      v128.store(scaled + at, f32x4.sub(v128.load(elevated + at), near));
      v128.store(ranks + at, zero);
      excess = f32x4.add(excess, multiple);
    }
    // Ranks of the differences, the largest first.
    for (let i = 0; i < d; i++) {
      const atI = <usize>i << 4;
      const own = v128.load(scaled + atI);
      let rank = v128.load(ranks + atI);
      for (let j = i + 1; j <= d; j++) {
        const atJ = <usize>j << 4;
        const less = v128.and(one, f32x4.lt(own, v128.load(scaled + atJ)));
        rank = f32x4.add(rank, less);
        v128.store(ranks + atJ, f32x4.add(v128.load(ranks + atJ), f32x4.sub(one, less)));
      }
      v128.store(ranks + atI, rank);
    }
    for (let i: usize = 0; i < 4 * 48; i += 16) v128.store(barycentric + i, zero);
    for (let i = 0; i <= d; i++) {
      const at = <usize>i << 4;
      // Where the multiples do not sum to zero, the outermost ranks are moved by one side.
      let rank = f32x4.add(v128.load(ranks + at), excess);
      const shift = f32x4.sub(
        v128.and(sides, f32x4.lt(rank, zero)),
        v128.and(sides, f32x4.ge(rank, sides)),
      );
      rank = f32x4.add(rank, shift);
      const near = f32x4.add(v128.load(remainder + at), shift);
      const weight = f32x4.mul(f32x4.sub(v128.load(elevated + at), near), inverse);
      const rank32 = i32x4.trunc_sat_f32x4_s(rank);
      const near32 = i32x4.trunc_sat_f32x4_s(near);
      spread(0, i, d, weight, rank32, near32);
      spread(1, i, d, weight, rank32, near32);
      spread(2, i, d, weight, rank32, near32);
      spread(3, i, d, weight, rank32, near32);
    }
    for (let p: usize = 0; p < 4; p++) {
      const bary = barycentric + p * 48;
      store<f32>(bary, load<f32>(bary) + (<f32>1 + load<f32>(bary + (<usize>(d + 1) << 2))));
      const point = (<usize>block << 2) + p;
      const out = (point * <usize>(d + 1)) << 2;
      const key = v128.and(v128.load(corner + (p << 4)), lanes);
      const rank = v128.load(order + (p << 4));
      for (let r = 0; r <= d; r++) {
        const high = i16x8.gt_s(rank, i16x8.splat(<i16>(d - r)));
        const step = i16x8.sub(
          v128.and(lanes, i16x8.splat(<i16>r)),
          v128.and(high, sides16),
        );
        const vertex = findOrAdd(i16x8.add(key, step));
        if (vertex < 0) return -1;
        store<i32>(offsets + out + (<usize>r << 2), vertex);
        store<f32>(weights + out + (<usize>r << 2), load<f32>(bary + (<usize>r << 2)));
      }
    }
  }
  return <i32>count;
}

/** Hands one lane of coordinate `i` to its point: barycentric weight, coordinate and rank. */
// @ts-ignore: decorator
@inline
function spread(
  p: u8,
  i: i32,
  d: i32,
  weight: v128,
  rank: v128,
  near: v128,
): void {
  const r = p == 0
    ? i32x4.extract_lane(rank, 0)
    : p == 1
    ? i32x4.extract_lane(rank, 1)
    : p == 2
    ? i32x4.extract_lane(rank, 2)
    : i32x4.extract_lane(rank, 3);
  const n = p == 0
    ? i32x4.extract_lane(near, 0)
    : p == 1
    ? i32x4.extract_lane(near, 1)
    : p == 2
    ? i32x4.extract_lane(near, 2)
    : i32x4.extract_lane(near, 3);
  const w = p == 0
    ? f32x4.extract_lane(weight, 0)
    : p == 1
    ? f32x4.extract_lane(weight, 1)
    : p == 2
    ? f32x4.extract_lane(weight, 2)
    : f32x4.extract_lane(weight, 3);
  const bary = barycentric + <usize>p * 48 + (<usize>(d - r) << 2);
  store<f32>(bary, load<f32>(bary) + w);
  store<f32>(bary + 4, load<f32>(bary + 4) - w);
  store<i16>(corner + (<usize>p << 4) + (<usize>i << 1), <i16>n);
  store<i16>(order + (<usize>p << 4) + (<usize>i << 1), <i16>r);
}

/**
 * Neighbours of the vertices found by the last `place`: for axis j and vertex v, the vertices one
 * step against and along the axis at `neighbours[2·(j·vertices + v)]` and the place after it; a
 * missing one is `vertices`. Must follow `place` in the same memory.
 */
export function connect(neighbours: usize, d: i32): void {
  const vertices = count;
  const end = neighbours + ((<usize>vertices * <usize>(d + 1)) << 3);
  for (let at = neighbours; at < end; at += 4) store<u32>(at, vertices);
  for (let i = 0; i < 8; i++) store<i16>(corner + (i << 1), i < d ? 1 : 0);
  const lanes = v128.load(corner);
  for (let j = 0; j <= d; j++) {
    v128.store(corner, lanes);
    if (j < d) store<i16>(corner + (j << 1), <i16>(-d));
    const step = v128.load(corner);
    const axis = neighbours + ((<usize>j * <usize>vertices) << 3);
    for (let v: u32 = 0; v < vertices; v++) {
      const other = find(i16x8.sub(v128.load(keys + (<usize>v << 4)), step));
      if (other < 0) continue;
      store<u32>(axis + (<usize>v << 3), <u32>other);
      store<u32>(axis + (<usize>other << 3) + 4, v);
    }
  }
}
