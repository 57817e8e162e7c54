/** Combine: raising a CAM where the masks of both PerimeterFit branches agree. */

import { checkPlanes } from "./plane_arguments.ts";

/** Options of {@link combineCam}. */
export interface CombineCamOptions {
  /** Size of the masks. Default: that of the CAM. */
  readonly maskWidth?: number;
  /** Size of the masks. Default: that of the CAM. */
  readonly maskHeight?: number;
}

/**
 * `cam · S · Q + cam`, S and Q being the masks as 0 or 1: at most twice the CAM.
 *
 * Masks of another size than the CAM's (its stride-4 version) are first resized bilinearly, so that
 * they have values between 0 and 1 at their rims.
 *
 * @param cam `C×H×W`; not modified.
 * @param classes C.
 * @param slic `C×maskHeight×maskWidth` bytes, nonzero inside.
 * @param quickshift The same.
 * @returns `C×H×W`, a new array.
 * @throws {TypeError} An array is not of the size given.
 * @throws {RangeError} A size is out of range.
 */
export function combineCam(
  cam: Float32Array,
  classes: number,
  width: number,
  height: number,
  slic: Uint8Array,
  quickshift: Uint8Array,
  options: CombineCamOptions = {},
): Float32Array {
  const { maskWidth = width, maskHeight = height } = options;
  checkPlanes(cam, classes, width, height, "the CAM", "combine");
  checkPlanes(slic, classes, maskWidth, maskHeight, "the SLIC mask", "combine");
  checkPlanes(quickshift, classes, maskWidth, maskHeight, "the quickshift mask", "combine");
  const combined = new Float32Array(cam.length);
  if (maskWidth === width && maskHeight === height) {
    for (let i = 0; i < cam.length; i++) {
      const value = cam[i]!;
      combined[i] = slic[i] !== 0 && quickshift[i] !== 0 ? value + value : value;
    }
    return combined;
  }
  const s = shrinkMasks(slic, classes, maskWidth, maskHeight, width, height);
  const q = shrinkMasks(quickshift, classes, maskWidth, maskHeight, width, height);
  for (let i = 0; i < cam.length; i++) combined[i] = cam[i]! * s[i]! * q[i]! + cam[i]!;
  return combined;
}

/**
 * Masks as 0 and 1, resized bilinearly without antialiasing (PyTorch's `align_corners=false`). Unlike
 * `interpolateBilinear`, positions are in double precision, as the masks of the published code are:
 * on a step from 0 to 1 single precision would be off by 1e-5.
 */
function shrinkMasks(
  masks: Uint8Array,
  classes: number,
  width: number,
  height: number,
  outWidth: number,
  outHeight: number,
): Float64Array {
  const out = new Float64Array(classes * outWidth * outHeight);
  const rows = neighbours(height, outHeight);
  const columns = neighbours(width, outWidth);
  for (let c = 0, i = 0; c < classes; c++) {
    for (let y = 0; y < outHeight; y++) {
      const upper = (c * height + rows.index[y]!) * width;
      const lower = rows.index[y]! + 1 < height ? upper + width : upper;
      const fy = rows.weight[y]!;
      for (let x = 0; x < outWidth; x++, i++) {
        const left = columns.index[x]!;
        const right = left + 1 < width ? left + 1 : left;
        const fx = columns.weight[x]!;
        const above = (masks[upper + left] ? 1 - fx : 0) + (masks[upper + right] ? fx : 0);
        const below = (masks[lower + left] ? 1 - fx : 0) + (masks[lower + right] ? fx : 0);
        out[i] = above * (1 - fy) + below * fy;
      }
    }
  }
  return out;
}

/** The lower neighbour of every output position of one axis, and the upper one's weight. */
function neighbours(size: number, outSize: number): { index: Int32Array; weight: Float64Array } {
  const index = new Int32Array(outSize);
  const weight = new Float64Array(outSize);
  for (let i = 0; i < outSize; i++) {
    const position = Math.max(0, (size / outSize) * (i + 0.5) - 0.5);
    index[i] = Math.min(Math.floor(position), size - 1);
    weight[i] = position - index[i]!;
  }
  return { index, weight };
}
