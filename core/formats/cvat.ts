/** Masks as CVAT takes them from its serverless functions. */

import type { Mask } from "../raster.ts";
import { connectedRegions } from "../../kernels/connected_regions.ts";
import type { SegmentedClass } from "../stages/segment.ts";
import { maskPolygons } from "./polygons.ts";

/** One region of one class; CVAT makes a mask of it, or a polygon when it is told to. */
export interface CvatShape {
  /** The classifier's score, which CVAT wants as text. */
  readonly confidence: string;
  readonly label: string;
  readonly type: "mask";
  /** The region's border as a polygon, `x, y, x, y, …`; it cannot tell of holes. */
  readonly points: readonly number[];
  /**
   * The region's bounding box row by row, 1 inside and 0 outside, then the box: left, top, right and
   * bottom, the last two inclusive.
   */
  readonly mask: readonly number[];
}

const utf8 = new TextEncoder();
const ZERO = 48;
const COMMA = 44;

/**
 * Writes a list of {@linkcode CvatShape}, one for every 4-connected region, as JSON in UTF-8.
 *
 * @param tolerance Pixels that `points` may be away from the region's border. Default: 1.
 * @param minScore Classes of lower scores are left out. Default: 0.
 */
export function encodeCvatShapes(
  mask: Mask,
  classes: readonly SegmentedClass[],
  { tolerance, minScore = 0 }: { tolerance?: number; minScore?: number } = {},
): Uint8Array {
  const regions = connectedRegions(mask.data, mask.width, mask.height);
  const parts: Uint8Array[] = [];
  for (const { name, index, score } of classes) {
    if (score < minScore) continue;
    for (const { rings, box, region } of maskPolygons(mask, index, tolerance, regions)) {
      const known = {
        confidence: score.toFixed(4),
        label: name,
        type: "mask",
        points: Array.from(rings[0]!),
      };
      const [left, top, right, bottom] = box;
      // Written as bytes: as a list of numbers a large mask would take forty times the room.
      const head = `${JSON.stringify(known).slice(0, -1)},"mask":[`;
      const tail = `${[left, top, right - 1, bottom - 1]}]}`;
      parts.push(
        utf8.encode(parts.length === 0 ? head : `,${head}`),
        cropped(regions.map, mask.width, region, box),
        utf8.encode(tail),
      );
    }
  }
  return joined([utf8.encode("["), ...parts, utf8.encode("]")]);
}

/** A region's bounding box as `0,1,1,…,`. */
function cropped(
  map: Int32Array,
  width: number,
  region: number,
  [left, top, right, bottom]: readonly [number, number, number, number],
): Uint8Array {
  const text = new Uint8Array(2 * (right - left) * (bottom - top)).fill(COMMA);
  for (let y = top, at = 0; y < bottom; y++) {
    for (let p = y * width + left; p < y * width + right; p++, at += 2) {
      text[at] = ZERO + Number(map[p] === region);
    }
  }
  return text;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
