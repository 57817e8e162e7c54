/**
 * `deno task pictures`: the pictures of the README, of the example photos, in `docs/pictures/`: what every
 * part of the chain makes of a photo.
 */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Image } from "imagescript";
import { drawOverlay } from "../core/image/mod.ts";
import type { Planes, Raster } from "../core/raster.ts";
import { createSilop } from "../core/silop.ts";
import { drawHeat, strongest } from "../core/stages/heat.ts";
import { drawPerimeters } from "../core/stages/perimeter_stage.ts";
import type { Refinement } from "../core/stages/refine.ts";
import { resizeImage } from "../kernels/resize_image.ts";
import { createCommand } from "./cli.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** Photos, and the label that each has. */
const PHOTOS = { astronaut: "person", cat: "cat" } as const;
/** Of every class: VOC's own colours are too pale beside each other in small pictures. */
const MASK_COLOUR = [0, 200, 150] as const;
/** Opacity of it. */
const MASK_ALPHA = 0.6;
/** Height of all pictures, in pixels, so that they stand in a row. */
const HEIGHT = 220;
const QUALITY = 82;

createCommand("pictures", "Make the pictures of the README.").parse(Deno.args, { from: "user" });
const folder = join(ROOT, "docs", "pictures");
await mkdir(folder, { recursive: true });
using silop = createSilop({ device: "cpu", workers: 1 });
for (const [name, label] of Object.entries(PHOTOS)) {
  const photo = await readFile(join(ROOT, "examples", `${name}.jpg`));
  // What perimeters do is to be seen: no AffinityNet lends its edges.
  const refinement = await silop.refine(photo, { labels: [label], walk: false });
  for (const [part, picture] of Object.entries(drawParts(refinement))) {
    const path = join(folder, `${name}.${part}.webp`);
    await writeFile(path, await encodeWebp(picture));
    console.log(path);
  }
}

/** Everything that is shown, by the names in the files' names. */
function drawParts(refinement: Refinement): Record<string, Raster> {
  const { image, cam, perimeters, fitted, mask } = refinement;
  const grey = greyOf(image);
  const palette = Uint8Array.from({ length: 768 }, (_, i) => MASK_COLOUR[i % 3]!);
  return {
    photo: image,
    cam: drawMaps(grey, cam.hrCam),
    perimeter: drawPerimeters(image, perimeters.branches),
    refined: drawMaps(grey, fitted.hrCam),
    mask: drawOverlay(grey, mask, { alpha: MASK_ALPHA, palette }),
  };
}

/** The strongest map as heat, relative to its largest value. */
function drawMaps(photo: Raster, maps: Planes): Raster {
  const { width, height } = photo;
  const largest = maps.data.reduce((most, value) => Math.max(most, value), 1e-6);
  const hrCam = { ...maps, data: maps.data.map((value) => value / largest) };
  return drawHeat(photo, strongest({ hrCam, width, height }));
}

/** Without colours, so that those of heat and masks stand out. */
function greyOf({ width, height, data }: Raster): Raster {
  const grey = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    grey.fill(Math.round((data[i]! + data[i + 1]! + data[i + 2]!) / 3), i, i + 3);
  }
  return { width, height, data: grey };
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
