/**
 * Cutting a window out of an image that may be smaller than the window: where it ends, there is padding.
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
 * Cuts a window out of a stack of interleaved bytes; nothing is padded yet.
 *
 * @param data `H×W×C`, row major
 * @param imageWidth W
 * @param channels C
 * @returns the shared part, `place.height×place.width×C`
 * @throws {TypeError} when `data` does not have the rows and columns of `place`
 */
export function cropBytes(
  data: Uint8Array,
  imageWidth: number,
  channels: number,
  place: CropPlace,
): Uint8Array {
  const { left, top, width, height, mirror } = place;
  const rowBytes = imageWidth * channels;
  if (left + width > imageWidth || (top + height) * rowBytes > data.length) {
    throw new TypeError(
      `Cannot crop ${width}×${height} px at ${left}, ${top}: the image is ` +
        `${imageWidth}×${data.length / rowBytes} px`,
    );
  }
  const out = new Uint8Array(width * height * channels);
  for (let y = 0, o = 0; y < height; y++) {
    const row = (top + y) * rowBytes;
    if (!mirror) {
      const start = row + left * channels;
      out.set(data.subarray(start, start + width * channels), o);
      o += width * channels;
      continue;
    }
    for (let x = 0; x < width; x++) {
      const from = row + (imageWidth - 1 - left - x) * channels;
      for (let c = 0; c < channels; c++) out[o++] = data[from + c]!;
    }
  }
  return out;
}

/**
 * Writes a part of a photograph into a window of float planes as `(value/255 − mean)/std`. Where the
 * window has no image its planes stay as they are: 0 in a new array, which is the mean colour.
 *
 * @param rgb `place.height×place.width×3`, as {@linkcode cropBytes} makes it
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
 * @param mask `place.height×place.width`, as {@linkcode cropBytes} makes it
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
