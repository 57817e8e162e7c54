/**
 * Mean-field inference over permutohedral lattices.
 *
 * A lattice is a record of eight 32-bit fields: offsets, weights, neighbours (as `permutohedral.ts`
 * writes them), number of vertices, vertices a point, factor (float), values, spare. The last two are
 * room for `vertices + 1` values; the value after the last vertex stays zero, and missing neighbours
 * point there.
 *
 * Filtering a lattice is linear and its effect on a plane of ones is known, so of L labels only
 * L - 1 are filtered, and everything is relative to the last one. A value of the lattice is one
 * float for two labels, else 4 floats for every 4 labels begun.
 */

const OFFSETS: usize = 0;
const WEIGHTS: usize = 4;
const NEIGHBOURS: usize = 8;
const VERTICES: usize = 12;
const CORNERS: usize = 16;
const FACTOR: usize = 20;
const VALUES: usize = 24;
const SPARE: usize = 28;
const RECORD: usize = 32;

/** Sums of one point's labels in `many`: 256 labels at most. */
const scratch = memory.data(4 * 256, 16);

/** First byte the caller may use. */
export function base(): usize {
  return __heap_base;
}

/**
 * e^x up to e^60, and 0 below e^-60: products with weights would else come to be denormal numbers,
 * which are slower by two orders.
 */
// @ts-ignore: decorator
@inline
function exp4(x: v128): v128 {
  // 2^n · e^r with |r| ≤ ln(2) / 2; a polynomial for e^r (relative error below 2e-7).
  const clamped = f32x4.min(f32x4.max(x, f32x4.splat(-60)), f32x4.splat(60));
  const n = f32x4.nearest(f32x4.mul(clamped, f32x4.splat(1.44269504)));
  const high = f32x4.sub(clamped, f32x4.mul(n, f32x4.splat(0.693359375)));
  const r = f32x4.sub(high, f32x4.mul(n, f32x4.splat(-2.12194440e-4)));
  let sum = f32x4.splat(1.9875691500e-4);
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1.3981999507e-3));
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(8.3334519073e-3));
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(4.1665795894e-2));
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1.6666665459e-1));
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(5.0000001201e-1));
  const value = f32x4.add(f32x4.add(f32x4.mul(sum, f32x4.mul(r, r)), r), f32x4.splat(1));
  const result = i32x4.add(value, i32x4.shl(i32x4.trunc_sat_f32x4_s(n), 23));
  return v128.and(result, f32x4.gt(x, f32x4.splat(-60)));
}

