/** Checks of arguments that several kernels share. */

/** A whole number of at least one pixel, twice. */
function checkSize(width: number, height: number, task: string): void {
  if (!(Number.isInteger(width) && Number.isInteger(height) && width >= 1 && height >= 1)) {
    throw new RangeError(`Cannot ${task}: ${width}×${height} is no image size`);
  }
}

function checkBytes(bytes: unknown, count: number, what: string, task: string): void {
  if (!(bytes instanceof Uint8Array || bytes instanceof Uint8ClampedArray)) {
    throw new TypeError(`Cannot ${task}: the image must be bytes`);
  }
  if (bytes.length !== count) {
    throw new TypeError(`Cannot ${task}: the image holds ${bytes.length} bytes, ${what}`);
  }
}

/**
 * Refuses what is not `H×W×3` bytes.
 *
 * @param task What cannot be done, for the message: "run SLIC".
 * @throws {TypeError} Not bytes, or not as many as the sizes say.
 * @throws {RangeError} A size is not a whole number of at least one pixel.
 */
export function checkRgb(
  rgb: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
  task: string,
): void {
  checkSize(width, height, task);
  const count = 3 * width * height;
  checkBytes(rgb, count, `${width}×${height} pixels of RGB need ${count}`, task);
}

/**
 * Refuses what is not `H×W` bytes.
 *
 * @param task What cannot be done, for the message: "blur".
 * @throws {TypeError} Not bytes, or not as many as the sizes say.
 * @throws {RangeError} A size is not a whole number of at least one pixel.
 */
export function checkBytePlane(
  plane: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
  task: string,
): void {
  checkSize(width, height, task);
  const count = width * height;
  checkBytes(plane, count, `${width}×${height} pixels of grey need ${count}`, task);
}

/**
 * Refuses what is not a number in `low..high`, both included.
 *
 * @throws {TypeError} Not a number.
 * @throws {RangeError} Out of range, or not a whole number where `whole` is asked for.
 */
export function inRange(
  name: string,
  value: number,
  low: number,
  high: number,
  { whole = false }: { readonly whole?: boolean } = {},
): void {
  if (typeof value !== "number") {
    throw new TypeError(`Option ${name} must be a number, not ${typeof value}`);
  }
  if (!(value >= low && value <= high) || (whole && !Number.isInteger(value))) {
    const kind = whole ? "a whole number " : "";
    throw new RangeError(`Option ${name} is ${value}, must be ${kind}from ${low} to ${high}`);
  }
}
