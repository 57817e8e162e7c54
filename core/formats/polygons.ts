/** Masks as polygons. */

import type { Mask } from "../raster.ts";
import { connectedRegions, type Regions } from "../../kernels/connected_regions.ts";
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
  /** `[left, top, right, bottom]` of the region, right and bottom exclusive. */
  readonly box: readonly [number, number, number, number];
  /** The region's number in `regions`. */
  readonly region: number;
}

/** Distance in pixels that polygons may be from the mask's borders unless a caller names another. */
export const DEFAULT_TOLERANCE = 1;

/**
 * The regions of one label as polygons with holes.
 *
 * @param tolerance Pixels that a polygon may be away from the border; at 0 polygons filled by the even-odd
 *   rule are exactly the mask.
 * @param regions The 4-connected regions of the mask, if they are known already.
 * @returns Regions in row order of their first pixels.
 */
export function maskPolygons(
  mask: Mask,
  label: number,
  tolerance: number = DEFAULT_TOLERANCE,
  regions?: Regions,
): Polygon[] {
  const { width, height, data } = mask;
  const rings = traceRings(data, width, height, label);
  if (rings.length === 0) return [];
  const { map } = regions ?? connectedRegions(data, width, height);
  const found = new Map<number, { border: Int32Array; holes: Int32Array[]; doubleArea: number }>();
  for (const { points, doubleArea, pixel } of rings) {
    const region = found.get(map[pixel]!) ?? { border: points, holes: [], doubleArea: 0 };
    found.set(map[pixel]!, region);
    region.doubleArea += doubleArea;
    if (doubleArea > 0) region.border = points;
    else region.holes.push(points);
  }
  return [...found].map(([region, { border, holes, doubleArea }]) => ({
    rings: [border, ...holes].map((ring) => simplifyRing(ring, tolerance)),
    pixels: doubleArea / 2,
    box: boxOf(border),
    region,
  }));
}

function boxOf(ring: Int32Array): Polygon["box"] {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < ring.length; i += 2) {
    left = Math.min(left, ring[i]!);
    right = Math.max(right, ring[i]!);
    top = Math.min(top, ring[i + 1]!);
    bottom = Math.max(bottom, ring[i + 1]!);
  }
  return [left, top, right, bottom];
}
