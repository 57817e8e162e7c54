/** The task `fit`. */

import type { z } from "zod";
import { connectedRegions } from "../../../kernels/connected_regions.ts";
import { type PerimeterBranch, perimeterFit } from "../../../kernels/perimeter_fit.ts";
import { OptionError } from "../../errors.ts";
import { paintLabels } from "../../stages/perimeter.ts";
import {
  decodeCam,
  decodePerimeter,
  decodeUss,
  encodeMasks,
  type MasksFile,
  type UssFile,
} from "../codecs.ts";
import type { Prepare } from "../task.ts";
import type { fitOptions } from "../tasks.ts";

export const prepare: Prepare<z.output<typeof fitOptions>> = ({ rule }, { layout }) => {
  return async (files) => {
    const { keys, hrCam } = decodeCam(files.cam!);
    const { width, height, channels } = hrCam;
    const made: Record<string, Uint8Array> = {};
    for (const branch of ["slic", "quickshift"] as const satisfies readonly PerimeterBranch[]) {
      const shape = shapeOf(await decodeUss(files[`uss_${branch}`]!), rule);
      const edge = (await decodePerimeter(files[`perimeter_${branch}`]!)).data;
      const options = rule === "reference" ? {} : { rule };
      // The published masks have a plane for the background, whose CAM is zero.
      const zero = new Float32Array(width * height);
      const background = layout === "published"
        ? perimeterFit(zero, 1, shape, edge, width, height, branch, options)
        : undefined;
      const masks: MasksFile = {
        width,
        height,
        masks: perimeterFit(
          hrCam.data,
          channels,
          shape,
          edge,
          width,
          height,
          branch,
          options,
        ),
      };
      made[`fit_${branch}`] = encodeMasks(keys, masks, layout, background);
    }
    return made;
  };
};

function shapeOf(uss: UssFile, rule: z.output<typeof fitOptions>["rule"]) {
  if ("picture" in uss) {
    if (rule === "reference") return { picture: uss.picture.data };
    throw new OptionError(
      `The segmentation is a picture of blurred colours, which only the rule reference can use`,
    );
  }
  const { data, width, height } = uss.labels;
  return rule === "reference"
    ? { picture: paintLabels(data, width, height).data }
    : { regions: connectedRegions(data, width, height) };
}
