/** How far numbers are from those of a reference. */

import { median } from "../bench/median.ts";

/** Named lists of numbers. */
export type Updates = ReadonlyMap<string, ArrayLike<number>>;

/** Errors of many tensors in short. */
export interface ErrorSummary {
  readonly max: number;
  readonly median: number;
  /** How many are above the limit. */
  readonly above: number;
}

/**
 * The length of the difference, as a share of the length of `expected`. 0 where both are zeros.
 *
 * @throws {TypeError} when they are not of one length.
 */
export function relativeError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) {
    throw new TypeError(`Cannot compare ${found.length} numbers with ${expected.length}`);
  }
  let [apart, size] = [0, 0];
  for (let i = 0; i < found.length; i++) {
    apart += (found[i]! - expected[i]!) ** 2;
    size += expected[i]! ** 2;
  }
  return apart === 0 ? 0 : Math.sqrt(apart / size);
}

/**
 * The error of each tensor.
 *
 * @throws {TypeError} when the tensors are not the same.
 */
export function relativeErrors(found: Updates, expected: Updates): Map<string, number> {
  const names = [...expected.keys()];
  const strange = [...found.keys()].find((name) => !expected.has(name)) ??
    names.find((name) => !found.has(name));
  if (strange !== undefined) throw new TypeError(`Cannot compare: only one side has ${strange}`);
  return new Map(names.map((name) => [
    name,
    relativeError(found.get(name)!, expected.get(name)!),
  ]));
}

/** @param limit Errors above are counted. NaN is above any limit. */
export function summarizeErrors(errors: Iterable<number>, limit: number): ErrorSummary {
  const all = [...errors];
  return {
    max: Math.max(...all),
    median: median(all),
    above: all.filter((error) => !(error <= limit)).length,
  };
}

/** What errors of updates are allowed; see {@linkcode updateLimit}. */
export interface UpdateLimits {
  /** Allowed whatever the reference's own errors are. */
  readonly least: number;
  /** Allowed as a multiple of the reference's own largest error. */
  readonly times: number;
  /** Not exceeded, however large the reference's own errors are. */
  readonly most: number;
}

/**
 * The error allowed to a tensor's update: a multiple of the largest that the reference's own runs
 * of lower precision come to in the same tensor, within bounds.
 *
 * @param own The reference's errors of this tensor, one a run.
 */
export function updateLimit(
  own: ArrayLike<number>,
  { least, times, most }: UpdateLimits,
): number {
  return Math.min(most, Math.max(least, times * Math.max(...Array.from(own))));
}

/** The largest difference of two series, as a share of the second. */
export function largestDifference(found: readonly number[], expected: readonly number[]): number {
  return Math.max(...expected.map((value, i) => Math.abs(found[i]! / value - 1)));
}
