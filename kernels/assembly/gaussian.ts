/** A symmetric filter along the columns and the rows of a float64 plane, eight pixels at a time. */

/** First byte the caller may use. */
export function base(): usize {
  return __heap_base;
}

/**
 * One row of the result of filtering along the columns.
 *
 * @param rows Addresses (32 bits) of 2·radius + 1 source rows, from the farthest above to the
 *   farthest below; rows are readable up to a multiple of 8 pixels.
 * @param target Receives the row, likewise writable.
 * @param taps radius + 1 float64, the centre's first.
 */
export function filterColumns(
  rows: usize,
  target: usize,
  taps: usize,
  radius: i32,
  width: i32,
): void {
  const middle = rows + (<usize>radius << 2);
  for (let x: usize = 0; x < <usize>width << 3; x += 64) {
    const own = <usize>load<u32>(middle) + x;
    let tap = v128.load64_splat(taps);
    let s0 = f64x2.mul(v128.load(own), tap);
    let s1 = f64x2.mul(v128.load(own, 16), tap);
    let s2 = f64x2.mul(v128.load(own, 32), tap);
    let s3 = f64x2.mul(v128.load(own, 48), tap);
    for (let j = radius; j > 0; j--) {
      const above = <usize>load<u32>(middle - (<usize>j << 2)) + x;
      const below = <usize>load<u32>(middle + (<usize>j << 2)) + x;
      tap = v128.load64_splat(taps + (<usize>j << 3));
      s0 = addPair(s0, v128.load(above), v128.load(below), tap);
      s1 = addPair(s1, v128.load(above, 16), v128.load(below, 16), tap);
      s2 = addPair(s2, v128.load(above, 32), v128.load(below, 32), tap);
      s3 = addPair(s3, v128.load(above, 48), v128.load(below, 48), tap);
    }
    v128.store(target + x, s0);
    v128.store(target + x, s1, 16);
    v128.store(target + x, s2, 32);
    v128.store(target + x, s3, 48);
  }
}

/**
 * Filters one row. `line` holds it with `radius` more pixels on both sides and is readable 8 pixels
 * beyond; `target` is writable up to a multiple of 8 pixels.
 */
export function filterRow(
  line: usize,
  target: usize,
  taps: usize,
  radius: i32,
  width: i32,
): void {
  const first = line + (<usize>radius << 3);
  for (let x: usize = 0; x < <usize>width << 3; x += 64) {
    const own = first + x;
    let tap = v128.load64_splat(taps);
    let s0 = f64x2.mul(v128.load(own), tap);
    let s1 = f64x2.mul(v128.load(own, 16), tap);
    let s2 = f64x2.mul(v128.load(own, 32), tap);
    let s3 = f64x2.mul(v128.load(own, 48), tap);
    for (let j = radius; j > 0; j--) {
      const left = own - (<usize>j << 3);
      const right = own + (<usize>j << 3);
      tap = v128.load64_splat(taps + (<usize>j << 3));
      s0 = addPair(s0, v128.load(left), v128.load(right), tap);
      s1 = addPair(s1, v128.load(left, 16), v128.load(right, 16), tap);
      s2 = addPair(s2, v128.load(left, 32), v128.load(right, 32), tap);
      s3 = addPair(s3, v128.load(left, 48), v128.load(right, 48), tap);
    }
    v128.store(target + x, s0);
    v128.store(target + x, s1, 16);
    v128.store(target + x, s2, 32);
    v128.store(target + x, s3, 48);
  }
}

// @ts-ignore: decorator
@inline
function addPair(sum: v128, one: v128, other: v128, tap: v128): v128 {
  return f64x2.add(sum, f64x2.mul(f64x2.add(one, other), tap));
}
