/**
 * Superpixels and edges against the outputs of the published code: on scikit-image's cat, which is
 * among the fixtures, and on the VOC images where they lie in ../shared.
 */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { decodeImage } from "../../core/image/mod.ts";
import { decodeNpz } from "../../core/npz.ts";
import { canny } from "../../kernels/canny.ts";
import { gaussianBlur3x3 } from "../../kernels/gaussian_blur.ts";
import { rgbToGray } from "../../kernels/gray.ts";
import { sequentialParameters } from "../../kernels/pytorch_init.ts";
import { quickshift } from "../../kernels/quickshift.ts";
import { adjustedRandIndex, type Labels, renamedAgreement } from "../../kernels/rand_index.ts";
import { regionColors } from "../../kernels/region_colors.ts";
import { slic } from "../../kernels/slic.ts";
import { ussLayers } from "./uss_layers.ts";

const fixtures = new URL("../fixtures/", import.meta.url);
const golden = new URL("../../../shared/golden/", import.meta.url);
const images = [
  { folder: new URL("chelsea/", fixtures), arrays: "perimeters.npz", name: "chelsea" },
  ...["2007_000464", "2007_001239", "2007_001763", "2011_003019", "chelsea"].map((name) => ({
    folder: new URL(`${name}/`, golden),
    arrays: "stages.npz",
    name: `golden ${name}`,
  })),
];

/** The published picture of a label map: colours by the rank of the label among those present. */
function paint(labels: Uint8Array): Uint8Array {
  const ranks = new Map([...new Set(labels)].sort((a, b) => a - b).map((label, i) => [label, i]));
  const colors = regionColors();
  const rgb = new Uint8Array(3 * labels.length);
  labels.forEach((label, p) => {
    for (let c = 0; c < 3; c++) rgb[3 * p + c] = colors[3 * ranks.get(label)! + 2 - c]!;
  });
  return rgb;
}

for (const { folder, arrays, name } of images) {
  const ignore = !existsSync(folder);

  Deno.test({
    name: `slic() and quickshift() equal the published maps on ${name}`,
    ignore,
    fn: async () => {
      const { data, width, height } = await decodeImage(
        Deno.readFileSync(new URL("image.png", folder)),
      );
      const stages = decodeNpz(Deno.readFileSync(new URL(arrays, folder)));
      // SILOP's superpixels see B, G, R.
      const bgr = data.map((_, i) => data[i - i % 3 + 2 - i % 3]!);
      for (const [kind, run] of [["slic", slic], ["quick", quickshift]] as const) {
        const wanted = stages[`uss_${kind}_superpixels`]!.data as Labels;
        const found = run(bgr, width, height);
        assert.equal(renamedAgreement(found, wanted), 1, `${kind}: pixels`);
        assert.equal(adjustedRandIndex(found, wanted), 1, `${kind}: adjusted Rand index`);
      }
    },
  });

  Deno.test({
    name: `rgbToGray(), gaussianBlur3x3() and canny() equal the published maps on ${name}`,
    ignore,
    fn: () => {
      const stages = decodeNpz(Deno.readFileSync(new URL(arrays, folder)));
      for (const kind of ["slic", "quick"]) {
        const { shape, data } = stages[`uss_${kind}_im_target`]!;
        const [height, width] = shape as [number, number];
        const gray = rgbToGray(paint(data as Uint8Array));
        assert.deepEqual(gray, stages[`edge_${kind}_png_gray`]!.data, `${kind}: grey`);
        const blurred = gaussianBlur3x3(gray, width, height);
        assert.deepEqual(blurred, stages[`edge_${kind}_png_blurred`]!.data, `${kind}: blurred`);
        const edges = canny(blurred, width, height);
        assert.deepEqual(edges, stages[`edge_${kind}_png_canny`]!.data, `${kind}: edges`);
      }
    },
  });
}

Deno.test({
  name: "sequentialParameters() and regionColors() equal the published initial values",
  ignore: !existsSync(new URL("uss_init.npz", golden)),
  fn: () => {
    const published = decodeNpz(Deno.readFileSync(new URL("uss_init.npz", golden)));
    for (const [name, { shape, data }] of sequentialParameters(ussLayers, 43)) {
      assert.deepEqual(shape, published[`seq.${name}`]!.shape, name);
      assert.deepEqual(data, published[`seq.${name}`]!.data, name);
    }
    assert.deepEqual(Int32Array.from(regionColors()), published.color_avg!.data);
  },
});
