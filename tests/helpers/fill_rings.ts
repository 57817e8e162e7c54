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
    const crossings: number[] = [];
    for (const ring of rings) {
      for (let i = 0; i < ring.length; i += 2) {
        const ay = ring[i + 1]!;
        const by = ring[(i + 3) % ring.length]!;
        if ((ay > y + 0.5) === (by > y + 0.5)) continue;
        const ax = ring[i]!;
        const bx = ring[(i + 2) % ring.length]!;
        crossings.push(ax + (y + 0.5 - ay) * (bx - ax) / (by - ay));
      }
    }
    crossings.sort((a, b) => a - b);
    for (let x = 0, left = 0; x < width; x++) {
      while (left < crossings.length && crossings[left]! <= x + 0.5) left++;
      filled[y * width + x] = (crossings.length - left) % 2;
    }
  }
  return filled;
}
