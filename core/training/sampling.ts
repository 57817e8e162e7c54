/** Seeded choices. */

import type { Pcg64 } from "../../kernels/pcg64.ts";

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
