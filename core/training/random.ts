/**
 * Seeded randomness: generators that belong to a place in a training, the same for the same place whoever
 * draws first, and the choices made with them.
 */

import { Pcg64 } from "../../kernels/pcg64.ts";

/**
 * A generator of its own for every list of keys, as (seed, epoch, index).
 *
 * @param keys Whole numbers, 0..2³² − 1.
 * @throws {RangeError} A key is no whole number below 2³².
 */
export function randomOf(...keys: readonly number[]): Pcg64 {
  return new Pcg64(mixKeys(keys));
}

/**
 * A generator for each step of a training, so that one that goes on later draws what it would have drawn.
 * Its numbers are not those of `randomOf(seed, step)`, so that earlier trainings can be repeated.
 *
 * @param seed 0..2³² − 1
 */
export function randomOfStep(seed: number, step: number): Pcg64 {
  return new Pcg64((Math.imul(seed, 0x9e3779b1) + step) >>> 0);
}

/**
 * Mixes whole numbers to one of 32 bits: each is folded in and stirred as in the end of MurmurHash3
 * (A. Appleby), so that neighbouring keys have nothing in common.
 */
function mixKeys(keys: readonly number[]): number {
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

/** A whole number in 0..count − 1. */
export function randomIndex(random: Pcg64, count: number): number {
  return Math.floor(random.uniform() * count);
}

/** The numbers 0..count − 1 in random order (Fisher and Yates). */
export function randomOrder(random: Pcg64, count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = randomIndex(random, i + 1);
    const value = order[i]!;
    order[i] = order[j]!;
    order[j] = value;
  }
  return order;
}

/** At most `count` of the items, in random order; each set of them is equally likely. */
export function randomSubset(random: Pcg64, items: Uint32Array, count: number): Uint32Array {
  const order = randomOrder(random, items.length);
  return order.subarray(0, Math.min(count, items.length)).map((i) => items[i]!);
}
