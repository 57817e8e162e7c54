import assert from "node:assert/strict";
import fc from "fast-check";
import { cocoDataset } from "../../../core/formats/coco.ts";
import { maskFeatures } from "../../../core/formats/geojson.ts";
import { encodeMaskFile } from "../../../core/formats/mask_files.ts";
import { maskPolygons } from "../../../core/formats/polygons.ts";
import { encodeScorePictures } from "../../../core/formats/score_pictures.ts";
import { decodeMaskPng, vocPalette } from "../../../core/image/mod.ts";
import { describeMask } from "../../../core/stages/segment.ts";
import { listZip, readZipEntry } from "../../../core/zip.ts";
import { decodeRuns } from "../../../kernels/run_lengths.ts";
import { fillRings } from "../../helpers/fill_rings.ts";
import { MASK_FIXTURES } from "../../helpers/mask_fixtures.ts";

const LEGEND = { names: ["cat", "dog", "fish/chips"], palette: vocPalette() };
LEGEND.palette.set([1, 2, 3], 3 * 2);
/** Two classes; the dog has a hole, and there is no fish. */
const mask = {
  width: 7,
  height: 5,
  data: Uint8Array.from(
    "0110000" +
      "0110222" +
      "0000202" +
      "1000222" +
      "1000000",
    Number,
  ),
};
const classes = describeMask(
  mask,
  { keys: [0, 1, 2, 3], scores: Float32Array.of(0.5, 0.75, 0.25) },
  LEGEND,
);

for (const { name, width, height, data, counts, runs, area, bbox } of MASK_FIXTURES) {
  Deno.test(`cocoDataset() agrees with pycocotools on the mask "${name}"`, () => {
    const parts = { keys: [0, 1], scores: Float32Array.of(1) };
    const legend = { names: ["thing"], palette: vocPalette() };
    const found = describeMask({ width, height, data }, parts, legend);
    const packed = cocoDataset({ width, height, data }, found, legend).annotations;
    const listed = cocoDataset({ width, height, data }, found, legend, "counts").annotations;
    assert.equal(packed.length, area === 0 ? 0 : 1);
    if (area === 0) return;
    assert.equal(packed[0]!.area, area);
    assert.deepEqual(packed[0]!.bbox, bbox);
    assert.deepEqual(packed[0]!.segmentation, { size: [height, width], counts });
    assert.deepEqual(listed[0]!.segmentation.counts, runs);
  });
}

Deno.test("cocoDataset() has an annotation for each class with pixels, and all categories", () => {
  const { images, annotations, categories } = cocoDataset(mask, classes, LEGEND, "counts");
  assert.deepEqual(images, [{ id: 1, width: 7, height: 5, file_name: "image" }]);
  assert.deepEqual(categories, [
    { id: 1, name: "cat", color: [128, 0, 0] },
    { id: 2, name: "dog", color: [1, 2, 3] },
    { id: 3, name: "fish/chips", color: [128, 128, 0] },
  ]);
  assert.deepEqual(annotations.map(({ category_id }) => category_id), [1, 2]);
  assert.deepEqual(annotations[1]!.bbox, [4, 1, 3, 3]);
  assert.equal(annotations[1]!.score, 0.75);
  const decoded = decodeRuns(annotations[0]!.segmentation.counts as number[], 7, 5);
  assert.deepEqual(decoded, mask.data.map((label) => Number(label === 1)));
});

Deno.test("maskFeatures() gives every region a polygon, and holes rings of their own", () => {
  const { features } = maskFeatures(mask, classes, 0);
  assert.deepEqual(features.map(({ properties }) => properties.name), ["cat", "dog"]);
  assert.deepEqual(features.map(({ properties }) => properties.color), [[128, 0, 0], [1, 2, 3]]);
  const [cat, dog] = features.map(({ geometry }) => geometry.coordinates);
  assert.deepEqual(cat, [
    [[[1, 0], [3, 0], [3, 2], [1, 2], [1, 0]]],
    [[[0, 3], [1, 3], [1, 5], [0, 5], [0, 3]]],
  ]);
  assert.equal(dog!.length, 1);
  assert.deepEqual(dog![0]![0], [[4, 1], [7, 1], [7, 4], [4, 4], [4, 1]]);
  // The hole goes round the other way.
  assert.deepEqual(new Set(dog![0]![1]!.map(String)), new Set(["5,2", "6,2", "6,3", "5,3"]));
});

