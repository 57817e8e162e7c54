/**
 * Windows cut out of images that may be smaller than the window: where the image ends, there is padding.
 */

/** Where a window lies over an image, and where what they share lies in the window. Pixels. */
export interface CropPlace {
  /** Side of the window. */
  readonly size: number;
  /** Column and row of the image at which the shared part begins. */
  readonly left: number;
  readonly top: number;
  /** Column and row of the window at which it begins. */
  readonly x: number;
  readonly y: number;
  /** Size of the shared part. */
  readonly width: number;
  readonly height: number;
  /** Whether the image is mirrored left to right before it is cut; `left` counts in the mirrored image. */
  readonly mirror: boolean;
}

/**
 * Mirrors interleaved bytes left to right, in place.
 *
 * @param data `H×W×C`, row major
 * @param width W
 * @param channels C
 * @throws {TypeError} when `data` has no whole rows
 */
export function mirrorRows(data: Uint8Array, width: number, channels: number): void {
  const rowBytes = width * channels;
  if (data.length % rowBytes !== 0) {
    throw new TypeError(`Cannot mirror ${data.length} bytes: no rows of ${rowBytes}`);
  }
  for (let row = 0; row < data.length; row += rowBytes) {
    for (let a = row, b = row + rowBytes - channels; a < b; a += channels, b -= channels) {
      for (let c = 0; c < channels; c++) {
        const value = data[a + c]!;
        data[a + c] = data[b + c]!;
        data[b + c] = value;
      }
    }
  }
}

/**
 * Writes a part of a photograph into a window of float planes as `(value/255 − mean)/std`. Where the
 * window has no image its planes stay as they are: 0 in a new array, which is the mean colour.
 *
 * @param rgb The part: `place.height×place.width×3`
 * @param out `3×size×size`
 * @throws {TypeError} when an array has another length
 */
export function placeNormalized(
  rgb: Uint8Array,
  place: CropPlace,
  mean: readonly [number, number, number],
  std: readonly [number, number, number],
  out: Float32Array,
): void {
  const { size, x, y, width, height } = place;
  if (rgb.length !== 3 * width * height || out.length !== 3 * size * size) {
    throw new TypeError(
      `Cannot place ${rgb.length} bytes of ${width}×${height} px in ${out.length} values of a window ` +
        `of ${size} px`,
    );
  }
  const level = new Float32Array(256);
  for (let channel = 0; channel < 3; channel++) {
    for (let v = 0; v < 256; v++) level[v] = (v / 255 - mean[channel]!) / std[channel]!;
    for (let row = 0, from = channel; row < height; row++) {
      let to = (channel * size + y + row) * size + x;
      for (const end = to + width; to < end; to++, from += 3) out[to] = level[rgb[from]!]!;
    }
  }
}

/**
 * Writes a part of a mask into a window, then takes every `stride`-th pixel of that as Pillow's nearest
 * neighbour would: of each cell the pixel after its middle, down and to the right.
 *
 * @param mask The part: `place.height×place.width`
 * @param fill Value where the window has no image.
 * @returns `⌈size/stride⌉` squared
 * @throws {TypeError} when `mask` has another length
 */
export function placeMask(
  mask: Uint8Array,
  place: CropPlace,
  fill: number,
  stride: number = 1,
): Uint8Array {
  const { size, x, y, width, height } = place;
  if (mask.length !== width * height) {
    throw new TypeError(
      `Cannot place ${mask.length} bytes as a mask of ${width}×${height} px`,
    );
  }
  const cells = Math.ceil(size / stride);
  const step = size / cells;
  const out = new Uint8Array(cells * cells).fill(fill);
  for (let j = 0; j < cells; j++) {
    const row = Math.trunc((j + 0.5) * step) - y;
    if (row < 0 || row >= height) continue;
    for (let i = 0; i < cells; i++) {
      const column = Math.trunc((i + 0.5) * step) - x;
      if (column >= 0 && column < width) out[j * cells + i] = mask[row * width + column]!;
    }
  }
  return out;
}
