/** Resizing of byte images by the nearest neighbour, as Pillow chooses it. */

/** A part of an image, in pixels. */
export interface ResizeWindow {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * The source position of every output position for the nearest neighbour. Pillow adds the step up
 * instead of multiplying it, which decides which neighbour an exact half belongs to.
 */
function nearestPositions(inSize: number, outSize: number): Int32Array {
  const step = inSize / outSize;
  const positions = new Int32Array(outSize);
  let position = step * 0.5;
  for (let i = 0; i < outSize; i++) {
    positions[i] = Math.min(inSize - 1, Math.trunc(position));
    position += step;
  }
  return positions;
}

/**
 * The part of an image of `newWidth×newHeight` pixels that lies in `window`.
 *
 * @param data `height×width×channels` bytes, row major
 */
export function resizeNearest(
  data: Uint8Array,
  width: number,
  height: number,
  channels: number,
  newWidth: number,
  newHeight: number,
  window: ResizeWindow,
): Uint8Array {
  const { left, top } = window;
  const columns = nearestPositions(width, newWidth).subarray(left, left + window.width);
  const rows = nearestPositions(height, newHeight).subarray(top, top + window.height);
  const out = new Uint8Array(columns.length * rows.length * channels);
  const rowBytes = columns.length * channels;
  for (let y = 0; y < rows.length; y++) {
    let o = y * rowBytes;
    if (y > 0 && rows[y] === rows[y - 1]) {
      out.copyWithin(o, o - rowBytes, o);
      continue;
    }
    const row = rows[y]! * width * channels;
    for (let x = 0; x < columns.length; x++) {
      const s = row + columns[x]! * channels;
      for (let c = 0; c < channels; c++) out[o++] = data[s + c]!;
    }
  }
  return out;
}
