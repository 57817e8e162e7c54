/**
 * The random walk over a grid of pixels: affinities of pairs and steps, four pixels at a time.
 *
 * Affinities are one plane for each offset (a pixel and the one `offset` places after it); a plane is
 * `stride` floats, the first `guard` of which are zero, so that also the pixel `offset` places before
 * can be looked up everywhere. Vectors have guards of zeros at both ends. A pair that would leave its
 * row or the image has affinity 0, whatever lies at its address.
 */

/** First byte the caller may use. */
export function base(): usize {
  return __heap_base;
}

/**
 * Affinities of one offset, (1 - the largest edge on the path)^power, below 1e-12 as 0.
 *
 * `edge` are `height·width` floats, readable beyond its end by the path and 4 floats. `path` are
 * `length` distances in bytes. `out` is where the plane's first pixel goes.
 */
export function affinities(
  edge: usize,
  path: usize,
  length: i32,
  power: i32,
  dy: i32,
  dx: i32,
  width: i32,
  height: i32,
  out: usize,
): void {
  const pixels = width * height;
  for (let p = 0; p < pixels; p += 4) {
    const at = edge + (<usize>p << 2);
    let most = f32x4.splat(0);
    for (let i = 0; i < length; i++) {
      most = f32x4.pmax(most, v128.load(at + <usize>load<i32>(path + (<usize>i << 2))));
    }
    let factor = f32x4.sub(f32x4.splat(1), most);
    let result = f32x4.splat(1);
    for (let bits = power; bits > 0; bits >>= 1) {
      if (bits & 1) result = f32x4.mul(result, factor);
      factor = f32x4.mul(factor, factor);
    }
    v128.store(out + (<usize>p << 2), v128.and(result, f32x4.gt(result, f32x4.splat(1e-12))));
  }
  const left = max<i32>(0, -dx);
  const right = width - max<i32>(0, dx);
  for (let y = 0; y < height; y++) {
    const row = out + (<usize>(y * width) << 2);
    if (y >= height - dy || left >= right) {
      memory.fill(row, 0, <usize>width << 2);
      continue;
    }
    memory.fill(row, 0, <usize>left << 2);
    memory.fill(row + (<usize>right << 2), 0, <usize>(width - right) << 2);
  }
  memory.fill(out + (<usize>pixels << 2), 0, 16);
}

/** 1 over each pixel's sum of affinities, its own being 1. */
export function normalize(
  planes: usize,
  stride: i32,
  offsets: usize,
  count: i32,
  pixels: i32,
  out: usize,
): void {
  for (let p = 0; p < pixels; p += 4) {
    let sum = f32x4.splat(1);
    let back = f32x4.splat(0);
    let forward = planes + (<usize>p << 2);
    for (let k = 0; k < count; k++) {
      const offset = <usize>load<i32>(offsets + (<usize>k << 2));
      sum = f32x4.add(sum, v128.load(forward));
      back = f32x4.add(back, v128.load(forward - offset));
      forward += <usize>stride << 2;
    }
    v128.store(out + (<usize>p << 2), f32x4.div(f32x4.splat(1), f32x4.add(sum, back)));
  }
}

/** What a step leaves at four pixels: see `step`. */
// @ts-ignore: decorator
@inline
function finish(
  own: v128,
  sum: v128,
  inverse: v128,
  before: usize,
  total: usize,
  scale: v128,
  less: v128,
  share: v128,
): void {
  const moved = f32x4.mul(f32x4.add(own, f32x4.mul(sum, inverse)), scale);
  const value = f32x4.sub(moved, f32x4.mul(less, v128.load(before)));
  // Tiny values would become denormal numbers, which are slower by two orders.
  const next = v128.and(value, f32x4.gt(f32x4.abs(value), f32x4.splat(1e-20)));
  v128.store(before, next);
  v128.store(total, f32x4.add(v128.load(total), f32x4.mul(share, next)));
}

/**
 * before = scale·M·now - less·before, and total += share·before, where M is the walk. All three are
 * addresses of the first pixel of a vector; `offsets` are in bytes.
 *
 * M is taken as the pixel itself plus its affinities' mean of differences to it: where neighbours are
 * alike, nothing is lost in rounding. Sums of the values themselves would be off by 1e-4 after 256
 * steps, this by 1e-6.
 */
export function step(
  planes: usize,
  stride: i32,
  offsets: usize,
  count: i32,
  pixels: i32,
  inverse: usize,
  now: usize,
  before: usize,
  total: usize,
  scale: f32,
  less: f32,
  share: f32,
): void {
  for (let p: usize = 0; p < <usize>pixels << 2; p += 16) {
    const at = now + p;
    const own = v128.load(at);
    let sum = f32x4.splat(0);
    let back = f32x4.splat(0);
    let forward = planes + p;
    for (let k = 0; k < count; k++) {
      const offset = <usize>load<i32>(offsets + (<usize>k << 2));
      const ahead = f32x4.sub(v128.load(at + offset), own);
      const behind = f32x4.sub(v128.load(at - offset), own);
      sum = f32x4.add(sum, f32x4.mul(v128.load(forward), ahead));
      back = f32x4.add(back, f32x4.mul(v128.load(forward - offset), behind));
      forward += <usize>stride << 2;
    }
    finish(
      own,
      f32x4.add(sum, back),
      v128.load(inverse + p),
      before + p,
      total + p,
      f32x4.splat(scale),
      f32x4.splat(less),
      f32x4.splat(share),
    );
  }
}

/** `step` for two vectors, the second `apart` bytes after the first, by one look at the affinities. */
export function stepTwo(
  planes: usize,
  stride: i32,
  offsets: usize,
  count: i32,
  pixels: i32,
  inverse: usize,
  now: usize,
  before: usize,
  total: usize,
  scale: f32,
  less: f32,
  share: f32,
  apart: usize,
): void {
  for (let p: usize = 0; p < <usize>pixels << 2; p += 16) {
    const first = now + p;
    const second = first + apart;
    const own = v128.load(first);
    const ownTwo = v128.load(second);
    let sum = f32x4.splat(0);
    let sumTwo = f32x4.splat(0);
    let back = f32x4.splat(0);
    let backTwo = f32x4.splat(0);
    let forward = planes + p;
    for (let k = 0; k < count; k++) {
      const offset = <usize>load<i32>(offsets + (<usize>k << 2));
      const to = v128.load(forward);
      const from = v128.load(forward - offset);
      const ahead = f32x4.sub(v128.load(first + offset), own);
      const aheadTwo = f32x4.sub(v128.load(second + offset), ownTwo);
      const behind = f32x4.sub(v128.load(first - offset), own);
      const behindTwo = f32x4.sub(v128.load(second - offset), ownTwo);
      sum = f32x4.add(sum, f32x4.mul(to, ahead));
      sumTwo = f32x4.add(sumTwo, f32x4.mul(to, aheadTwo));
      back = f32x4.add(back, f32x4.mul(from, behind));
      backTwo = f32x4.add(backTwo, f32x4.mul(from, behindTwo));
      forward += <usize>stride << 2;
    }
    const norm = v128.load(inverse + p);
    const by = f32x4.splat(scale);
    const minus = f32x4.splat(less);
    const part = f32x4.splat(share);
    const next = before + p;
    const sums = total + p;
    finish(own, f32x4.add(sum, back), norm, next, sums, by, minus, part);
    const all = f32x4.add(sumTwo, backTwo);
    finish(ownTwo, all, norm, next + apart, sums + apart, by, minus, part);
  }
}
