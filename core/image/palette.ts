/** Number of colours in a palette; a mask holds one byte per pixel. */
const COLOURS = 256;

/**
 * The PASCAL VOC palette: 256 colours, R G B R G B ….
 *
 * The bits of the index are dealt out in turn to red, green and blue, the lowest three becoming the
 * highest bit of each. So 0 is black, 1 is (128, 0, 0), and 255, the label of pixels to be ignored,
 * is (224, 224, 192).
 */
export function vocPalette(): Uint8Array {
  const palette = new Uint8Array(COLOURS * 3);
  for (let index = 0; index < COLOURS; index++) {
    for (let bit = 0; bit < 8; bit++) {
      const channel = bit % 3;
      const level = 7 - Math.floor(bit / 3);
      palette[index * 3 + channel]! |= (index >> bit & 1) << level;
    }
  }
  return palette;
}

/** The palette in which every value is its own grey: `256×3`. */
export function greyPalette(): Uint8Array {
  return Uint8Array.from({ length: COLOURS * 3 }, (_, at) => Math.floor(at / 3));
}

/**
 * Throws unless `palette` has the form of {@link vocPalette}.
 *
 * @throws {TypeError}
 */
export function requirePalette(palette: Uint8Array): void {
  if (!(palette instanceof Uint8Array) || palette.length !== COLOURS * 3) {
    throw new TypeError(`A palette must be a Uint8Array of ${COLOURS * 3} bytes`);
  }
}
