/** Bytes that look random, the same as `pattern` in `tests/fixtures/make_resize.py`. */
export function pattern(length: number, seed: number): Uint8Array {
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    let h = Math.imul(i + seed * 7919, 2654435761);
    h ^= h >>> 15;
    h = Math.imul(h, 2246822519);
    h ^= h >>> 13;
    out[i] = h;
  }
  return out;
}
