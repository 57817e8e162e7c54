/**
 * The few shapes of data that travel between the codec, the kernels and the stages.
 *
 * All are row major with the origin at the top left; sizes are in pixels.
 */

/** An RGB photograph: `H×W×3` interleaved bytes, 0..255. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  /** `H×W×3`, R G B R G B …; length is exactly `width · height · 3`. */
  readonly data: Uint8Array;
}

/** A stack of float maps: `C×H×W`, one plane after the other. */
export interface Planes {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** Length is exactly `channels · height · width`. */
  readonly data: Float32Array;
}

/** A class index per pixel: `H×W` bytes, 0 = background, 255 = ignore. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  /** Length is exactly `width · height`. */
  readonly data: Uint8Array;
}

/**
 * A region number per pixel: `H×W` 32-bit integers. Used where more than 256 labels may occur
 * (superpixels, connected regions).
 */
export interface LabelMap {
  readonly width: number;
  readonly height: number;
  /** Length is exactly `width · height`. */
  readonly data: Int32Array;
}
