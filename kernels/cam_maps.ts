/** The arithmetic between a classifier's maps and finished class activation maps. */

/**
 * Adds the positive parts of a map stack and of the stack computed on the mirrored image:
 * `max(maps, 0) + flip(max(mirrored, 0))`, in place of `maps`.
 *
 * @param maps `C×H×W`; overwritten with the sum.
 * @param mirrored `C×H×W`, of the image flipped left and right; `null` leaves the positive part.
 * @throws {TypeError} The stacks differ in size or are not whole rows.
 */
export function addMirroredPositive(
  maps: Float32Array,
  mirrored: Float32Array | null,
  width: number,
): Float32Array {
  if (maps.length % width !== 0 || (mirrored !== null && mirrored.length !== maps.length)) {
    throw new TypeError(
      `Map stacks must be of one size and whole rows of ${width}, got ${maps.length} and ` +
        `${mirrored?.length ?? "none"}`,
    );
  }
  for (let row = 0; row < maps.length; row += width) {
    for (let x = 0, opposite = row + width - 1; x < width; x++, opposite--) {
      const own = Math.max(maps[row + x]!, 0);
      maps[row + x] = mirrored === null ? own : own + Math.max(mirrored[opposite]!, 0);
    }
  }
  return maps;
}

/**
 * Divides every plane by its own maximum plus 1e-5, in place: values in 0..1, a plane without any
 * positive value stays zero.
 *
 * @param planes `C×H×W`, nothing negative.
 * @param planeSize `H·W`.
 */
export function normalizePlanes(planes: Float32Array, planeSize: number): Float32Array {
  for (let start = 0; start < planes.length; start += planeSize) {
    const end = start + planeSize;
    let maximum = 0;
    for (let i = start; i < end; i++) if (planes[i]! > maximum) maximum = planes[i]!;
    const divisor = Math.fround(maximum + 1e-5);
    for (let i = start; i < end; i++) planes[i] = planes[i]! / divisor;
  }
  return planes;
}

/**
 * `argmax` over `[threshold | planes]` of planes enlarged bilinearly (corners of the images
 * coincide, as PyTorch's `align_corners=false`), without ever holding the enlarged planes.
 *
 * @param planes `C×H×W`.
 * @param labels What to write for each plane; 0 is written where no plane exceeds `threshold`.
 * @param covered The part of the planes that the result shows, from the upper left; it need not be whole
 *   cells. Default: all of them.
 * @returns `outHeight×outWidth` labels. Of equal planes the first wins.
 * @throws {TypeError} The number of values does not fit.
 */
export function argmaxAbove(
  planes: Float32Array,
  labels: Uint8Array,
  width: number,
  height: number,
  outWidth: number,
  outHeight: number,
  threshold: number,
  covered: { readonly width: number; readonly height: number } = { width, height },
): Uint8Array {
  const channels = labels.length;
  if (planes.length !== channels * width * height) {
    throw new TypeError(
      `${channels} planes of ${width}×${height} px hold not ${planes.length} values`,
    );
  }
  const result = new Uint8Array(outWidth * outHeight);
  const columns = positions(width, outWidth, covered.width);
  const rows = positions(height, outHeight, covered.height);
  const row = new Float32Array(width);
  const best = new Float32Array(outWidth);
  for (let y = 0; y < outHeight; y++) {
    const upper = rows.index[y]! * width;
    const lower = Math.min(rows.index[y]! + 1, height - 1) * width;
    const fy = rows.fraction[y]!;
    const to = y * outWidth;
    best.fill(threshold);
    for (let c = 0; c < channels; c++) {
      const plane = c * width * height;
      const label = labels[c]!;
      for (let x = 0; x < width; x++) {
        const value = planes[plane + upper + x]!;
        row[x] = value + fy * (planes[plane + lower + x]! - value);
      }
      for (let x = 0; x < outWidth; x++) {
        const left = columns.index[x]!;
        const value = row[left]!;
        const right = row[left + 1 < width ? left + 1 : left]!;
        const blended = value + columns.fraction[x]! * (right - value);
        if (blended > best[x]!) {
          best[x] = blended;
          result[to + x] = label;
        }
      }
    }
  }
  return result;
}

/** Lower neighbour and the upper one's weight for every output position of one axis. */
function positions(
  size: number,
  outSize: number,
  covered: number,
): { index: Int32Array; fraction: Float32Array } {
  const index = new Int32Array(outSize);
  const fraction = new Float32Array(outSize);
  for (let i = 0; i < outSize; i++) {
    const position = Math.max(0, ((i + 0.5) * covered) / outSize - 0.5);
    index[i] = Math.min(Math.floor(position), size - 1);
    fraction[i] = position - index[i]!;
  }
  return { index, fraction };
}
