/** The task `random-walk`. */

import type { z } from "zod";
import { walkCam } from "../../stages/walk.ts";
import { decodeCam, decodePerimeter, encodeWalk } from "../codecs.ts";
import type { Prepare } from "../task.ts";
import type { randomWalkOptions } from "../tasks.ts";

export const prepare: Prepare<z.output<typeof randomWalkOptions>> = (options, { layout }) => {
  const { from, edgeStrength, ...walk } = options;
  return async (files) => {
    const { keys, cam, hrCam } = decodeCam(files[from]!);
    const perimeters = [
      await decodePerimeter(files.perimeter_slic!),
      await decodePerimeter(files.perimeter_quickshift!),
    ];
    const planes = walkCam(cam, perimeters, hrCam.width, hrCam.height, { ...walk, edgeStrength });
    return { random_walk: encodeWalk({ keys, planes }, layout) };
  };
};
