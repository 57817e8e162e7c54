/** The CAM of an image, at both of its sizes, refined by the image's perimeters. */

import type { Planes } from "../raster.ts";
import { combineCam } from "../../kernels/combine_cam.ts";
import { connectedRegions } from "../../kernels/connected_regions.ts";
import {
  averagesRegions,
  fitCam,
  type FitMasks,
  type FitRule,
  type Segmentation,
} from "../../kernels/fit_cam.ts";
import { interpolateBilinear } from "../../kernels/interpolate.ts";
import { paintLabels, type PerimeterBranch } from "./perimeter.ts";
import type { PerimeterMethod } from "./perimeter_choices.ts";

/** CAMs of the same classes at stride 4 and at the image's size. */
export interface CamMaps {
  /** `K×⌈H/4⌉×⌈W/4⌉`. */
  readonly cam: Planes;
  /** `K×H×W`. */
  readonly hrCam: Planes;
}

/** Refined maps; values up to 2. */
export interface FittedMaps extends CamMaps {
  /** `K×H×W` bytes, 0 or 255, of each segmentation; of rules that make masks. */
  readonly masks?: FitMasks;
}

/**
 * Refines maps by a rule (`kernels/fit_cam.ts`).
 *
 * The map at stride 4 is raised within the same masks as the large one, as published; rules that average
 * regions have no counterpart for it, so that it becomes the large map made small.
 *
 * @param branches What `findPerimeters()` found at the maps' full size, by one method or both.
 * @throws {TypeError} Sizes do not fit each other.
 * @throws {RangeError} There are no maps, or no branches.
 */
export function fitMaps(
  { cam, hrCam }: CamMaps,
  branches: readonly PerimeterBranch[],
  rule: FitRule,
): FittedMaps {
  const { width, height, channels } = hrCam;
  const segmentations: Partial<Record<PerimeterMethod, Segmentation>> = {};
  for (const { method, labels, perimeter } of branches) {
    segmentations[method] = {
      edge: perimeter.data,
      ...(rule === "reference"
        ? { picture: paintLabels(labels.data, labels.width, labels.height).data }
        : { regions: connectedRegions(labels.data, labels.width, labels.height) }),
    };
  }
  const { cam: data, masks } = fitCam(hrCam.data, channels, width, height, segmentations, rule);
  const [one, other] = Object.values(masks ?? {});
  const small = one === undefined || averagesRegions(rule)
    ? interpolateBilinear(data, channels, height, width, cam.height, cam.width)
    : combineCam(cam.data, channels, cam.width, cam.height, one, other ?? one, {
      maskWidth: width,
      maskHeight: height,
    });
  return { cam: { ...cam, data: small }, hrCam: { ...hrCam, data }, ...(masks ? { masks } : {}) };
}
