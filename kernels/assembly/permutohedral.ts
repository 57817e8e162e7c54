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

/** Scratch for one block of four points: eight vectors each. */
const difference = memory.data(16 * 8, 16);
const elevated = memory.data(16 * 8, 16);
const nearest = memory.data(16 * 8, 16);
const ranks = memory.data(16 * 8, 16);
/** Scratch for one point: its differences by rank, with a zero at both ends, and the ranks' axes. */
const sorted = memory.data(4 * 12, 16);
const axes = memory.data(4 * 8, 16);
/** Steps along the axes as 16-bit lanes. */
const steps = memory.data(16 * 8, 16);

/** The table: indices of vertices plus 1, 0 where free. */
let table: usize = 0;
let tableMask: u32 = 0;
/**
 * Vertices, `stride` bytes each, how many there are and may be. A vertex is its key (16 bytes) and,
 * for each axis, the indices plus 1 of its neighbours against and along it, 0 where not known: for
 * five dimensions one line of the cache.
 */
let records: usize = 0;
let stride: usize = 0;
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

// @ts-ignore: decorator
@inline
function recordOf(vertex: u32): usize {
  return records + <usize>vertex * stride;
}

/** Index of a vertex, or -1. */
// @ts-ignore: decorator
@inline
function find(key: v128): i32 {
  let slot = slotOf(key);
  while (true) {
    const entry = load<u32>(table + (<usize>slot << 2));
    if (entry == 0) return -1;
    if (!v128.any_true(v128.xor(v128.load(recordOf(entry - 1)), key))) return <i32>(entry - 1);
    slot = (slot + 1) & tableMask;
  }
}

/** Index of a vertex, which is added where it is new; -1 when there is no room. */
function findOrAdd(key: v128): i32 {
  let slot = slotOf(key);
  while (true) {
    const at = table + (<usize>slot << 2);
    const entry = load<u32>(at);
    if (entry == 0) break;
    if (!v128.any_true(v128.xor(v128.load(recordOf(entry - 1)), key))) return <i32>(entry - 1);
    slot = (slot + 1) & tableMask;
  }
  if (count == capacity) return -1;
  const record = recordOf(count);
  v128.store(record, key);
  for (let i: usize = 16; i < stride; i += 16) v128.store(record + i, i32x4.splat(0));
  count++;
  store<u32>(table + (<usize>slot << 2), count);
  return <i32>(count - 1);
}

/** Makes `second` the neighbour of `first` along an axis, and the reverse. */
// @ts-ignore: decorator
@inline
function link(first: u32, second: u32, axis: u32): void {
  const at = 16 + (<usize>axis << 3);
  store<u32>(recordOf(first) + at, second + 1, 4);
  store<u32>(recordOf(second) + at, first + 1);
}

