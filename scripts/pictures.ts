/**
 * `deno task pictures`: the pictures of the README, of the example photos, in `docs/pictures/`: what every
 * part of the chain makes of a photo.
 */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Image } from "imagescript";
import { drawOverlay } from "../core/image/mod.ts";
import type { Raster } from "../core/raster.ts";
import { createSilop } from "../core/silop.ts";
import { drawHeat, strongest } from "../core/stages/heat.ts";
import { drawPerimeters } from "../core/stages/perimeter_stage.ts";
import type { Refinement } from "../core/stages/refine.ts";
import { resizeImage } from "../kernels/resize_image.ts";
import { createCommand } from "./cli.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const PHOTOS = ["cat", "astronaut"] as const;
/** Height of all pictures, in pixels, so that they stand in a row. */
const HEIGHT = 220;
const QUALITY = 82;

createCommand("pictures", "Make the pictures of the README.").parse(Deno.args, { from: "user" });
const folder = join(ROOT, "docs", "pictures");
await mkdir(folder, { recursive: true });
using silop = createSilop({ device: "cpu", workers: 1 });
for (const name of PHOTOS) {
  const photo = await readFile(join(ROOT, "examples", `${name}.jpg`));
  const refinement = await silop.refine(photo);
  for (const [part, picture] of Object.entries(drawParts(refinement))) {
    const path = join(folder, `${name}.${part}.webp`);
    await writeFile(path, await encodeWebp(picture));
    console.log(path);
  }
}

/** Everything that is shown, by the names in the files' names. */
function drawParts(refinement: Refinement): Record<string, Raster> {
  const { image, cam, perimeters, fitted, walked, mask } = refinement;
  const { width, height } = image;
  const maps = walked ?? fitted.hrCam;
  const largest = maps.data.reduce((most, value) => Math.max(most, value), 1);
  const hrCam = { ...maps, data: maps.data.map((value) => value / largest) };
  return {
    photo: image,
    cam: drawHeat(image, strongest({ hrCam: cam.hrCam, width, height })),
    perimeter: drawPerimeters(image, perimeters.branches),
    refined: drawHeat(image, strongest({ hrCam, width, height })),
    mask: drawOverlay(image, mask),
  };
}

async function encodeWebp({ width, height, data }: Raster): Promise<Uint8Array> {
  const columns = Math.round(width * HEIGHT / height);
  const small = resizeImage(data, width, height, 3, columns, HEIGHT);
  const picture = new Image(columns, HEIGHT);
  for (let p = 0; p < columns * HEIGHT; p++) {
    picture.bitmap.set(small.subarray(3 * p, 3 * p + 3), 4 * p);
    picture.bitmap[4 * p + 3] = 255;
  }
  return await picture.encodeWEBP(QUALITY);
}
