/** The task `random-walk`. */

import type { z } from "zod";
import { resizeImage } from "../../../kernels/resize_image.ts";
import { decodeImage } from "../../image/mod.ts";
import type { Planes } from "../../raster.ts";
import { walkCam, walkOverEdges } from "../../stages/walk.ts";
import { chooseModels } from "../choose_models.ts";
import { type CamFile, decodeCam, decodePerimeter, encodeWalk } from "../codecs.ts";
import type { BatchSurroundings, Files, Prepare } from "../task.ts";
import type { randomWalkOptions } from "../tasks.ts";

type Options = z.output<typeof randomWalkOptions>;
/** The walk of one image. */
type Walk = (files: Files, cam: CamFile, checkpoint: () => void) => Promise<Planes>;

export const prepare: Prepare<Options> = async (options, surroundings) => {
  const walk = options.edge === "model"
    ? await overModelEdges(options, surroundings)
    : overPerimeters(options);
  return async (files, checkpoint) => {
    const cam = decodeCam(files[options.from]!);
    const planes = await walk(files, cam, checkpoint);
    return { random_walk: encodeWalk({ keys: cam.keys, planes }, surroundings.layout) };
  };
};

async function overModelEdges(
  { radius, beta, steps }: Options,
  surroundings: BatchSurroundings,
): Promise<Walk> {
  // Loaded only here: walks over perimeters need no native code.
  const { openEdges } = await import("../../stages/model_shelf.ts");
  const { findModelEdges } = await import("../../stages/affinity.ts");
  const { affinity } = await chooseModels(surroundings);
  if (affinity === null) throw new Error("There is no AffinityNet; take --edge perimeter");
  const { device, threads } = surroundings;
  const network = await openEdges(affinity, { device, threads });
  const settings = {
    radius: radius ?? affinity.info.radius,
    beta: beta ?? affinity.info.beta,
    steps,
  };
  return async (files, { cam, hrCam: { width, height } }, checkpoint) => {
    const photo = await decodeImage(files.photo!);
    // CAMs of very large photos are of reduced ones.
    const image = photo.width === width && photo.height === height ? photo : {
      width,
      height,
      data: resizeImage(photo.data, photo.width, photo.height, 3, width, height),
    };
    const edges = await findModelEdges(image, network, checkpoint);
    return walkOverEdges(cam, edges, width, height, { ...settings, checkpoint });
  };
}

function overPerimeters({ radius, beta, steps, edgeStrength }: Options): Walk {
  return async (files, { cam, hrCam }, checkpoint) => {
    const perimeters = [
      await decodePerimeter(files.perimeter_slic!),
      await decodePerimeter(files.perimeter_quickshift!),
    ];
    const settings = { radius, beta, steps, edgeStrength, checkpoint };
    return walkCam(cam, perimeters, hrCam.width, hrCam.height, settings);
  };
}
