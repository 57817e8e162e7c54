/** Masks in the form of GeoJSON (RFC 7946), in pixels in place of degrees. */

import type { Mask } from "../raster.ts";
import type { SegmentedClass } from "../stages/segment.ts";
import { maskPolygons } from "./polygons.ts";

type Point = readonly [x: number, y: number];

/** All that is found of one class. */
export interface MaskFeature {
  readonly type: "Feature";
  readonly id: number;
  /** `[left, top, right, bottom]`, as `box`. */
  readonly bbox: readonly [number, number, number, number];
  readonly properties: SegmentedClass;
  readonly geometry: {
    readonly type: "MultiPolygon";
    /** For each region its border and its holes, every ring closed. */
    readonly coordinates: readonly (readonly (readonly Point[])[])[];
  };
}

/** The classes of a mask. */
export interface MaskFeatures {
  readonly type: "FeatureCollection";
  readonly features: readonly MaskFeature[];
}

/**
 * Describes a mask by polygons with holes, a feature for every class that has pixels. Coordinates are pixels
 * from the top left corner of the image, y downwards.
 *
 * @param tolerance Pixels that polygons may be away from the mask's borders. Default: 1.
 */
export function maskFeatures(
  mask: Mask,
  classes: readonly SegmentedClass[],
  tolerance?: number,
): MaskFeatures {
  const features = classes.flatMap((properties): MaskFeature[] => {
    const { index, box } = properties;
    if (box === null) return [];
    const polygons = maskPolygons(mask, index, tolerance);
    const coordinates = polygons.map(({ rings }) => rings.map(closedRing));
    return [{
      type: "Feature",
      id: index,
      bbox: box,
      properties,
      geometry: { type: "MultiPolygon", coordinates },
    }];
  });
  return { type: "FeatureCollection", features };
}

function closedRing(points: Int32Array): Point[] {
  const ring: Point[] = [];
  for (let i = 0; i < points.length; i += 2) ring.push([points[i]!, points[i + 1]!]);
  ring.push(ring[0]!);
  return ring;
}
