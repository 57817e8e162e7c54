/**
 * Connectivity enforcement: the clean-up that follows SLIC's clustering, as scikit-image does it.
 */

/**
 * Turns clusters into connected superpixels.
 *
 * Pixels are visited in row order. From every pixel not yet placed, the 4-connected component of
 * its cluster is collected breadth first (right, left, down, up), but never more than `maxSize`
 * pixels: a larger component is cut into several superpixels. One that is smaller than `minSize`
 * joins a superpixel it touched, the one met last on the way; the others are numbered in the order
 * they are found.
 *
 * @param clusters `H×W` cluster numbers ≥ 0.
 * @param width W in pixels, ≥ 1.
 * @param height H in pixels, ≥ 1.
 * @param minSize Pixels a component needs to become a superpixel of its own.
 * @param maxSize Pixels of the largest superpixel.
 * @returns `H×W` superpixel numbers, from 1 up without gaps.
 */
export function enforceConnectivity(
  clusters: Int32Array,
  width: number,
  height: number,
  minSize: number,
  maxSize: number,
): Int32Array {
  const pixels = width * height;
  const superpixels = new Int32Array(pixels);
  const queue = new Int32Array(Math.max(1, Math.min(maxSize, pixels)));
  const stepX = [1, -1, 0, 0];
  const stepY = [0, 0, 1, -1];
  let next = 1;
  for (let start = 0; start < pixels; start++) {
    if (superpixels[start] !== 0) continue;
    const cluster = clusters[start]!;
    let adjacent = next;
    let size = 1;
    superpixels[start] = next;
    queue[0] = start;
    for (let visited = 0; visited < size && size < maxSize; visited++) {
      const at = queue[visited]!;
      const y = (at / width) | 0;
      const x = at - y * width;
      for (let i = 0; i < 4; i++) {
        const nx = x + stepX[i]!;
        const ny = y + stepY[i]!;
        if (nx < 0 || nx >= width || ny < 0 || ny >= height) continue;
        const neighbour = ny * width + nx;
        const owner = superpixels[neighbour]!;
        if (owner === 0) {
          if (clusters[neighbour] !== cluster) continue;
          superpixels[neighbour] = next;
          queue[size++] = neighbour;
          if (size >= maxSize) break;
        } else if (owner !== next) {
          adjacent = owner;
        }
      }
    }
    if (size < minSize) {
      for (let i = 0; i < size; i++) superpixels[queue[i]!] = adjacent;
    } else {
      next++;
    }
  }
  return superpixels;
}
