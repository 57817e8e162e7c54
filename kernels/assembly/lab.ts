/** sRGB bytes to CIE L*a*b*, two pixels at a time; see `../rgb_to_lab.ts` for the definition. */

/** CIE XYZ of the D65 white seen by the 2° observer, Y = 1. */
const WHITE_X: f64 = 0.95047;
const WHITE_Z: f64 = 1.08883;

/** Below this ratio to white the response is a straight line. */
const CURVE_START: f64 = 0.008856;

/** 2^52: adding it leaves a small number's nearest integer in the low bits. */
const ROUNDER: f64 = 4503599627370496.0;

/** Adding and subtracting it leaves multiples of 2^-17. */
const SPLIT: f64 = 1.5 * 34359738368.0;

/** First byte the caller may use. */
export function base(): usize {
  return __heap_base;
}

/**
 * Converts `count` pixels, an even number; results go to the planes `l`, `a` and `b` of float64.
 *
 * @param rgb Bytes, three a pixel.
 * @param linear Linear light of every byte value, 256 float64.
 * @param roots For i = 0..steps + 1, t^(-1/3) at t = i / steps and its slope per step, float64
 *   each; constant below the curve's start.
 */
export function convert(
  rgb: usize,
  l: usize,
  a: usize,
  b: usize,
  linear: usize,
  roots: usize,
  steps: f64,
  count: i32,
): void {
  for (let p = 0; p < count; p += 2) {
    const pixel = rgb + <usize>(3 * p);
    const red = pair(linear, load<u8>(pixel), load<u8>(pixel, 3));
    const green = pair(linear, load<u8>(pixel, 1), load<u8>(pixel, 4));
    const blue = pair(linear, load<u8>(pixel, 2), load<u8>(pixel, 5));
    const x = response(
      f64x2.div(mix(red, 0.412453, green, 0.357580, blue, 0.180423), f64x2.splat(WHITE_X)),
      roots,
      steps,
    );
    const y = response(mix(red, 0.212671, green, 0.715160, blue, 0.072169), roots, steps);
    const z = response(
      f64x2.div(mix(red, 0.019334, green, 0.119193, blue, 0.950227), f64x2.splat(WHITE_Z)),
      roots,
      steps,
    );
    const at = <usize>p << 3;
    v128.store(l + at, f64x2.sub(f64x2.mul(f64x2.splat(116), y), f64x2.splat(16)));
    v128.store(a + at, f64x2.mul(f64x2.splat(500), f64x2.sub(x, y)));
    v128.store(b + at, f64x2.mul(f64x2.splat(200), f64x2.sub(y, z)));
  }
}

/** Two entries of a table of float64. */
// @ts-ignore: decorator
@inline
function pair(table: usize, first: u8, second: u8): v128 {
  return v128.load64_lane(
    table + (<usize>second << 3),
    v128.load64_zero(table + (<usize>first << 3)),
    1,
  );
}

// @ts-ignore: decorator
@inline
function mix(r: v128, ofR: f64, g: v128, ofG: f64, b: v128, ofB: f64): v128 {
  const sum = f64x2.add(f64x2.mul(f64x2.splat(ofR), r), f64x2.mul(f64x2.splat(ofG), g));
  return f64x2.add(sum, f64x2.mul(f64x2.splat(ofB), b));
}

/** CIE's compressed response to tristimulus ratios (the `f` of L*a*b*). */
// @ts-ignore: decorator
@inline
function response(t: v128, roots: usize, steps: f64): v128 {
  const line = f64x2.add(f64x2.mul(f64x2.splat(7.787), t), f64x2.splat(16.0 / 116.0));
  return v128.bitselect(
    cubeRoot(t, roots, steps),
    line,
    f64x2.gt(t, f64x2.splat(CURVE_START)),
  );
}

/**
 * Cube roots of numbers up to 1.0001, rounded to the nearest double but for one in ten thousands.
 * Two Newton steps for t^(-1/3), which need no division, then one for the root itself.
 */
// @ts-ignore: decorator
@inline
function cubeRoot(t: v128, roots: usize, steps: f64): v128 {
  const place = f64x2.mul(t, f64x2.splat(steps));
  const rounded = f64x2.add(place, f64x2.splat(ROUNDER));
  const rest = f64x2.sub(place, f64x2.sub(rounded, f64x2.splat(ROUNDER)));
  const first = v128.load(roots + (<usize>i32x4.extract_lane(rounded, 0) << 4));
  const second = v128.load(roots + (<usize>i32x4.extract_lane(rounded, 2) << 4));
  const slope = i64x2.shuffle(first, second, 1, 3);
  let y = f64x2.add(i64x2.shuffle(first, second, 0, 2), f64x2.mul(slope, rest));
  y = newton(t, y);
  y = newton(t, y);
  const third = f64x2.mul(f64x2.mul(y, y), f64x2.splat(1.0 / 3.0));
  const root = f64x2.mul(f64x2.mul(t, y), y);
  // The last step needs root³ - t to its last bit: 17 leading bits of the root have an exact cube.
  const head = f64x2.sub(f64x2.add(root, f64x2.splat(SPLIT)), f64x2.splat(SPLIT));
  const tail = f64x2.sub(root, head);
  const cube = f64x2.mul(f64x2.mul(head, head), head);
  const mixed = f64x2.mul(f64x2.mul(f64x2.splat(3), head), root);
  const others = f64x2.mul(tail, f64x2.add(mixed, f64x2.mul(tail, tail)));
  const excess = f64x2.add(f64x2.sub(cube, t), others);
  return f64x2.sub(root, f64x2.mul(excess, third));
}

/** A step towards y = t^(-1/3). */
// @ts-ignore: decorator
@inline
function newton(t: v128, y: v128): v128 {
  const product = f64x2.mul(t, f64x2.mul(f64x2.mul(y, y), y));
  const missing = f64x2.mul(f64x2.sub(f64x2.splat(1), product), f64x2.splat(1.0 / 3.0));
  return f64x2.add(y, f64x2.mul(y, missing));
}