// @ts-ignore: decorator
@inline
function highest(v: v128): f32 {
  return max<f32>(
    max<f32>(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
    max<f32>(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
  );
}

// @ts-ignore: decorator
@inline
function total(v: v128): f32 {
  return (f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1)) +
    (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

/** Weight times value of one vertex of a point. */
// @ts-ignore: decorator
@inline
function term(values: usize, offset: usize, weight: usize): f32 {
  return load<f32>(weight) * load<f32>(values + (<usize>load<u32>(offset) << 2));
}

/** The value at a point. The loops of two and five dimensions, which photographs need, are unrolled. */
// @ts-ignore: decorator
@inline
function slice(values: usize, offset: usize, weight: usize, corners: i32): f32 {
  let sum = term(values, offset, weight) + term(values, offset + 4, weight + 4);
  if (corners == 3) return sum + term(values, offset + 8, weight + 8);
  if (corners == 6) {
    return sum + term(values, offset + 8, weight + 8) + term(values, offset + 12, weight + 12) +
      term(values, offset + 16, weight + 16) + term(values, offset + 20, weight + 20);
  }
  for (let c: usize = 8; c < <usize>corners << 2; c += 4) {
    sum += term(values, offset + c, weight + c);
  }
  return sum;
}

// @ts-ignore: decorator
@inline
function add(values: usize, offset: usize, weight: usize, value: f32): void {
  const vertex = values + (<usize>load<u32>(offset) << 2);
  store<f32>(vertex, load<f32>(vertex) + load<f32>(weight) * value);
}

/** Adds a point's value to its vertices. */
// @ts-ignore: decorator
@inline
function splat(values: usize, offset: usize, weight: usize, corners: i32, value: f32): void {
  add(values, offset, weight, value);
  add(values, offset + 4, weight + 4, value);
  if (corners == 3) {
    add(values, offset + 8, weight + 8, value);
    return;
  }
  if (corners == 6) {
    add(values, offset + 8, weight + 8, value);
    add(values, offset + 12, weight + 12, value);
    add(values, offset + 16, weight + 16, value);
    add(values, offset + 20, weight + 20, value);
    return;
  }
  for (let c: usize = 8; c < <usize>corners << 2; c += 4) {
    add(values, offset + c, weight + c, value);
  }
}

/** Blurs by [½ 1 ½] along every axis, values of one float. */
function blurFloats(lattice: usize): void {
  const vertices = load<u32>(lattice, VERTICES);
  const axes = load<u32>(lattice, CORNERS);
  let neighbours = <usize>load<u32>(lattice, NEIGHBOURS);
  let from = <usize>load<u32>(lattice, VALUES);
  let to = <usize>load<u32>(lattice, SPARE);
  for (let axis: u32 = 0; axis < axes; axis++) {
    for (let v: usize = 0; v < vertices; v++) {
      const before = load<f32>(from + (<usize>load<u32>(neighbours) << 2));
      const after = load<f32>(from + (<usize>load<u32>(neighbours, 4) << 2));
      store<f32>(to + (v << 2), load<f32>(from + (v << 2)) + <f32>0.5 * (before + after));
      neighbours += 8;
    }
    store<f32>(to + (<usize>vertices << 2), 0);
    const other = from;
    from = to;
    to = other;
  }
  store<u32>(lattice, <u32>from, VALUES);
  store<u32>(lattice, <u32>to, SPARE);
}

/** The same for values of `vectors`·4 floats. */
function blurVectors(lattice: usize, vectors: usize): void {
  const vertices = load<u32>(lattice, VERTICES);
  const axes = load<u32>(lattice, CORNERS);
  let neighbours = <usize>load<u32>(lattice, NEIGHBOURS);
  let from = <usize>load<u32>(lattice, VALUES);
  let to = <usize>load<u32>(lattice, SPARE);
  const bytes = vectors << 4;
  const half = f32x4.splat(0.5);
  for (let axis: u32 = 0; axis < axes; axis++) {
    let own = from;
    let out = to;
    const end = from + <usize>vertices * bytes;
    while (own < end) {
      const before = from + <usize>load<u32>(neighbours) * bytes;
      const after = from + <usize>load<u32>(neighbours, 4) * bytes;
      for (let k: usize = 0; k < bytes; k += 16) {
        const around = f32x4.add(v128.load(before + k), v128.load(after + k));
        v128.store(out + k, f32x4.add(v128.load(own + k), f32x4.mul(half, around)));
      }
      neighbours += 8;
      own += bytes;
      out += bytes;
    }
    memory.fill(out, 0, bytes);
    const other = from;
    from = to;
    to = other;
  }
  store<u32>(lattice, <u32>from, VALUES);
  store<u32>(lattice, <u32>to, SPARE);
}

/** Makes the spare room of every lattice zero and ready to be splatted to. */
function clear(lattices: usize, kernels: i32, bytes: usize): void {
  for (let k = 0; k < kernels; k++) {
    const lattice = lattices + <usize>k * RECORD;
    const vertices = <usize>load<u32>(lattice, VERTICES);
    memory.fill(<usize>load<u32>(lattice, SPARE), 0, (vertices + 1) * bytes);
  }
}

/** Swaps values and spare, so that what was splatted is blurred. */
// @ts-ignore: decorator
@inline
function swap(lattice: usize): void {
  const values = load<u32>(lattice, VALUES);
  store<u32>(lattice, load<u32>(lattice, SPARE), VALUES);
  store<u32>(lattice, values, SPARE);
}

/**
 * Normalises one lattice of `points` points: weights are multiplied by n = 1/√(K·1 + 1e-20), and
 * `ones` receives n·K·n·1, the filtered plane of ones, both with the lattice's factor in K.
 */
export function normalize(lattice: usize, points: i32, ones: usize): void {
  const corners = <i32>load<u32>(lattice, CORNERS);
  const factor = load<f32>(lattice, FACTOR);
  for (let round = 0; round < 2; round++) {
    clear(lattice, 1, 4);
    const spare = <usize>load<u32>(lattice, SPARE);
    let offset = <usize>load<u32>(lattice, OFFSETS);
    let weight = <usize>load<u32>(lattice, WEIGHTS);
    const count = points * corners;
    for (let i = 0; i < count; i++) {
      const at = spare + (<usize>load<u32>(offset) << 2);
      store<f32>(at, load<f32>(at) + load<f32>(weight));
      offset += 4;
      weight += 4;
    }
    swap(lattice);
    blurFloats(lattice);
    const values = <usize>load<u32>(lattice, VALUES);
    offset = <usize>load<u32>(lattice, OFFSETS);
    weight = <usize>load<u32>(lattice, WEIGHTS);
    for (let p = 0; p < points; p++) {
      let sum: f32 = 0;
      for (let c = 0; c < corners; c++) {
        const at = <usize>c << 2;
        sum += load<f32>(weight + at) * load<f32>(values + (<usize>load<u32>(offset + at) << 2));
      }
      const filtered = sum * factor;
      if (round == 0) {
        const norm = <f32>1 / <f32>Math.sqrt(<f64>filtered + 1e-20);
        for (let c = 0; c < corners; c++) {
          const at = weight + (<usize>c << 2);
          store<f32>(at, load<f32>(at) * norm);
        }
      } else {
        store<f32>(ones + (<usize>p << 2), filtered);
      }
      offset += <usize>corners << 2;
      weight += <usize>corners << 2;
    }
  }
}

/**
 * Update number `step`, from 0 on, for two labels; the last of all writes the result instead of getting
 * ready for the next. `relative` is a float a point, the energy of label 1 less that of
 * label 0; `constant` the sum of factor·ones over the kernels. `out` receives two planes.
 */
export function inferTwo(
  lattices: usize,
  kernels: i32,
  points: i32,
  relative: usize,
  constant: usize,
  step: i32,
  last: bool,
  out: usize,
): void {
  if (!last) clear(lattices, kernels, 4);
  // Four points a round; the caller pads the arrays of points.
  for (let p = 0; p < points; p += 4) {
    const many = min<i32>(4, points - p);
    const at = <usize>p << 2;
    let logits = v128.load(relative + at);
    if (step > 0) {
      v128.store(scratch, f32x4.splat(0));
      for (let k = 0; k < kernels; k++) {
        const lattice = lattices + <usize>k * RECORD;
        const corners = <i32>load<u32>(lattice, CORNERS);
        const values = <usize>load<u32>(lattice, VALUES);
        const factor = load<f32>(lattice, FACTOR);
        let offset = <usize>load<u32>(lattice, OFFSETS) + ((<usize>p * <usize>corners) << 2);
        let weight = <usize>load<u32>(lattice, WEIGHTS) + ((<usize>p * <usize>corners) << 2);
        for (let i = 0; i < many; i++) {
          const to = scratch + (<usize>i << 2);
          store<f32>(to, load<f32>(to) + slice(values, offset, weight, corners) * factor);
          offset += <usize>corners << 2;
          weight += <usize>corners << 2;
        }
      }
      const sums = v128.load(scratch);
      logits = f32x4.add(
        f32x4.sub(logits, v128.load(constant + at)),
        f32x4.add(sums, sums),
      );
    }
    const odds = exp4(f32x4.neg(logits));
    const one = f32x4.splat(1);
    const first = f32x4.div(one, f32x4.add(one, odds));
    if (last) {
      const second = out + (<usize>points << 2) + at;
      const rest = f32x4.mul(odds, first);
      if (many == 4) {
        v128.store(out + at, first);
        v128.store(second, rest);
      } else {
        v128.store(scratch, first);
        memory.copy(out + at, scratch, many << 2);
        v128.store(scratch, rest);
        memory.copy(second, scratch, many << 2);
      }
      continue;
    }
    v128.store(scratch, first);
    for (let k = 0; k < kernels; k++) {
      const lattice = lattices + <usize>k * RECORD;
      const corners = <i32>load<u32>(lattice, CORNERS);
      const spare = <usize>load<u32>(lattice, SPARE);
      let offset = <usize>load<u32>(lattice, OFFSETS) + ((<usize>p * <usize>corners) << 2);
      let weight = <usize>load<u32>(lattice, WEIGHTS) + ((<usize>p * <usize>corners) << 2);
      for (let i = 0; i < many; i++) {
        splat(spare, offset, weight, corners, load<f32>(scratch + (<usize>i << 2)));
        offset += <usize>corners << 2;
        weight += <usize>corners << 2;
      }
    }
  }
  if (last) return;
  for (let k = 0; k < kernels; k++) {
    swap(lattices + <usize>k * RECORD);
    blurFloats(lattices + <usize>k * RECORD);
  }
}

/**
 * `inferTwo` for up to 1 + `vectors`·4 labels. `relative` is `vectors`·4 floats a point: energy
 * of the last label less that of each other, and -1e30 in the places of no label. `out` receives
 * `labels` planes.
 */
export function inferMany(
  lattices: usize,
  kernels: i32,
  points: i32,
  relative: usize,
  constant: usize,
  labels: i32,
  vectors: i32,
  step: i32,
  last: bool,
  out: usize,
): void {
  if (vectors == 1) {
    inferFour(lattices, kernels, points, relative, constant, labels, step, last, out);
    return;
  }
  const bytes = <usize>vectors << 4;
  const plane = <usize>points << 2;
  if (!last) clear(lattices, kernels, bytes);
  for (let p = 0; p < points; p++) {
    const own = relative + <usize>p * bytes;
    for (let b: usize = 0; b < bytes; b += 16) v128.store(scratch + b, f32x4.splat(0));
    let shift: f32 = 0;
    if (step > 0) {
      for (let k = 0; k < kernels; k++) {
        const lattice = lattices + <usize>k * RECORD;
        const corners = <i32>load<u32>(lattice, CORNERS);
        const values = <usize>load<u32>(lattice, VALUES);
        const factor = load<f32>(lattice, FACTOR);
        const first = (<usize>p * <usize>corners) << 2;
        let offset = <usize>load<u32>(lattice, OFFSETS) + first;
        let weight = <usize>load<u32>(lattice, WEIGHTS) + first;
        for (let c = 0; c < corners; c++) {
          const w = f32x4.splat(load<f32>(weight) * factor);
          const value = values + <usize>load<u32>(offset) * bytes;
          for (let b: usize = 0; b < bytes; b += 16) {
            v128.store(
              scratch + b,
              f32x4.add(v128.load(scratch + b), f32x4.mul(w, v128.load(value + b))),
            );
          }
          offset += 4;
          weight += 4;
        }
      }
      let sums = f32x4.splat(0);
      for (let b: usize = 0; b < bytes; b += 16) sums = f32x4.add(sums, v128.load(scratch + b));
      shift = total(sums) - load<f32>(constant + (<usize>p << 2));
    }
    let most = f32x4.splat(0);
    for (let b: usize = 0; b < bytes; b += 16) {
      const logit = f32x4.add(
        f32x4.add(v128.load(scratch + b), f32x4.splat(shift)),
        v128.load(own + b),
      );
      v128.store(scratch + b, logit);
      most = f32x4.max(most, logit);
    }
    const maximum = highest(most);
    let sums = f32x4.splat(0);
    for (let b: usize = 0; b < bytes; b += 16) {
      const e = exp4(f32x4.sub(v128.load(scratch + b), f32x4.splat(maximum)));
      v128.store(scratch + b, e);
      sums = f32x4.add(sums, e);
    }
    const rest = f32x4.extract_lane(exp4(f32x4.splat(-maximum)), 0);
    const scale = <f32>1 / (total(sums) + rest);
    if (last) {
      const to = out + (<usize>p << 2);
      for (let l = 0; l < labels - 1; l++) {
        store<f32>(to + <usize>l * plane, load<f32>(scratch + (<usize>l << 2)) * scale);
      }
      store<f32>(to + <usize>(labels - 1) * plane, rest * scale);
      continue;
    }
    for (let k = 0; k < kernels; k++) {
      const lattice = lattices + <usize>k * RECORD;
      const corners = <i32>load<u32>(lattice, CORNERS);
      const spare = <usize>load<u32>(lattice, SPARE);
      const first = (<usize>p * <usize>corners) << 2;
      let offset = <usize>load<u32>(lattice, OFFSETS) + first;
      let weight = <usize>load<u32>(lattice, WEIGHTS) + first;
      for (let c = 0; c < corners; c++) {
        const w = f32x4.splat(load<f32>(weight) * scale);
        const value = spare + <usize>load<u32>(offset) * bytes;
        for (let b: usize = 0; b < bytes; b += 16) {
          v128.store(
            value + b,
            f32x4.add(v128.load(value + b), f32x4.mul(w, v128.load(scratch + b))),
          );
        }
        offset += 4;
        weight += 4;
      }
    }
  }
  if (last) return;
  for (let k = 0; k < kernels; k++) {
    swap(lattices + <usize>k * RECORD);
    blurVectors(lattices + <usize>k * RECORD, vectors);
  }
}

/** `inferMany` for three to five labels, everything of a point in one register. */
function inferFour(
  lattices: usize,
  kernels: i32,
  points: i32,
  relative: usize,
  constant: usize,
  labels: i32,
  step: i32,
  last: bool,
  out: usize,
): void {
  const plane = <usize>points << 2;
  if (!last) clear(lattices, kernels, 16);
  for (let p = 0; p < points; p++) {
    let logits = v128.load(relative + (<usize>p << 4));
    if (step > 0) {
      let messages = f32x4.splat(0);
      for (let k = 0; k < kernels; k++) {
        const lattice = lattices + <usize>k * RECORD;
        const corners = <i32>load<u32>(lattice, CORNERS);
        const values = <usize>load<u32>(lattice, VALUES);
        const first = (<usize>p * <usize>corners) << 2;
        let offset = <usize>load<u32>(lattice, OFFSETS) + first;
        let weight = <usize>load<u32>(lattice, WEIGHTS) + first;
        let sum = f32x4.splat(0);
        for (let c = 0; c < corners; c++) {
          const value = v128.load(values + (<usize>load<u32>(offset) << 4));
          sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(weight), value));
          offset += 4;
          weight += 4;
        }
        const factor = f32x4.splat(load<f32>(lattice, FACTOR));
        messages = f32x4.add(messages, f32x4.mul(sum, factor));
      }
      const shift = total(messages) - load<f32>(constant + (<usize>p << 2));
      logits = f32x4.add(logits, f32x4.add(messages, f32x4.splat(shift)));
    }
    const maximum = max<f32>(0, highest(logits));
    const e = exp4(f32x4.sub(logits, f32x4.splat(maximum)));
    const rest = f32x4.extract_lane(exp4(f32x4.splat(-maximum)), 0);
    const q = f32x4.mul(e, f32x4.splat(<f32>1 / (total(e) + rest)));
    if (last) {
      v128.store(scratch, q);
      const to = out + (<usize>p << 2);
      for (let l = 0; l < labels - 1; l++) {
        store<f32>(to + <usize>l * plane, load<f32>(scratch + (<usize>l << 2)));
      }
      store<f32>(to + <usize>(labels - 1) * plane, rest / (total(e) + rest));
      continue;
    }
    for (let k = 0; k < kernels; k++) {
      const lattice = lattices + <usize>k * RECORD;
      const corners = <i32>load<u32>(lattice, CORNERS);
      const spare = <usize>load<u32>(lattice, SPARE);
      const first = (<usize>p * <usize>corners) << 2;
      let offset = <usize>load<u32>(lattice, OFFSETS) + first;
      let weight = <usize>load<u32>(lattice, WEIGHTS) + first;
      for (let c = 0; c < corners; c++) {
        const value = spare + (<usize>load<u32>(offset) << 4);
        v128.store(
          value,
          f32x4.add(v128.load(value), f32x4.mul(v128.load32_splat(weight), q)),
        );
        offset += 4;
        weight += 4;
      }
    }
  }
  if (last) return;
  for (let k = 0; k < kernels; k++) {
    swap(lattices + <usize>k * RECORD);
    blurVectors(lattices + <usize>k * RECORD, 1);
  }
}
