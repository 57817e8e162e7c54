/** How many zeros convolutions put around a map. */

/**
 * The padding that keeps the size at stride 1.
 *
 * @throws {TypeError} when the kernel is not square or not odd.
 */
export function evenPadding(height: number, width: number, dilation: number): number {
  if (height !== width || height % 2 === 0) {
    throw new TypeError(`Cannot pad evenly for a ${height}×${width} kernel: give the padding`);
  }
  return (height - 1) / 2 * dilation;
}

/**
 * TensorFlow's padding "SAME": zeros before and after, for `ceil(size / stride)` cells, the odd zero
 * at the end.
 */
export function tensorflowPadding(
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
): [before: number, after: number] {
  const reach = (kernel - 1) * dilation + 1;
  const cells = Math.ceil(size / stride);
  const total = Math.max(0, (cells - 1) * stride + reach - size);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}
