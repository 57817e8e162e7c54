/** Randomness that belongs to a place: the same for the same keys, whoever draws first. */

import { Pcg64 } from "../../../kernels/pcg64.ts";

/**
 * A generator of its own for every list of keys, as (seed, epoch, index).
 *
 * @param keys Whole numbers, 0..2³² − 1.
 */
export function randomOf(...keys: readonly number[]): Pcg64 {
  return new Pcg64(mixKeys(keys));
}

/**
 * Mixes whole numbers to one of 32 bits: each is folded in and stirred as in the end of MurmurHash3
 * (A. Appleby), so that neighbouring keys have nothing in common.
 *
 * @throws {RangeError} A key is no whole number below 2³².
 */
export function mixKeys(keys: readonly number[]): number {
  let hash = keys.length;
  for (const key of keys) {
    if (!(Number.isInteger(key) && key >= 0 && key < 2 ** 32)) {
      throw new RangeError(`Cannot seed with ${key}: not a whole number below 2^32`);
    }
    hash = stir((Math.imul(hash, 0x9e3779b1) ^ stir(key)) + 0x7f4a7c15);
  }
  return hash >>> 0;
}

function stir(value: number): number {
  value ^= value >>> 16;
  value = Math.imul(value, 0x85ebca6b);
  value ^= value >>> 13;
  value = Math.imul(value, 0xc2b2ae35);
  return value ^ (value >>> 16);
}