Deno.test("maskPolygons() at tolerance 0 fills exactly the mask, and counts its pixels", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 17 }),
      fc.uint8Array({ minLength: 1, maxLength: 200, max: 2 }),
      (width, values) => {
        const height = Math.ceil(values.length / width);
        const data = new Uint8Array(width * height);
        data.set(values);
        for (const label of [1, 2]) {
          const wanted = data.map((value) => Number(value === label));
          const polygons = maskPolygons({ width, height, data }, label, 0);
          const rings = polygons.flatMap((polygon) => polygon.rings);
          assert.deepEqual(fillRings(rings, width, height), wanted);
          for (const { rings, pixels } of polygons) {
            const filled = fillRings(rings, width, height);
            assert.equal(filled.reduce((sum, one) => sum + one, 0), pixels);
            assert.ok(filled.every((one, p) => one <= wanted[p]!));
          }
        }
      },
    ),
    { seed: 5, numRuns: 300 },
  );
});

Deno.test("maskPolygons() at tolerance 1 has far fewer points and nearly the same pixels", () => {
  const { width, height, data } = MASK_FIXTURES.find(({ name }) => name === "large")!;
  const points = (tolerance: number) =>
    maskPolygons({ width, height, data }, 1, tolerance)
      .reduce((sum, { rings }) => sum + rings.flatMap((ring) => [...ring]).length / 2, 0);
  assert.ok(points(1) < points(0) / 5);
  const rings = maskPolygons({ width, height, data }, 1).flatMap((polygon) => polygon.rings);
  const filled = fillRings(rings, width, height);
  const both = filled.reduce((sum, one, p) => sum + (one & data[p]!), 0);
  const either = filled.reduce((sum, one, p) => sum + (one | data[p]!), 0);
  assert.ok(both / either > 0.98, `${both / either}`);
});

Deno.test("encodeMaskFile() writes JSON, and refuses an unknown kind of run lengths", () => {
  const read = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));
  const coco = read(encodeMaskFile("coco", mask, classes, LEGEND, { rle: "counts" }));
  assert.deepEqual(coco, cocoDataset(mask, classes, LEGEND, "counts"));
  const geojson = read(encodeMaskFile("geojson", mask, classes, LEGEND, { tolerance: 0 }));
  assert.deepEqual(geojson, maskFeatures(mask, classes, 0));
  assert.throws(
    () => encodeMaskFile("coco", mask, classes, LEGEND, { rle: "zip" as "counts" }),
    { name: "OptionError", message: /rle/ },
  );
});

Deno.test("encodeScorePictures() packs an enlarged picture per class", () => {
  const maps = {
    width: 3,
    height: 2,
    channels: 2,
    data: Float32Array.of(0, 0.5, 1, 0, 0.5, 1, 2, 2, 2, -1, -1, -1),
  };
  const parts = [{ index: 1, name: "cat" }, { index: 12, name: "fish/chips" }];
  const scores = { maps, classes: parts, width: 6, height: 4 };
  let calls = 0;
  const archive = encodeScorePictures(scores, vocPalette(), () => calls++);
  assert.equal(calls, 2);
  const entries = listZip(archive);
  assert.deepEqual(entries.map(({ name }) => name), ["01_cat.png", "12_fish_chips.png"]);
  const [cat, fish] = entries.map((entry) => decodeMaskPng(readZipEntry(archive, entry)));
  assert.deepEqual([cat!.width, cat!.height], [6, 4]);
  assert.equal(cat!.data[0], 0);
  assert.equal(cat!.data[5], 255);
  assert.deepEqual(new Set(fish!.data.subarray(0, 6)), new Set([255]));
  assert.deepEqual(new Set(fish!.data.subarray(18)), new Set([0]));
});
