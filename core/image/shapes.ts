import type { Mask, Raster } from "../raster.ts";

/**
 * Throws unless `raster.data` has `width · height · 3` bytes.
 *
 * @throws {TypeError}
 */
export function requireRaster(raster: Raster): void {
  requireShape("Raster", raster, 3);
}

/**
 * Throws unless `mask.data` has `width · height` bytes.
 *
 * @throws {TypeError}
 */
export function requireMask(mask: Mask): void {
  requireShape("Mask", mask, 1);
}

function requireShape(name: string, image: Mask | Raster, channels: number): void {
  const { width, height, data } = image;
  const sound = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (!sound || !(data instanceof Uint8Array) || data.length !== width * height * channels) {
    throw new TypeError(
      `${name} of ${width}×${height} px must hold ${channels} × ${width}·${height} bytes, has ${data?.length}`,
    );
  }
}
