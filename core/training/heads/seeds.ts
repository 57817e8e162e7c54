/** Cells of feature maps with a class each, guessed from image-level labels. */

import type { Pcg64 } from "../../../kernels/pcg64.ts";
import type { Features } from "./features.ts";
import { randomSubset } from "../random.ts";

/** Cells and their classes. */
export interface Seeds {
  /** `N×C` */
  readonly cells: Float16Array;
  /** `N`: 0 for background, else a 1-based class. */
  readonly classes: Uint8Array;
}

/** Options of {@linkcode pickSeeds}. */
export interface SeedOptions {
  /** Share of a class's highest score in the image above which a cell is of that class. Default: 0.25. */
  foreground?: number;
  /** Share of the highest scores below which a cell is background. Default: 0.1. */
  background?: number;
  /** The most cells of each of both kinds taken from one image. Default: 40. */
  perImage?: number;
}

const EPSILON = 1e-5;

/**
 * Picks cells of one image by the maps of the classes that are in it: each positive part of a map is
 * divided by its maximum; where the highest of them is above `foreground` the cell is of that class,
 * where it is below `background` it is background, in between it is not used.
 *
 * @param weights `K×C`, what maps are made with.
 * @param labels 0-based classes in the image.
 */
export function pickSeeds(
  { cells, channels }: Features,
  weights: Float32Array,
  labels: readonly number[],
  random: Pcg64,
  { foreground = 0.25, background = 0.1, perImage = 40 }: SeedOptions = {},
): Seeds {
  const count = cells.length / channels;
  const best = new Float64Array(count);
  const winner = new Uint8Array(count);
  for (const label of labels) {
    const map = classMap(cells, channels, weights.subarray(label * channels));
    const maximum = map.reduce((a, b) => Math.max(a, b), 0) + EPSILON;
    for (let i = 0; i < count; i++) {
      const value = map[i]! / maximum;
      if (value > best[i]!) {
        best[i] = value;
        winner[i] = label + 1;
      }
    }
  }
  const all = Uint32Array.from({ length: count }, (_, i) => i);
  const chosen = [
    ...randomSubset(random, all.filter((i) => best[i]! > foreground), perImage),
    ...randomSubset(random, all.filter((i) => best[i]! < background), perImage),
  ];
  const picked = new Float16Array(chosen.length * channels);
  const classes = new Uint8Array(chosen.length);
  chosen.forEach((cell, i) => {
    picked.set(cells.subarray(cell * channels, (cell + 1) * channels), i * channels);
    classes[i] = best[cell]! > foreground ? winner[cell]! : 0;
  });
  return { cells: picked, classes };
}

/** Puts seeds of many images together. */
export function joinSeeds(parts: readonly Seeds[]): Seeds {
  const cells = new Float16Array(parts.reduce((n, part) => n + part.cells.length, 0));
  const classes = new Uint8Array(parts.reduce((n, part) => n + part.classes.length, 0));
  let cell = 0;
  let row = 0;
  for (const part of parts) {
    cells.set(part.cells, cell);
    classes.set(part.classes, row);
    cell += part.cells.length;
    row += part.classes.length;
  }
  return { cells, classes };
}

/** The positive part of one class's scores in every cell. */
function classMap(cells: Float16Array, channels: number, weights: Float32Array): Float64Array {
  const map = new Float64Array(cells.length / channels);
  for (let i = 0, at = 0; i < map.length; i++) {
    let sum = 0;
    for (let k = 0; k < channels; k++, at++) sum += cells[at]! * weights[k]!;
    map[i] = Math.max(0, sum);
  }
  return map;
}
