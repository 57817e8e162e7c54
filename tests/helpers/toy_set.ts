/** A small data set of its own classes: coloured shapes before textured backgrounds, listed in a CSV. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeMaskPng, encodeRgbPng } from "../../core/image/mod.ts";
import { networkTensors } from "../../core/nets/build_network.ts";
import { writeCheckpoint } from "../../core/weights/write_checkpoint.ts";
import { formulaWeights } from "../core/nets/formula_weights.ts";
import { pattern } from "../kernels/pattern.ts";

/** Names of the classes, in their order. */
export const TOY_CLASSES = ["red disc", "green box", "blue wedge"] as const;
/** Their colours in masks. */
export const TOY_COLORS = [[192, 32, 48], [32, 160, 64], [48, 64, 208]] as const;
/** Their colours in photos. */
const COLOURS = [[210, 40, 50], [40, 190, 60], [50, 70, 220]] as const;
const WIDTH = 88;
const HEIGHT = 72;

/** A folder of the data set; disposing removes it. */
export interface ToySet extends AsyncDisposable {
  readonly path: string;
  /** The list of images. */
  readonly data: string;
  /** The list of classes, with colours of their own. */
  readonly classes: string;
  /** Weights of EfficientNet-Lite0 by a formula. */
  readonly weights: string;
}

/** Writes the data set: so many images to learn from, and two lists with masks. */
export async function makeToySet(
  { train = 10, dev = 3, test = 3 }: { train?: number; dev?: number; test?: number } = {},
): Promise<ToySet> {
  const path = await mkdtemp(join(tmpdir(), "silop-toys-"));
  await mkdir(join(path, "images"));
  await mkdir(join(path, "masks"));
  const lines = ["file,labels,mask,set"];
  let number = 0;
  for (const [set, count] of Object.entries({ train, dev, test })) {
    for (let i = 0; i < count; i++, number++) {
      const { rgb, mask, labels } = drawToy(number);
      const name = `toy${String(number).padStart(2, "0")}.png`;
      const size = { width: WIDTH, height: HEIGHT };
      await writeFile(join(path, "images", name), encodeRgbPng({ ...size, data: rgb }));
      await writeFile(join(path, "masks", name), encodeMaskPng({ ...size, data: mask }));
      const names = labels.map((label) => TOY_CLASSES[label]).join(";");
      // Images to learn from have no masks: labels are all there is.
      const truth = set === "train" ? "" : `masks/${name}`;
      lines.push(`images/${name},${names},${truth},${set}`);
    }
  }
  const data = join(path, "toys.csv");
  const classes = join(path, "classes.json");
  const weights = join(path, "backbone.pth");
  await writeFile(data, lines.join("\n") + "\n");
  const list = TOY_CLASSES.map((name, i) => ({
    name,
    color: `#${Uint8Array.from(TOY_COLORS[i]!).toHex()}`,
  }));
  await writeFile(classes, JSON.stringify(list));
  const tensors = formulaWeights(networkTensors("backbone", "efficientnet-lite0", 0));
  await writeFile(weights, writeCheckpoint(tensors));
  return {
    path,
    data,
    classes,
    weights,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

/** Draws one shape, and in every other image a second one beside it. */
function drawToy(number: number): { rgb: Uint8Array; mask: Uint8Array; labels: number[] } {
  const noise = pattern(WIDTH * HEIGHT, number + 1);
  const rgb = new Uint8Array(3 * WIDTH * HEIGHT);
  const mask = new Uint8Array(WIDTH * HEIGHT);
  for (let i = 0; i < mask.length; i++) {
    const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
    // Stripes of another slope in every image, with grain.
    const stripe = ((x + (number % 4) * y) >> 3) % 2 === 0 ? 130 : 160;
    rgb.fill(stripe + (noise[i]! >> 4), 3 * i, 3 * i + 3);
  }
  const labels = [number % 3, ...number % 2 === 0 ? [] : [(number + 1) % 3]].sort();
  labels.forEach((label, place) => {
    const size = 15 + (noise[place]! % 5);
    const [cx, cy] = [24 + 40 * place, 26 + (noise[place + 9]! % 20)];
    for (let i = 0; i < mask.length; i++) {
      const [dx, dy] = [i % WIDTH - cx, Math.floor(i / WIDTH) - cy];
      if (!isInside(label, dx / size, dy / size)) continue;
      mask[i] = label + 1;
      COLOURS[label]!.forEach((value, c) => rgb[3 * i + c] = value + (noise[i]! >> 5));
    }
  });
  return { rgb, mask, labels };
}

function isInside(label: number, x: number, y: number): boolean {
  if (label === 0) return x * x + y * y < 1;
  if (label === 1) return Math.abs(x) < 0.9 && Math.abs(y) < 0.9;
  return y < 0.9 && y > -1 && Math.abs(x) < (y + 1) / 2;
}
