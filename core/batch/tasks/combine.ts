/** The task `combine`. */

import type { z } from "zod";
import { combineCam } from "../../../kernels/combine_cam.ts";
import { connectedRegions, type Regions } from "../../../kernels/connected_regions.ts";
import { fitCam, type FitRule } from "../../../kernels/fit_cam.ts";
import { interpolateBilinear } from "../../../kernels/interpolate.ts";
import { OptionError } from "../../errors.ts";
import type { Planes } from "../../raster.ts";
import { type CamFile, decodeCam, decodeMasks, decodeUss, encodeCam } from "../codecs.ts";
import type { Files, Prepare } from "../task.ts";
import type { combineOptions } from "../tasks.ts";

export const prepare: Prepare<z.output<typeof combineOptions>> = ({ fit }, { layout }) => {
  return async (files) => {
    const cam = decodeCam(files.cam!);
    const combined = fit === "masks"
      ? combineMasks(cam, files)
      : await averageRegions(cam, files, fit);
    return { combined: encodeCam({ keys: cam.keys, ...combined }, layout) };
  };
};

type Maps = Pick<CamFile, "cam" | "hrCam">;

function combineMasks({ keys, cam, hrCam }: CamFile, files: Files): Maps {
  const slic = decodeMasks(files.fit_slic!, keys.length - 1);
  const quickshift = decodeMasks(files.fit_quickshift!, keys.length - 1);
  const combine = ({ width, height, channels, data }: Planes): Planes => {
    const size = { maskWidth: slic.width, maskHeight: slic.height };
    const raised = combineCam(data, channels, width, height, slic.masks, quickshift.masks, size);
    return { width, height, channels, data: raised };
  };
  return { cam: combine(cam), hrCam: combine(hrCam) };
}

async function averageRegions({ cam, hrCam }: CamFile, files: Files, rule: FitRule): Promise<Maps> {
  const segmentations = {
    slic: { regions: await regionsIn(files.uss_slic!) },
    quickshift: { regions: await regionsIn(files.uss_quickshift!) },
  };
  const { width, height, channels } = hrCam;
  if (channels === 0) return { cam, hrCam };
  const { cam: data } = fitCam(hrCam.data, channels, width, height, segmentations, rule);
  return {
    hrCam: { ...hrCam, data },
    // Of the fitted map, as regions have no counterpart at stride 4.
    cam: {
      ...cam,
      data: interpolateBilinear(data, channels, height, width, cam.height, cam.width),
    },
  };
}

async function regionsIn(bytes: Uint8Array): Promise<Regions> {
  const uss = await decodeUss(bytes);
  if ("picture" in uss) {
    throw new OptionError(
      "The segmentation is a picture of blurred colours, which has no regions; use --fit masks",
    );
  }
  return connectedRegions(uss.labels.data, uss.labels.width, uss.labels.height);
}
