/** Masks as Label Studio's predictions. */

import type { BrushStrokes } from "../../core/formats/mask_files.ts";
import type { MaskFeatures } from "../../core/formats/geojson.ts";
import type { Control, ControlTag } from "./labeling_config.ts";

/** One region of a prediction. */
export interface Region {
  readonly id: string;
  readonly from_name: string;
  readonly to_name: string;
  readonly type: Lowercase<ControlTag>;
  readonly original_width: number;
  readonly original_height: number;
  readonly image_rotation: 0;
  readonly score: number;
  readonly value: Readonly<Record<string, unknown>>;
}

/** Strokes of the brush, one for each class that has a label. */
export function brushRegions(control: Control, { width, height, strokes }: BrushStrokes): Region[] {
  return strokes.flatMap(({ name, score, rle }) =>
    regions(control, { name, score }, width, height, [{ format: "rle", rle }])
  );
}

/** Polygons or boxes, one for each region of each class that has a label. Coordinates are percentages. */
export function shapeRegions(
  control: Control,
  { features }: MaskFeatures,
  width: number,
  height: number,
): Region[] {
  return features.flatMap(({ properties, geometry }) => {
    const values = geometry.coordinates.map(([border]) => {
      // The last point is the first again.
      const points = border!.slice(0, -1)
        .map(([x, y]) => [100 * x / width, 100 * y / height] as const);
      return control.tag === "PolygonLabels" ? { points, closed: true } : boxOf(points);
    });
    return regions(control, properties, width, height, values);
  });
}

function regions(
  control: Control,
  { name, score }: { name: string; score: number },
  width: number,
  height: number,
  values: readonly Record<string, unknown>[],
): Region[] {
  const label = control.labelOf(name);
  if (label === undefined) return [];
  const type = control.tag.toLowerCase() as Lowercase<ControlTag>;
  return values.map((value, i) => ({
    id: `${name}-${i + 1}`,
    from_name: control.name,
    to_name: control.toName,
    type,
    original_width: width,
    original_height: height,
    image_rotation: 0,
    score,
    value: { ...value, [type]: [label] },
  }));
}

function boxOf(points: readonly (readonly [number, number])[]): Record<string, number> {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y, rotation: 0 };
}
