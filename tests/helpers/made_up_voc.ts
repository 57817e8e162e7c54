/** A small data set laid out as VOC's. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { encodeMaskPng, encodeRgbPng } from "../../core/image/mod.ts";
import { VOC_CLASSES } from "../../core/voc/classes.ts";
import { VocFolder } from "../../core/voc/folder.ts";
import { pattern } from "../kernels/pattern.ts";

/** An image of the data set. */
export interface VocSample {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  /** 0-based classes. */
  readonly labels: readonly number[];
  /** Share of the image, from the left, that shows the first label. Default: 0.5. */
  readonly share?: number;
}

/** A folder; disposing removes it. */
export interface TestVocFolder extends AsyncDisposable {
  readonly path: string;
  readonly folder: VocFolder;
}

/** Writes images of noise, half bright where they show something, with annotations, masks and a list. */
export async function makeVocFolder(
  set: string,
  samples: readonly VocSample[],
): Promise<TestVocFolder> {
  const path = await mkdtemp(join(tmpdir(), "silop-voc-"));
  const write = async (name: string, content: string | Uint8Array) => {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), content);
  };
  for (const [i, { id, width, height, labels, share = 0.5 }] of samples.entries()) {
    const pixels = pattern(3 * width * height, i + 1);
    const truth = new Uint8Array(width * height);
    const first = labels[0];
    for (let p = 0; p < truth.length; p++) {
      const shown = first !== undefined && p % width < share * width;
      truth[p] = shown ? first + 1 : 0;
      for (let c = 0; c < 3; c++) {
        const value = pixels[3 * p + c]! >> 1;
        pixels[3 * p + c] = shown ? value + 128 : value;
      }
    }
    // A rim of pixels that do not count, as VOC draws around objects.
    for (let x = 0; x < width; x++) truth[x] = 255;
    const objects = labels.map((c) => `<object><name>${VOC_CLASSES[c]}</name></object>`).join("");
    // The codec goes by magic bytes, so that a lossless picture may have VOC's ending.
    await write(`JPEGImages/${id}.jpg`, encodeRgbPng({ width, height, data: pixels }));
    await write(`Annotations/${id}.xml`, `<annotation>${objects}</annotation>`);
    await write(`SegmentationClass/${id}.png`, encodeMaskPng({ width, height, data: truth }));
  }
  const ids = samples.map(({ id }) => id).join("\n");
  await write(`ImageSets/Segmentation/${set}.txt`, ids + "\n");
  return {
    path,
    folder: new VocFolder(path),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
