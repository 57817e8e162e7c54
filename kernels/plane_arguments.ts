/** Checks of sizes and planes that the refinement kernels share. */

/**
 * Refuses what is no image size.
 *
 * @param task What cannot be done, for the message: "build a lattice".
 * @throws {RangeError} A size is not a whole number of at least one pixel.
 */
export function checkSize(width: number, height: number, task: string): void {
  if (!(Number.isInteger(width) && Number.isInteger(height) && width >= 1 && height >= 1)) {
    throw new RangeError(`Cannot ${task}: ${width}×${height} is no image size`);
  }
}

/**
 * Refuses an array that does not hold `channels` planes of an image.
 *
 * @param name What the array is, for the message: "the CAM".
 * @throws {TypeError} It holds another number of values.
 * @throws {RangeError} A size is not a whole number ≥ 1, or `channels` not one ≥ 0.
 */
export function checkPlanes(
  planes: ArrayLike<number>,
  channels: number,
  width: number,
  height: number,
  name: string,
  task: string,
): void {
  checkSize(width, height, task);
  if (!(Number.isInteger(channels) && channels >= 0)) {
    throw new RangeError(`Cannot ${task}: ${channels} is no number of planes`);
  }
  const count = channels * width * height;
  if (planes.length !== count) {
    throw new TypeError(
      `Cannot ${task}: ${name} holds ${planes.length} values, ${channels} planes of ` +
        `${width}×${height} need ${count}`,
    );
  }
}
