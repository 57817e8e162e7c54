/**
 * The 3×3 Gaussian blur of OpenCV's `GaussianBlur(image, (3, 3), 0)` on one plane of bytes.
 *
 * With sigma derived from the size the weights are exactly [1 2 1] / 4 along each axis. The sum of
 * both passes is kept whole and rounded once, halves up; the border is mirrored about the outermost
 * pixel (`c b | a b c`, OpenCV's BORDER_REFLECT_101).
 */

import { edgeKernel, lineBytes, SLACK } from "./edge_functions.ts";
import { checkBytePlane } from "./image_arguments.ts";

/**
 * Blurs one plane of bytes.
 *
 * @param plane `H×W` bytes.
 * @param width W in pixels, ≥ 1.
 * @param height H in pixels, ≥ 1.
 * @returns `H×W` bytes, a new array.
 * @throws {TypeError} `plane` is not `H×W` bytes.
 * @throws {RangeError} A size is not a whole number ≥ 1.
 */
export function gaussianBlur3x3(
  plane: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
): Uint8Array {
  checkBytePlane(plane, width, height, "blur");
  const pixels = plane.length;
  const line = lineBytes(width);
  return edgeKernel.use(line + 2 * (pixels + SLACK), ({ blur }, memory, base) => {
    const source = base + line;
    const target = source + pixels + SLACK;
    new Uint8Array(memory, source, pixels).set(plane);
    blur(source, target, base, width, height);
    return new Uint8Array(memory, target, pixels).slice();
  });
}
