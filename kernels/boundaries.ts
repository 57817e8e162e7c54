/**
 * Boundaries between the regions of a label map, exactly: a pixel is on a boundary when a neighbour
 * has another label. Nothing outside the image is a neighbour, so the frame is no boundary. The
 * modes `thick`, `inner` and `outer` are scikit-image's `find_boundaries`.
 */

/** Options of {@link labelBoundaries}. */
export interface LabelBoundariesOptions {
  /** Neighbours that count: 4 share an edge, 8 a corner at least. Default: 4. */
  readonly connectivity?: 4 | 8;
  /**
   * Which of the pixels at a boundary are marked. Default: `"thick"`.
   *
   * - `"thick"`: those on both sides. Does not change when the image is mirrored or turned.
   * - `"thin"`: of two neighbours, the upper or left one (with connectivity 8, also the upper one of
   *   a diagonal): a line one pixel wide.
   * - `"inner"`: those not in the background.
   * - `"outer"`: those in the background, and both sides where two regions other than the
   *   background come within a pixel of each other.
   */
  readonly mode?: "thick" | "thin" | "inner" | "outer";
  /** The label that is background to `inner` and `outer`. Default: 0. */
  readonly background?: number;
}

/** Neighbours as (dx, dy): those that come later in row order, and all. */
const NEIGHBOURS = {
  later4: [[1, 0], [0, 1]],
  later8: [[1, 0], [-1, 1], [0, 1], [1, 1]],
  all8: [[1, 0], [-1, 1], [0, 1], [1, 1], [-1, 0], [1, -1], [0, -1], [-1, -1]],
} as const;

/**
 * Marks the boundaries between different labels.
 *
 * @param labels `H×W` labels, any whole numbers.
 * @param width W in pixels, ≥ 1.
 * @param height H in pixels, ≥ 1.
 * @returns `H×W` bytes, 255 on boundaries, 0 elsewhere.
 * @throws {TypeError} `labels` does not hold `width · height` values.
 * @throws {RangeError} A size or an option is out of its range.
 */
export function labelBoundaries(
  labels: Int32Array | Uint32Array | Uint16Array | Uint8Array,
  width: number,
  height: number,
  options: LabelBoundariesOptions = {},
): Uint8Array {
  const { connectivity = 4, mode = "thick", background = 0 } = options;
  if (!(Number.isInteger(width) && Number.isInteger(height) && width >= 1 && height >= 1)) {
    throw new RangeError(`Cannot find boundaries: ${width}×${height} is no image size`);
  }
  if (labels.length !== width * height) {
    throw new TypeError(
      `Cannot find boundaries: the map holds ${labels.length} labels, ${width}×${height} needs ${
        width * height
      }`,
    );
  }
  if (connectivity !== 4 && connectivity !== 8) {
    throw new RangeError(`Option connectivity is ${connectivity}, must be 4 or 8`);
  }
  if (!["thick", "thin", "inner", "outer"].includes(mode)) {
    throw new RangeError(`Option mode is ${mode}, must be thick, thin, inner or outer`);
  }

  const marks = new Uint8Array(labels.length);
  markDifferences(marks, labels, width, height, connectivity, mode === "thin");
  if (mode === "inner") {
    for (let p = 0; p < marks.length; p++) if (labels[p] === background) marks[p] = 0;
  } else if (mode === "outer") {
    for (let y = 0, p = 0; y < height; y++) {
      for (let x = 0; x < width; x++, p++) {
        if (marks[p] === 0 || labels[p] === background) continue;
        if (!touchesOther(labels, width, height, x, y, background)) marks[p] = 0;
      }
    }
  }
  return marks;
}

/** Marks pixels that differ from a neighbour: the earlier one in row order, or both. */
function markDifferences(
  marks: Uint8Array,
  labels: ArrayLike<number>,
  width: number,
  height: number,
  connectivity: 4 | 8,
  earlierOnly: boolean,
): void {
  for (const [dx, dy] of NEIGHBOURS[`later${connectivity}`]) {
    const step = dy * width + dx;
    const left = Math.max(0, -dx);
    const right = width - Math.max(0, dx);
    for (let y = 0; y < height - dy; y++) {
      const end = y * width + right;
      for (let p = y * width + left; p < end; p++) {
        if (labels[p] === labels[p + step]) continue;
        marks[p] = 255;
        if (!earlierOnly) marks[p + step] = 255;
      }
    }
  }
}

/** Whether one of the eight neighbours of a pixel is of a third label, neither its own nor background. */
function touchesOther(
  labels: ArrayLike<number>,
  width: number,
  height: number,
  x: number,
  y: number,
  background: number,
): boolean {
  const own = labels[y * width + x];
  for (const [dx, dy] of NEIGHBOURS.all8) {
    const nx = x + dx;
    const ny = y + dy;
    if (nx < 0 || nx >= width || ny < 0 || ny >= height) continue;
    const other = labels[ny * width + nx];
    if (other !== own && other !== background) return true;
  }
  return false;
}
