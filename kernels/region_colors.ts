/**
 * The colours in which SILOP's published code paints segmentation results.
 *
 * Region k, counted among those present, gets row k of a random table: 256 rows of three numbers
 * 0..254, drawn from NumPy's `RandomState(43)`.
 */

import { Mt19937 } from "./mt19937.ts";

/** Rows of the table. */
const ROWS = 256;
const SEED = 43;

/**
 * The published colour table.
 *
 * @returns `256×3` bytes in the order **B, G, R**.
 */
export function regionColors(): Uint8Array {
  const generator = new Mt19937(SEED);
  return Uint8Array.from({ length: ROWS * 3 }, () => generator.integer(255));
}
