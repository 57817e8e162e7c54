/** The middle of some numbers; the mean of the middle two when they are even in number. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("No median of no values");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
