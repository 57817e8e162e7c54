/** The task `perimeter`. */

import type { z } from "zod";
import { OptionError } from "../../errors.ts";
import { decodeImage } from "../../image/mod.ts";
import { findPerimeters } from "../../stages/perimeter.ts";
import { UssSegmenter } from "../../stages/uss.ts";
import { encodePerimeter, encodeUss } from "../codecs.ts";
import type { Prepare } from "../task.ts";
import type { perimeterOptions } from "../tasks.ts";

export const prepare: Prepare<z.output<typeof perimeterOptions>> = (options, surroundings) => {
  const { device, threads, layout } = surroundings;
  if (device === "auto") throw new OptionError("A device must be named, so that a run is of one");
  const uss = new UssSegmenter({ device, threads });
  return async ({ photo }, checkpoint) => {
    const image = await decodeImage(photo!);
    const found = await findPerimeters(image, uss, { ...options, method: "both" }, checkpoint);
    const files: Record<string, Uint8Array> = {};
    for (const { method, labels, perimeter } of found.branches) {
      files[`uss_${method}`] = encodeUss(labels, layout);
      files[`perimeter_${method}`] = encodePerimeter(perimeter);
    }
    return files;
  };
};
