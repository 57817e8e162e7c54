/**
 * Canny's edge detector, equal to OpenCV's `Canny(image, low, high)` with its defaults: 3×3 Sobel
 * with replicated borders, L1 gradient |dx| + |dy|.
 *
 * A pixel survives when its gradient is a crest across the edge (direction rounded to multiples of
 * 45° by an integer test of tan 22.5°, fifteen fractional bits; outside the image the gradient is
 * 0). Survivors above `high` are edges, and so is every survivor above `low` that an 8-connected
 * chain of survivors joins to one. J. Canny, "A Computational Approach to Edge Detection", TPAMI
 * 1986.
 */

import { edgeKernel, lineBytes, SLACK } from "./edge_functions.ts";
import { checkBytePlane, inRange } from "./image_arguments.ts";

/** Options of {@link canny}. */
export interface CannyOptions {
  /** Least gradient of an edge's continuation, exclusive, 0..32767; the L1 gradient ends at 2040. Default: 1. */
  readonly low?: number;
  /** Least gradient an edge must reach somewhere, exclusive, 0..32767. Default: 50. */
  readonly high?: number;
}

/**
 * Finds the edges of a grey image.
 *
 * @param gray `H×W` bytes, as a rule already blurred.
 * @param width W in pixels, ≥ 1.
 * @param height H in pixels, ≥ 1.
 * @param options Thresholds; fractions are cut off, and a `low` above `high` trades places with it,
 *   both as in OpenCV.
 * @returns `H×W` bytes, 255 on edges, 0 elsewhere.
 * @throws {TypeError} `gray` is not `H×W` bytes, or a threshold is no number.
 * @throws {RangeError} A size is not a whole number ≥ 1, or a threshold is out of its range.
 */
export function canny(
  gray: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
  options: CannyOptions = {},
): Uint8Array {
  const { low = 1, high = 50 } = options;
  checkBytePlane(gray, width, height, "find edges");
  inRange("low", low, 0, 32767);
  inRange("high", high, 0, 32767);
  const pixels = gray.length;
  const map = (width + 16) * (height + 2);
  const lines = 9 * lineBytes(width);
  const bytes = 4 * pixels + lines + map + SLACK + pixels + SLACK;
  return edgeKernel.use(bytes, (edges, memory, stackAt) => {
    const linesAt = stackAt + 4 * pixels;
    const mapAt = linesAt + lines;
    // The source is done with when the result is collected, so they share their place.
    const imageAt = mapAt + map + SLACK;
    new Uint8Array(memory, imageAt, pixels).set(gray);
    const [weak, strong] = low <= high ? [low, high] : [high, low];
    edges.canny(imageAt, mapAt, linesAt, stackAt, width, height, weak, strong);
    edges.collect(mapAt, imageAt, width, height);
    return new Uint8Array(memory, imageAt, pixels).slice();
  });
}
