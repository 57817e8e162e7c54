/** Masks as polygons. */

import type { Mask } from "../raster.ts";
import { connectedRegions } from "../../kernels/connected_regions.ts";
import { simplifyRing } from "../../kernels/simplify_ring.ts";
import { traceRings } from "../../kernels/trace_rings.ts";

/** A 4-connected region of a mask. */
export interface Polygon {
  /**
   * The border, then those of the holes: `x, y, x, y, …` in pixels from the top left corner of the image, the
   * first point not repeated. The shoelace formula gives the border a positive area, holes negative ones.
   */
  readonly rings: readonly Int32Array[];
  /** Pixels of the region, whatever the polygon was simplified to. */
  readonly pixels: number;
}

/** Distance in pixels that polygons may be from the mask's borders unless a caller names another. */
export const DEFAULT_TOLERANCE = 1;

/**
 * The regions of one label as polygons with holes.
 *
 * @param tolerance Pixels that a polygon may be away from the border; at 0 polygons filled by the even-odd
 *   rule are exactly the mask.
 * @returns Regions in row order of their first pixels.
 */
export function maskPolygons(
  mask: Mask,
  label: number,
  tolerance: number = DEFAULT_TOLERANCE,
): Polygon[] {
  const { width, height, data } = mask;
  const rings = traceRings(data, width, height, label);
  if (rings.length === 0) return [];
  const { map } = connectedRegions(data, width, height);
  const regions = new Map<number, { border: Int32Array; holes: Int32Array[]; double: number }>();
  for (const { points, doubleArea, pixel } of rings) {
    const region = regions.get(map[pixel]!) ??
      { border: points, holes: [] as Int32Array[], double: 0 };
    regions.set(map[pixel]!, region);
    region.double += doubleArea;
    const simple = simplifyRing(points, tolerance);
    if (doubleArea > 0) region.border = simple;
    else region.holes.push(simple);
  }
  return [...regions.values()].map(({ border, holes, double }) => ({
    rings: [border, ...holes],
    pixels: double / 2,
  }));
}
