/**
 * Edges by AffinityNet: how much of an edge every cell of 4×4 pixels is, as the random walk wants it.
 *
 * Follows IRN's inference (arXiv 1904.05044): the image and its mirror image, padded with zeros, go
 * through the network; the mean of both answers, cropped to the image, goes through a sigmoid.
 */

import { ModelError } from "../errors.ts";
import type { Planes, Raster } from "../raster.ts";
import type { AffinityModelInfo } from "../runtime/models.ts";
import { normalizeImage } from "../../kernels/normalize.ts";
import { MAX_RUN_PIXELS } from "./cam.ts";
import type { MapNetwork } from "./map_network.ts";
import type { Checkpoint } from "./stage.ts";
import { stridedSize } from "./working_size.ts";

/** An AffinityNet: one map of edge logits. */
export type EdgeNetwork = MapNetwork<AffinityModelInfo>;

/**
 * Finds the edges of an image.
 *
 * @returns One plane `⌈H/4⌉×⌈W/4⌉`, values 0..1.
 * @throws {ModelError} The network's map does not cover the image.
 */
export async function findModelEdges(
  image: Raster,
  network: EdgeNetwork,
  checkpoint: Checkpoint = () => {},
): Promise<Planes> {
  const { mean, std, outputStride, padding } = network.info;
  const { data, width, height } = image;
  const across = padded(width, padding);
  const down = padded(height, padding);
  const size = 3 * across * down;
  const plain = new Float32Array(3 * width * height);
  const prepare = (mirror: boolean, out: Float32Array) => {
    normalizeImage(data, width, height, mean, std, { mirror, out: plain });
    place(plain, width, height, out, across, down);
  };
  const run = async (input: Float32Array) => {
    const output = await network.run(input, across, down);
    checkpoint();
    return output;
  };

  const input = new Float32Array(2 * size);
  prepare(false, input.subarray(0, size));
  prepare(true, input.subarray(size));
  let straight: Float32Array;
  let mirrored: Float32Array;
  let map: { readonly width: number; readonly height: number };
  if (2 * across * down <= MAX_RUN_PIXELS) {
    const { maps, ...found } = await run(input);
    map = found;
    straight = maps.subarray(0, maps.length / 2);
    mirrored = maps.subarray(maps.length / 2);
  } else {
    const { maps, ...found } = await run(input.subarray(0, size));
    map = found;
    straight = maps;
    mirrored = (await run(input.subarray(size))).maps;
  }

  const [w, h] = [stridedSize(width, outputStride), stridedSize(height, outputStride)];
  if (map.width < w || map.height < h) {
    throw new ModelError(
      `${network.info.file} answers ${map.width}×${map.height} cells for ${across}×${down} px, ` +
        `not ${w}×${h} for ${width}×${height}`,
    );
  }
  const edge = new Float32Array(w * h);
  for (let y = 0, p = 0; y < h; y++) {
    const row = y * map.width;
    for (let x = 0; x < w; x++, p++) {
      const logit = (straight[row + x]! + mirrored[row + w - 1 - x]!) / 2;
      edge[p] = 1 / (1 + Math.exp(-logit));
    }
  }
  return { width: w, height: h, channels: 1, data: edge };
}

function padded(size: number, { least, multiple }: AffinityModelInfo["padding"]): number {
  return Math.ceil(Math.max(size, least) / multiple) * multiple;
}

/** Copies planes to the upper left corner of larger ones, whose rest stays as it is. */
function place(
  planes: Float32Array,
  width: number,
  height: number,
  out: Float32Array,
  outWidth: number,
  outHeight: number,
): void {
  for (let row = 0; row < 3 * height; row++) {
    const plane = Math.floor(row / height);
    const to = (plane * outHeight + row % height) * outWidth;
    out.set(planes.subarray(row * width, (row + 1) * width), to);
  }
}
