/**
 * Regions found in a reduced image, brought back to the full image along its own edges.
 *
 * Joint bilateral upsampling (J. Kopf et al., SIGGRAPH 2007) of region numbers: every full-size pixel
 * looks at the 3×3 reduced pixels around its place. Each of them votes for its region, the more
 * strongly the nearer it lies and the more alike its colour is.
 */

/** Votes fade with distance, in reduced pixels, … */
const SPACE = 0.7;
/** … and with the difference of colour, the root of the sum of squares over three bytes. */
const COLOUR = 20;
/** Differences in colour are looked up in steps of this many squares. */
const COLOUR_STEP = 16;
const COLOUR_STEPS = 3 * 255 * 255 / COLOUR_STEP + 1;
/** So small a vote that only nearness decides among colours that are all wrong. */
const LEAST = 1e-6;
const REACH = 1;
const SIDE = 2 * REACH + 1;
/** Pixels between two checkpoints. */
const CHUNK = 2 ** 20;

/** An image and its size. */
export interface SizedImage {
  /** `H×W×3` bytes. */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/**
 * Enlarges a map of regions from a reduced image to the full one.
 *
 * Where all of the 3×3 reduced pixels around a place belong to one region so does the place; elsewhere
 * boundaries follow the full image's colours within one and a half reduced pixels.
 *
 * @param regions `h×w` region numbers.
 * @param reduced The image they were found in, `h×w`.
 * @param full The same image at its full size, `H×W`.
 * @param checkpoint Called after every megapixel; what it throws ends the work. Default: nothing is.
 * @returns `H×W` region numbers.
 * @throws {TypeError} An array does not fit its size.
 */
export function enlargeRegions(
  regions: Int32Array,
  reduced: SizedImage,
  full: SizedImage,
  checkpoint: () => void = () => {},
): Int32Array {
  for (const { data, width, height } of [reduced, full]) {
    if (data.length !== 3 * width * height) {
      throw new TypeError(`Cannot enlarge: ${data.length} bytes are not ${width}×${height} px`);
    }
  }
  if (regions.length !== reduced.width * reduced.height) {
    throw new TypeError(
      `Cannot enlarge: ${regions.length} region numbers are not ${reduced.width}×${reduced.height}`,
    );
  }
  const { width, height } = full;
  const enlarged = new Int32Array(width * height);
  const columns = axis(width, reduced.width);
  const rows = axis(height, reduced.height);
  const even = evenPlaces(regions, reduced.width, reduced.height);
  const byColour = colourWeights();
  const votes = new Float64Array(SIDE * SIDE);
  const candidates = new Int32Array(SIDE * SIDE);

  const rowsAtOnce = Math.max(1, Math.floor(CHUNK / width));
  for (let y = 0, p = 0; y < height; y++) {
    if ((y + 1) % rowsAtOnce === 0) checkpoint();
    const row = rows.nearest[y]! * reduced.width;
    for (let x = 0; x < width; x++, p++) {
      const column = columns.nearest[x]!;
      if (even[row + column]) {
        enlarged[p] = regions[row + column]!;
        continue;
      }
      const [red, green, blue] = [full.data[3 * p]!, full.data[3 * p + 1]!, full.data[3 * p + 2]!];
      let count = 0;
      for (let i = 0; i < SIDE; i++) {
        const line = row + (i - REACH) * reduced.width;
        const down = rows.weights[SIDE * y + i]!;
        if (down === 0) continue;
        for (let j = 0; j < SIDE; j++) {
          const across = columns.weights[SIDE * x + j]!;
          if (across === 0) continue;
          const q = line + column + j - REACH;
          const dr = red - reduced.data[3 * q]!;
          const dg = green - reduced.data[3 * q + 1]!;
          const db = blue - reduced.data[3 * q + 2]!;
          const vote = down * across *
            byColour[Math.trunc((dr * dr + dg * dg + db * db) / COLOUR_STEP)]!;
          let at = 0;
          while (at < count && candidates[at] !== regions[q]) at++;
          if (at === count) {
            candidates[count] = regions[q]!;
            votes[count++] = vote;
          } else votes[at]! += vote;
        }
      }
      let best = 0;
      for (let at = 1; at < count; at++) if (votes[at]! > votes[best]!) best = at;
      enlarged[p] = candidates[best]!;
    }
  }
  return enlarged;
}

/** For each place along one axis the nearest reduced pixel, and the weights of its three. */
function axis(size: number, reducedSize: number) {
  const nearest = new Int32Array(size);
  const weights = new Float64Array(SIDE * size);
  for (let place = 0; place < size; place++) {
    const exact = (place + 0.5) * reducedSize / size - 0.5;
    nearest[place] = Math.min(Math.max(Math.round(exact), 0), reducedSize - 1);
    for (let i = 0; i < SIDE; i++) {
      const at = nearest[place]! + i - REACH;
      if (at < 0 || at >= reducedSize) continue; // outside: weight 0
      weights[SIDE * place + i] = Math.exp(-((at - exact) ** 2) / (2 * SPACE * SPACE));
    }
  }
  return { nearest, weights };
}

/** Marks the reduced pixels whose neighbours all belong to their own region. */
function evenPlaces(regions: Int32Array, width: number, height: number): Uint8Array {
  const even = new Uint8Array(regions.length).fill(1);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      for (let i = Math.max(0, y - REACH); i <= Math.min(height - 1, y + REACH); i++) {
        for (let j = Math.max(0, x - REACH); j <= Math.min(width - 1, x + REACH); j++) {
          if (regions[i * width + j] !== regions[p]) even[p] = 0;
        }
      }
    }
  }
  return even;
}

function colourWeights(): Float64Array {
  return Float64Array.from(
    { length: COLOUR_STEPS },
    (_, step) => Math.max(LEAST, Math.exp(-step * COLOUR_STEP / (2 * COLOUR * COLOUR))),
  );
}
