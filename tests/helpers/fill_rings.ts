/** Rings filled by the even-odd rule, at the centres of pixels. */

/**
 * @param rings Each `x, y, x, y, …`, closed.
 * @returns `H×W`, 1 where an odd number of edges lies to the right of the pixel's centre.
 */
export function fillRings(
  rings: readonly ArrayLike<number>[],
  width: number,
  height: number,
): Uint8Array {
  const filled = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let odd = 0;
      for (const ring of rings) {
        for (let i = 0; i < ring.length; i += 2) {
          const ax = ring[i]!;
          const ay = ring[i + 1]!;
          const bx = ring[(i + 2) % ring.length]!;
          const by = ring[(i + 3) % ring.length]!;
          if ((ay > y + 0.5) === (by > y + 0.5)) continue;
          if (ax + (y + 0.5 - ay) * (bx - ax) / (by - ay) > x + 0.5) odd ^= 1;
        }
      }
      filled[y * width + x] = odd;
    }
  }
  return filled;
}
