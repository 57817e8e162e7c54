/**
 * The 3×3 Gaussian blur and Canny's edge detector on bytes, eight pixels at a time in 16-bit lanes.
 *
 * Rows are worked on in line buffers with 8 lanes of padding on the left (so that lane -1 exists and
 * lane 0 is aligned) and at least 8 on the right.
 */

/** Lanes before the first pixel of a line buffer. */
const PAD: i32 = 8;

/** tan(22.5°) with 15 fractional bits. */
const TANGENT: i32 = 13573;

/** First byte the caller may use. */
export function base(): usize {
  return __heap_base;
}

/** Bytes of one line buffer for `width` pixels. */
export function lineBytes(width: i32): i32 {
  return (PAD + ((width + 7) & ~7) + 8) << 1;
}

// @ts-ignore: decorator
@inline
function mirror(i: i32, size: i32): i32 {
  if (size == 1) return 0;
  return i < 0 ? -i : i >= size ? 2 * size - 2 - i : i;
}

/**
 * [1 2 1; 2 4 2; 1 2 1] / 16, halves rounded up, borders mirrored about the outermost pixel.
 *
 * `source` and `target` are `height·width` bytes, each readable/writable 8 bytes beyond its end and
 * not overlapping; `line` is one line buffer.
 */
export function blur(source: usize, target: usize, line: usize, width: i32, height: i32): void {
  const first = line + (PAD << 1);
  for (let y = 0; y < height; y++) {
    const above = source + mirror(y - 1, height) * width;
    const own = source + y * width;
    const below = source + mirror(y + 1, height) * width;
    for (let x = 0; x < width; x += 8) {
      const sum = i16x8.add(
        i16x8.add(v128.load8x8_u(above + x), v128.load8x8_u(below + x)),
        i16x8.shl(v128.load8x8_u(own + x), 1),
      );
      v128.store(first + (x << 1), sum);
    }
    store<i16>(first - 2, load<i16>(first + (mirror(-1, width) << 1)));
    store<i16>(first + (width << 1), load<i16>(first + (mirror(width, width) << 1)));
    const out = target + y * width;
    for (let x = 0; x < width; x += 8) {
      const at = first + (x << 1);
      const outer = i16x8.add(v128.load(at - 2), v128.load(at + 2));
      const sum = i16x8.add(outer, i16x8.shl(v128.load(at), 1));
      const rounded = i16x8.shr_u(i16x8.add(sum, i16x8.splat(8)), 4);
      v128.store64_lane(out + x, i8x16.narrow_i16x8_u(rounded, rounded), 0);
    }
  }
}

/** Gradient of row `y`: dx, dy and |dx| + |dy| into three line buffers. */
function gradient(
  source: usize,
  smooth: usize,
  slope: usize,
  dx: usize,
  dy: usize,
  magnitude: usize,
  y: i32,
  width: i32,
  height: i32,
): void {
  const above = source + max(y - 1, 0) * width;
  const own = source + y * width;
  const below = source + min(y + 1, height - 1) * width;
  for (let x = 0; x < width; x += 8) {
    const a = v128.load8x8_u(above + x);
    const c = v128.load8x8_u(below + x);
    const b = i16x8.shl(v128.load8x8_u(own + x), 1);
    v128.store(smooth + (x << 1), i16x8.add(i16x8.add(a, c), b));
    v128.store(slope + (x << 1), i16x8.sub(c, a));
  }
  const end = width << 1;
  store<i16>(smooth - 2, load<i16>(smooth));
  store<i16>(slope - 2, load<i16>(slope));
  store<i16>(smooth + end, load<i16>(smooth + end - 2));
  store<i16>(slope + end, load<i16>(slope + end - 2));
  for (let x = 0; x < end; x += 16) {
    const gx = i16x8.sub(v128.load(smooth + x + 2), v128.load(smooth + x - 2));
    const outer = i16x8.add(v128.load(slope + x - 2), v128.load(slope + x + 2));
    const gy = i16x8.add(outer, i16x8.shl(v128.load(slope + x), 1));
    v128.store(dx + x, gx);
    v128.store(dy + x, gy);
    v128.store(magnitude + x, i16x8.add(i16x8.abs(gx), i16x8.abs(gy)));
  }
  // Beyond the image there is no gradient.
  store<i16>(magnitude - 2, 0);
  v128.store(magnitude + end, i16x8.splat(0));
}

/**
 * Canny's detector. `source` is `height·width` bytes, readable 8 bytes beyond its end. `map` is
 * `(height + 2)·stride` bytes with stride = width + 16 and receives 2 on edges, 1 on weak pixels,
 * 0 elsewhere, pixel (0, 0) at (1, 8). `lines` are nine line buffers, `stack` holds `height·width`
 * 32-bit addresses. A pixel is weak above `low`, an edge above `high`.
 */
