/** R, G, B to B, G, R and back. */

/**
 * The image with its first and third channel exchanged.
 *
 * @param pixels `H×W×3`
 */
export function swapRedAndBlue(pixels: Uint8Array): Uint8Array {
  const swapped = new Uint8Array(pixels.length);
  for (let at = 0; at < pixels.length; at += 3) {
    swapped[at] = pixels[at + 2]!;
    swapped[at + 1] = pixels[at + 1]!;
    swapped[at + 2] = pixels[at]!;
  }
  return swapped;
}
