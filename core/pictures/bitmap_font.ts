/** Captions in a font of 3×5 pixels, drawn at twice that size: enough for names and ids. */

import type { Raster } from "../raster.ts";

/** Rows of every letter from the top, an octal digit each, whose bits are pixels. */
const GLYPHS: Readonly<Record<string, string>> = {
  "0": "75557",
  "1": "26227",
  "2": "71747",
  "3": "71717",
  "4": "55711",
  "5": "74717",
  "6": "74757",
  "7": "71111",
  "8": "75757",
  "9": "75717",
  a: "25755",
  b: "65656",
  c: "34443",
  d: "65556",
  e: "74647",
  f: "74644",
  g: "34553",
  h: "55755",
  i: "72227",
  j: "11152",
  k: "55655",
  l: "44447",
  m: "57755",
  n: "57775",
  o: "25552",
  p: "65644",
  q: "25563",
  r: "65655",
  s: "34216",
  t: "72222",
  u: "55557",
  v: "55552",
  w: "55775",
  x: "55255",
  y: "55222",
  z: "71247",
  "-": "00700",
  "_": "00007",
  ".": "00002",
};
const [COLUMNS, ROWS, SCALE] = [3, 5, 2];
const ADVANCE = (COLUMNS + 1) * SCALE;

/** Height of a line of text in pixels. */
export const TEXT_HEIGHT = ROWS * SCALE;

/** Width of a text in pixels. */
export function textWidth(text: string): number {
  return text.length * ADVANCE - SCALE;
}

/** Draws a text into a raster; what reaches beyond it is cut off. Letters it does not know are blank. */
export function drawText(raster: Raster, text: string, left: number, top: number, grey = 0): void {
  [...text.toLowerCase()].forEach((letter, at) => {
    const glyph = GLYPHS[letter] ?? "00000";
    for (let y = 0; y < TEXT_HEIGHT; y++) {
      const bits = Number(glyph[Math.floor(y / SCALE)]);
      for (let x = 0; x < COLUMNS * SCALE; x++) {
        if ((bits >> (COLUMNS - 1 - Math.floor(x / SCALE)) & 1) === 0) continue;
        const [px, py] = [left + at * ADVANCE + x, top + y];
        if (px < 0 || py < 0 || px >= raster.width || py >= raster.height) continue;
        raster.data.fill(grey, 3 * (py * raster.width + px), 3 * (py * raster.width + px) + 3);
      }
    }
  });
}