export function canny(
  source: usize,
  map: usize,
  lines: usize,
  stack: usize,
  width: i32,
  height: i32,
  low: i32,
  high: i32,
): void {
  const bytes = <usize>lineBytes(width);
  const stride = width + 16;
  memory.fill(lines, 0, 9 * bytes);
  memory.fill(map, 0, <usize>((height + 2) * stride));
  const smooth = lines + (PAD << 1);
  const slope = smooth + bytes;
  let magnitudeAbove = slope + bytes;
  let magnitude = magnitudeAbove + bytes;
  let magnitudeBelow = magnitude + bytes;
  let dx = magnitudeBelow + bytes;
  let dy = dx + bytes;
  let dxBelow = dy + bytes;
  let dyBelow = dxBelow + bytes;
  let top = stack;
  const lowest = i16x8.splat(<i16>low);
  const highest = i16x8.splat(<i16>high);
  gradient(source, smooth, slope, dxBelow, dyBelow, magnitudeBelow, 0, width, height);
  for (let y = 0; y < height; y++) {
    const spare = magnitudeAbove;
    magnitudeAbove = magnitude;
    magnitude = magnitudeBelow;
    magnitudeBelow = spare;
    const spareX = dx;
    const spareY = dy;
    dx = dxBelow;
    dy = dyBelow;
    dxBelow = spareX;
    dyBelow = spareY;
    if (y + 1 < height) {
      gradient(source, smooth, slope, dxBelow, dyBelow, magnitudeBelow, y + 1, width, height);
    } else {
      memory.fill(magnitudeBelow - (PAD << 1), 0, bytes);
    }
    const row = map + (y + 1) * stride + 8;
    for (let x = 0; x < width; x += 8) {
      const at = <usize>x << 1;
      const m = v128.load(magnitude + at);
      const candidate = i16x8.gt_s(m, lowest);
      if (!v128.any_true(candidate)) continue;
      const keep = v128.and(
        candidate,
        crest(m, magnitudeAbove + at, magnitude + at, magnitudeBelow + at, dx + at, dy + at),
      );
      if (!v128.any_true(keep)) continue;
      const strong = v128.and(keep, i16x8.gt_s(m, highest));
      const level = i16x8.neg(i16x8.add(keep, strong));
      v128.store64_lane(row + x, i8x16.narrow_i16x8_u(level, level), 0);
      let bits = i16x8.bitmask(strong);
      while (bits != 0) {
        store<u32>(top, <u32>(row + x + ctz(bits)));
        top += 4;
        bits &= bits - 1;
      }
    }
    // Lanes beyond the last pixel held no gradient, so the padding of the map stays 0.
  }
  while (top > stack) {
    top -= 4;
    const at = <usize>load<u32>(top);
    top = grow(at - stride - 1, top);
    top = grow(at - stride, top);
    top = grow(at - stride + 1, top);
    top = grow(at - 1, top);
    top = grow(at + 1, top);
    top = grow(at + stride - 1, top);
    top = grow(at + stride, top);
    top = grow(at + stride + 1, top);
  }
}

/** Makes a weak pixel an edge and pushes it; returns the new top of the stack. */
// @ts-ignore: decorator
@inline
function grow(at: usize, top: usize): usize {
  if (load<u8>(at) != 1) return top;
  store<u8>(at, 2);
  store<u32>(top, <u32>at);
  return top + 4;
}

/**
 * Lanes whose magnitude is a crest across the edge. The gradient's direction is rounded to one of
 * four by comparing |dy| with tan(22.5°)·|dx| and tan(67.5°)·|dx| = (tan(22.5°) + 2)·|dx|; along
 * it, the magnitude must exceed the neighbour before and (level directions) reach the one after or
 * (diagonals) exceed it as well.
 */
// @ts-ignore: decorator
@inline
function crest(
  m: v128,
  above: usize,
  own: usize,
  below: usize,
  dx: usize,
  dy: usize,
): v128 {
  const gx = v128.load(dx);
  const gy = v128.load(dy);
  const ax = i16x8.abs(gx);
  const ay = i16x8.abs(gy);
  const tangent = i16x8.splat(<i16>TANGENT);
  const flatLow = i32x4.extmul_low_i16x8_u(ax, tangent);
  const flatHigh = i32x4.extmul_high_i16x8_u(ax, tangent);
  const riseLow = i32x4.shl(i32x4.extend_low_i16x8_u(ay), 15);
  const riseHigh = i32x4.shl(i32x4.extend_high_i16x8_u(ay), 15);
  const steepLow = i32x4.add(flatLow, i32x4.shl(i32x4.extend_low_i16x8_u(ax), 16));
  const steepHigh = i32x4.add(flatHigh, i32x4.shl(i32x4.extend_high_i16x8_u(ax), 16));
  const horizontal = i16x8.narrow_i32x4_s(
    i32x4.lt_s(riseLow, flatLow),
    i32x4.lt_s(riseHigh, flatHigh),
  );
  const vertical = i16x8.narrow_i32x4_s(
    i32x4.gt_s(riseLow, steepLow),
    i32x4.gt_s(riseHigh, steepHigh),
  );
  const falling = i16x8.shr_s(v128.xor(gx, gy), 15);
  const acrossX = v128.and(
    i16x8.gt_s(m, v128.load(own - 2)),
    i16x8.ge_s(m, v128.load(own + 2)),
  );
  const acrossY = v128.and(
    i16x8.gt_s(m, v128.load(above)),
    i16x8.ge_s(m, v128.load(below)),
  );
  const acrossFall = v128.and(
    i16x8.gt_s(m, v128.load(above + 2)),
    i16x8.gt_s(m, v128.load(below - 2)),
  );
  const acrossRise = v128.and(
    i16x8.gt_s(m, v128.load(above - 2)),
    i16x8.gt_s(m, v128.load(below + 2)),
  );
  const diagonal = v128.bitselect(acrossFall, acrossRise, falling);
  return v128.bitselect(acrossX, v128.bitselect(acrossY, diagonal, vertical), horizontal);
}

/** Writes 255 where the map holds 2, else 0. `target` is `height·width` bytes plus 16 spare ones. */
export function collect(map: usize, target: usize, width: i32, height: i32): void {
  const stride = width + 16;
  for (let y = 0; y < height; y++) {
    const row = map + (y + 1) * stride + 8;
    const out = target + y * width;
    for (let x = 0; x < width; x += 16) {
      v128.store(out + x, i8x16.eq(v128.load(row + x), i8x16.splat(2)));
    }
  }
}
