/**
 * Unsupervised segmentation against the published code's label maps: on scikit-image's cat, which is
 * among the fixtures, and on the VOC images where they lie in ../shared.
 */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { probeBlockSize } from "../../core/onnx/block_size.ts";
import { UssSegmenter } from "../../core/stages/uss.ts";
import { quickshift } from "../../kernels/quickshift.ts";
import { adjustedRandIndex } from "../../kernels/rand_index.ts";
import { slic } from "../../kernels/slic.ts";
import { agreement, describe, type Method, readGolden } from "../core/stages/uss_golden.ts";

const fixtures = new URL("../fixtures/", import.meta.url);
const golden = new URL("../../../shared/golden/", import.meta.url);
const images = [
  { folder: new URL("chelsea/", fixtures), arrays: "perimeters.npz", name: "chelsea" },
  ...["2007_000464", "2007_001239", "2007_001763", "2011_003019"].map((name) => ({
    folder: new URL(`${name}/`, golden),
    arrays: "stages.npz",
    name,
  })),
];
const methods: Method[] = ["slic", "quick"];
const block = await probeBlockSize();

for (const { folder, arrays, name } of images) {
  for (const method of methods) {
    Deno.test({
      name: `UssSegmenter.segment() equals the published map on ${name} with ${method}`,
      ignore: !existsSync(folder),
      fn: async () => {
        const wanted = await readGolden(folder, arrays, method);
        const { image, width, height } = wanted;
        for (const blocked of block === null ? [false] : [true, false]) {
          await using segmenter = new UssSegmenter({ blocked, threads: 2, idleMs: 0 });
          const result = await segmenter.segment(image, wanted.superpixels, width, height);
          const found = describe(result, wanted);
          console.log(`${name} ${method} ${blocked ? "blocked" : "portable"}: ${found}`);
          assert.equal(result.distinct.length, wanted.distinct.length, found);
          // Training is chaotic: rounding alone may cost this one image a few pixels more.
          const least = name === "chelsea" && method === "slic" ? 0.96 : 0.99;
          assert.ok(agreement(result.labels, wanted.labels) >= least, found);
        }
      },
    });

    Deno.test({
      name:
        `UssSegmenter.segment() finds the published regions from superpixels of its own on ${name} with ${method}`,
      ignore: !existsSync(folder),
      fn: async () => {
        const { image, width, height, labels } = await readGolden(folder, arrays, method);
        const superpixels = (method === "slic" ? slic : quickshift)(image, width, height);
        await using segmenter = new UssSegmenter({ threads: 2, idleMs: 0 });
        const result = await segmenter.segment(image, superpixels, width, height);
        const index = adjustedRandIndex(result.labels, labels);
        console.log(`${name} ${method}: adjusted Rand index ${index.toFixed(4)}`);
        assert.ok(index >= 0.95, `adjusted Rand index ${index}`);
      },
    });
  }
}
