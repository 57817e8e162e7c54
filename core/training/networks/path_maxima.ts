/**
 * The greatest value of a map along many straight paths at once, as nodes of a graph.
 *
 * A path is a set of pixels, and its maximum is that of smaller sets it is made of, wherever they
 * lie: so each path is put together from the maps of shorter ones, and nearly every path costs one or
 * two maxima of whole maps instead of one for each of its pixels. Parts may overlap.
 */

import type { GraphBuilder, Value } from "../../onnx/graph_builder.ts";
import type { AffinityPath } from "../../../kernels/affinity_paths.ts";

/** A set of pixels moved into the corner: its least row and its least column are 0. */
interface PixelSet {
  /** Codes of its pixels. */
  readonly pixels: ReadonlySet<number>;
  readonly height: number;
  readonly width: number;
}

/** A set whose maxima are known: `map[n, y, x]` is that of the set moved by (y, x). */
interface KnownSet extends PixelSet {
  readonly map: Value;
}

/** A known set as part of a larger one. */
interface Part {
  readonly set: KnownSet;
  readonly row: number;
  readonly column: number;
  readonly covers: readonly number[];
}

/** A pixel as one number; paths are far shorter than this. */
const ROW = 1024;

/** The maxima along paths of one map. */
export class PathMaxima {
  readonly #g: GraphBuilder;
  readonly #known: KnownSet[];

  /** @param map `N×H×W`, sizes fixed. */
  constructor(g: GraphBuilder, map: Value) {
    this.#g = g;
    this.#known = [{ pixels: new Set([0]), height: 1, width: 1, map }];
  }

  /**
   * Prepares the maxima along paths: the shortest ones first, as the longer ones are made of them.
   */
  prepare(paths: readonly AffinityPath[]): void {
    const sets = paths.map(pixelSet).sort((a, b) => a.pixels.size - b.pixels.size);
    for (const set of sets) this.#find(set);
  }

  /**
   * For every pixel of a window, the greatest value along the path that starts there.
   *
   * @param window Rows and columns `[top, bottom) × [left, right)` such that all paths stay inside.
   * @returns `N×(bottom−top)×(right−left)`
   */
  along(path: AffinityPath, window: PathWindow): Value {
    const left = Math.min(...path.pixels.map(([, x]) => x));
    const { map } = this.#find(pixelSet(path));
    const { top, bottom } = window;
    return cut(this.#g, map, top, bottom - top, window.left + left, window.right - window.left);
  }

  #find(set: PixelSet): KnownSet {
    const known = this.#known.find((other) => equal(other, set));
    if (known) return known;
    const source = this.#known[0]!.map;
    const rows = source.size(1) - set.height + 1;
    const columns = source.size(2) - set.width + 1;
    const missing = new Set(set.pixels);
    let map: Value | null = null;
    while (missing.size > 0) {
      const { set: part, row, column, covers } = this.#bestPart(set, missing);
      const piece = cut(this.#g, part.map, row, rows, column, columns);
      map = map ? this.#g.max(map, piece) : piece;
      for (const pixel of covers) missing.delete(pixel);
    }
    const found = { ...set, map: map! };
    this.#known.push(found);
    return found;
  }

  /** The known set that covers the most of what is missing without leaving the whole. */
  #bestPart(whole: PixelSet, missing: ReadonlySet<number>): Part {
    let best: Part | null = null;
    for (const set of this.#known) {
      if (best && set.pixels.size <= best.covers.length) continue;
      for (let row = 0; row + set.height <= whole.height; row++) {
        for (let column = 0; column + set.width <= whole.width; column++) {
          const moved = [...set.pixels].map((pixel) => pixel + row * ROW + column);
          if (!moved.every((pixel) => whole.pixels.has(pixel))) continue;
          const covers = moved.filter((pixel) => missing.has(pixel));
          if (covers.length > (best?.covers.length ?? 0)) best = { set, row, column, covers };
        }
      }
    }
    return best!; // single pixels always fit
  }
}

/** Where paths start: rows `top..bottom`, columns `left..right`, ends excluded. */
export interface PathWindow {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

function pixelSet(path: AffinityPath): PixelSet {
  const rows = path.pixels.map(([y]) => y);
  const columns = path.pixels.map(([, x]) => x);
  const [top, left] = [Math.min(...rows), Math.min(...columns)];
  return {
    pixels: new Set(path.pixels.map(([y, x]) => (y - top) * ROW + x - left)),
    height: Math.max(...rows) - top + 1,
    width: Math.max(...columns) - left + 1,
  };
}

function equal(a: PixelSet, b: PixelSet): boolean {
  return a.pixels.size === b.pixels.size && [...a.pixels].every((pixel) => b.pixels.has(pixel));
}

/** A window of `N×H×W`. */
export function cut(
  g: GraphBuilder,
  map: Value,
  top: number,
  height: number,
  left: number,
  width: number,
): Value {
  if (map.size(1) === height && map.size(2) === width) return map;
  return g.slice(map, [top, left], [top + height, left + width], { axes: [1, 2] });
}