/**
 * Places `blocks`·4 points. `features` is d planes of `blocks`·4 values. `tableAt` is zeroed room for
 * `slots` (a power of two, more than `room`) 32-bit entries, `recordsAt` room for `room` vertices of
 * `recordBytes`, a multiple of 16 and at least 16 + 8·(d + 1).
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
  recordsAt: usize,
  recordBytes: u32,
  room: u32,
  offsets: usize,
  weights: usize,
): i32 {
  table = tableAt;
  tableMask = slots - 1;
  records = recordsAt;
  stride = recordBytes;
  count = 0;
  capacity = room;
  const plane = <usize>blocks << 4;
  const inverse = f32x4.splat(<f32>1 / <f32>(d + 1));
  const sides = f32x4.splat(<f32>(d + 1));
  const one = f32x4.splat(1);
  const zero = f32x4.splat(0);
  // 16-bit lanes: ones in the first d, zeros in the others.
  const lanes = i16x8.gt_s(i16x8.splat(<i16>d), i16x8(0, 1, 2, 3, 4, 5, 6, 7));
  const sides16 = v128.and(lanes, i16x8.splat(<i16>(d + 1)));
  const last = <usize>d << 2;
  // What is sorted beyond rank d stays zero; so do coordinates beyond d.
  for (let i: usize = 0; i < 48; i += 16) v128.store(sorted + i, zero);
  for (let i: usize = 0; i < 128; i += 16) {
    v128.store(nearest + i, zero);
    v128.store(ranks + i, zero);
  }

  // Points next to each other often share their first vertex.
  let lastKey = i16x8.splat(-1);
  let lastVertex = 0;
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
      v128.store(nearest + at, near);
      v128.store(difference + at, f32x4.sub(v128.load(elevated + at), near));
      v128.store(ranks + at, zero);
      excess = f32x4.add(excess, multiple);
    }
    // Ranks of the differences, the largest first.
    for (let i = 0; i < d; i++) {
      const atI = <usize>i << 4;
      const own = v128.load(difference + atI);
      let rank = v128.load(ranks + atI);
      for (let j = i + 1; j <= d; j++) {
        const atJ = <usize>j << 4;
        const less = v128.and(one, f32x4.lt(own, v128.load(difference + atJ)));
        rank = f32x4.add(rank, less);
        v128.store(ranks + atJ, f32x4.add(v128.load(ranks + atJ), f32x4.sub(one, less)));
      }
      v128.store(ranks + atI, rank);
    }
    for (let i = 0; i <= d; i++) {
      const at = <usize>i << 4;
      // Where the multiples do not sum to zero, the outermost ranks are moved by one side.
      let rank = f32x4.add(v128.load(ranks + at), excess);
      const shift = f32x4.sub(
        v128.and(sides, f32x4.lt(rank, zero)),
        v128.and(sides, f32x4.ge(rank, sides)),
      );
      rank = f32x4.add(rank, shift);
      const near = f32x4.add(v128.load(nearest + at), shift);
      const weight = f32x4.mul(f32x4.sub(v128.load(elevated + at), near), inverse);
      v128.store(difference + at, weight);
      v128.store(ranks + at, i32x4.trunc_sat_f32x4_s(rank));
      v128.store(nearest + at, i32x4.trunc_sat_f32x4_s(near));
    }
    for (let p: usize = 0; p < 4; p++) {
      for (let i = 0; i <= d; i++) {
        const at = (<usize>i << 4) + (p << 2);
        const rank = <usize>load<u32>(ranks + at) << 2;
        store<f32>(sorted + 4 + rank, load<f32>(difference + at));
        store<i32>(axes + rank, i);
      }
      const point = (<usize>block << 2) + p;
      const out = (point * <usize>(d + 1)) << 2;
      const key = v128.and(column(nearest + (p << 2)), lanes);
      const rank = column(ranks + (p << 2));
      if (v128.any_true(v128.xor(key, lastKey))) {
        lastVertex = findOrAdd(key);
        lastKey = key;
        if (lastVertex < 0) return -1;
      }
      // Each further vertex is one step along the axis of the next lower rank, which as a rule has
      // been taken before.
      let vertex = lastVertex;
      for (let r = 0; r <= d; r++) {
        const at = last - (<usize>r << 2);
        const upper = r == 0 ? <f32>1 - load<f32>(sorted + 4) : -load<f32>(sorted + at + 8);
        store<i32>(offsets + out + (<usize>r << 2), vertex);
        store<f32>(weights + out + (<usize>r << 2), load<f32>(sorted + at + 4) + upper);
        const axis = load<u32>(axes + at);
        const known = load<u32>(recordOf(vertex) + 16 + (<usize>axis << 3), 4);
        if (known != 0) {
          vertex = known - 1;
          continue;
        }
        let next = lastVertex;
        if (r < d) {
          const high = i16x8.gt_s(rank, i16x8.splat(<i16>(d - r - 1)));
          const step = i16x8.sub(
            v128.and(lanes, i16x8.splat(<i16>(r + 1))),
            v128.and(high, sides16),
          );
          next = findOrAdd(i16x8.add(key, step));
          if (next < 0) return -1;
        }
        link(vertex, next, axis);
        vertex = next;
      }
    }
  }
  return <i32>count;
}

/** One lane of eight vectors of 32-bit integers, as 16-bit lanes. */
// @ts-ignore: decorator
@inline
function column(at: usize): v128 {
  let low = v128.load32_zero(at);
  low = v128.load32_lane(at + 16, low, 1);
  low = v128.load32_lane(at + 32, low, 2);
  low = v128.load32_lane(at + 48, low, 3);
  let high = v128.load32_zero(at + 64);
  high = v128.load32_lane(at + 80, high, 1);
  high = v128.load32_lane(at + 96, high, 2);
  high = v128.load32_lane(at + 112, high, 3);
  return i16x8.narrow_i32x4_s(low, high);
}

/**
 * Neighbours of the vertices found by the last `place`: for axis j and vertex v, the vertices one
 * step against and along the axis at `neighbours[2·(j·vertices + v)]` and the place after it; a
 * missing one is `vertices`. Must follow `place` in the same memory.
 */
export function connect(neighbours: usize, d: i32): void {
  const vertices = count;
  const ones = v128.and(
    i16x8.gt_s(i16x8.splat(<i16>d), i16x8(0, 1, 2, 3, 4, 5, 6, 7)),
    i16x8.splat(1),
  );
  for (let j = 0; j <= d; j++) {
    const at = steps + (<usize>j << 4);
    v128.store(at, ones);
    if (j < d) store<i16>(at + (<usize>j << 1), <i16>(-d));
  }
  for (let v: u32 = 0; v < vertices; v++) {
    const record = recordOf(v);
    const key = v128.load(record);
    for (let j = 0; j <= d; j++) {
      if (load<u32>(record + 16 + (<usize>j << 3)) != 0) continue;
      const other = find(i16x8.sub(key, v128.load(steps + (<usize>j << 4))));
      if (other >= 0) link(<u32>other, v, j);
    }
  }
  const plane = <usize>vertices << 3;
  for (let v: u32 = 0; v < vertices; v++) {
    const record = recordOf(v) + 16;
    let out = neighbours + (<usize>v << 3);
    for (let j = 0; j <= d; j++) {
      const at = record + (<usize>j << 3);
      // The index plus 1, or 0, minus 1 as an unsigned number is the index or too large.
      store<u32>(out, min<u32>(load<u32>(at) - 1, vertices));
      store<u32>(out, min<u32>(load<u32>(at, 4) - 1, vertices), 4);
      out += plane;
    }
  }
}
