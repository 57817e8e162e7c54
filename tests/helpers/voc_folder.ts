/** A small data set laid out as the VOC development kit, made of the two example photos. */

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeImage, encodeMaskPng, encodeRgbPng } from "../../core/image/mod.ts";
import { resizeImage } from "../../kernels/resize_image.ts";

/** The folder; disposing removes it. */
export interface TinyVoc extends AsyncDisposable {
  /** The data set, with the list `tiny`. */
  readonly data: string;
  /** For a run. */
  readonly run: string;
  readonly ids: readonly string[];
}

const PHOTOS = [["cat", 8], ["astronaut", 15]] as const;

/** @param count How many images; each is another cut of one of the photos, some 60 by 50 pixels. */
export async function makeTinyVoc(count: number): Promise<TinyVoc> {
  const path = await mkdtemp(join(tmpdir(), "silop-voc-"));
  const data = join(path, "VOC2012");
  for (const name of ["JPEGImages", "Annotations", "SegmentationClass"]) {
    await mkdir(join(data, name), { recursive: true });
  }
  await mkdir(join(data, "ImageSets", "Segmentation"), { recursive: true });
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const [name, index] = PHOTOS[i % 2]!;
    const photo = await decodeImage(
      await readFile(new URL(`../../examples/${name}.jpg`, import.meta.url)),
    );
    const [width, height] = [60 + i, 50 - i];
    const pixels = resizeImage(photo.data, photo.width, photo.height, 3, width, height);
    const id = `tiny_00000${i}`;
    ids.push(id);
    // Formats are told by content, and PNG keeps every pixel.
    await writeFile(
      join(data, "JPEGImages", `${id}.jpg`),
      encodeRgbPng({ width, height, data: pixels }),
    );
    const objects = `<object><name>${i % 2 === 0 ? "cat" : "person"}</name></object>`;
    await writeFile(
      join(data, "Annotations", `${id}.xml`),
      `<annotation>${objects}</annotation>`,
    );
    const truth = Uint8Array.from({ length: width * height }, (_, p) => {
      const x = p % width;
      return x < width / 4 ? 0 : x > width - 3 ? 255 : index;
    });
    await writeFile(
      join(data, "SegmentationClass", `${id}.png`),
      encodeMaskPng({ width, height, data: truth }),
    );
  }
  await writeFile(join(data, "ImageSets", "Segmentation", "tiny.txt"), ids.join("\n") + "\n");
  return {
    data,
    run: join(path, "run"),
    ids,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
