import assert from "node:assert/strict";
import { decodeMaskPng, encodeRgbPng } from "../../core/image/mod.ts";
import { COLOUR_MAPS, colourMapPalette } from "../../core/image/colour_maps.ts";
import { decodeNpz } from "../../core/npz.ts";
import { VOC_CLASSES } from "../../core/voc/classes.ts";
import { listZip, readZipEntry } from "../../core/zip.ts";
import { decodeRuns, unpackRuns } from "../../kernels/run_lengths.ts";
import { createApp } from "../../functions/app.ts";
import { fillRings } from "../helpers/fill_rings.ts";
import { CAT, CAT_SIZE } from "../helpers/photos.ts";
import { TINY_MODEL_SEES } from "../helpers/tiny_model.ts";
import { openTinySilop } from "../helpers/tiny_silop.ts";

const silop = await openTinySilop();
const app = createApp({ silop });
const post = async (path: string, init: RequestInit = {}) =>
  await app.request(path, { method: "POST", body: CAT, ...init });
const { width, height } = CAT_SIZE;
const indices = TINY_MODEL_SEES.map((name) => VOC_CLASSES.indexOf(name) + 1);

/** A photo that takes little time to refine: two halves. */
const SMALL = encodeRgbPng({
  width: 48,
  height: 32,
  data: Uint8Array.from({ length: 48 * 32 * 3 }, (_, i) => i % 144 < 72 ? 200 : i % 3 * 40),
}) as Uint8Array<ArrayBuffer>;

async function maskOf(path: string): Promise<Uint8Array> {
  return decodeMaskPng(await (await post(path)).bytes()).data;
}

Deno.test("POST /segment?format=coco answers run lengths that are the mask", async () => {
  const mask = await maskOf("/segment?format=png");
  for (const rle of ["compressed", "counts"]) {
    const response = await post(`/segment?format=coco&rle=${rle}`);
    assert.equal(response.headers.get("Content-Type"), "application/json");
    assert.equal(
      response.headers.get("Content-Disposition"),
      'inline; filename="segment.coco.json"',
    );
    const { images, annotations, categories } = await response.json();
    assert.equal(images[0].width, width);
    assert.equal(categories.length, 20);
    assert.deepEqual(annotations.map((each: { id: number }) => each.id), indices);
    for (const { category_id, segmentation, area } of annotations) {
      assert.deepEqual(segmentation.size, [height, width]);
      const { counts } = segmentation;
      const runs = rle === "counts" ? counts : unpackRuns(counts);
      const wanted = mask.map((label) => Number(label === category_id));
      assert.deepEqual(decodeRuns(runs, width, height), wanted);
      assert.equal(area, wanted.reduce((sum, one) => sum + one, 0));
    }
  }
});

Deno.test("POST /segment answers GeoJSON by format or Accept; at tolerance 0 it is the mask", async () => {
  const mask = await maskOf("/segment?format=png");
  const response = await post("/segment?format=geojson&tolerance=0");
  assert.equal(response.headers.get("Content-Type"), "application/geo+json");
  const { type, features } = await response.json();
  assert.equal(type, "FeatureCollection");
  for (const { properties, geometry } of features) {
    const rings = geometry.coordinates.flat().map((ring: number[][]) => ring.flat());
    const wanted = mask.map((label) => Number(label === properties.index));
    assert.deepEqual(fillRings(rings, width, height), wanted);
  }
  const accept = { headers: { Accept: "application/geo+json" } };
  const accepted = await post("/segment", accept);
  assert.equal(accepted.headers.get("Content-Type"), "application/geo+json");
  const few = JSON.stringify(await accepted.json()).length;
  assert.ok(few < JSON.stringify({ type, features }).length);
});

Deno.test("POST /cam and /segment answer each class's map in a zip archive", async () => {
  const { hr_cam } = decodeNpz(await (await post("/cam?format=npz")).bytes());
  for (const stage of ["cam", "segment"]) {
    const response = await post(`/${stage}?format=scores`);
    assert.equal(response.headers.get("Content-Type"), "application/zip");
    const archive = await response.bytes();
    const names = listZip(archive).map(({ name }) => name);
    assert.deepEqual(
      names,
      TINY_MODEL_SEES.map((name, i) => `${String(indices[i]).padStart(2, "0")}_${name}.png`),
    );
    for (const [k, entry] of listZip(archive).entries()) {
      const picture = decodeMaskPng(readZipEntry(archive, entry));
      assert.deepEqual([picture.width, picture.height], [width, height]);
      const map = (hr_cam!.data as Float32Array).subarray(k * 300 * 451, (k + 1) * 300 * 451);
      assert.equal(picture.data[0], Math.round(255 * map[0]!));
    }
  }
  const empty = await post("/cam?labels=&format=scores");
  assert.deepEqual(listZip(await empty.bytes()), []);
});

Deno.test("POST /cam paints heat in the colours named, over the same values", async () => {
  const plain = await maskOf("/cam?format=png");
  const overlays = new Set<string>();
  for (const name of COLOUR_MAPS) {
    const bytes = await (await post(`/cam?format=png&colormap=${name}`)).bytes();
    assert.deepEqual(decodeMaskPng(bytes).data, plain);
    // The palette is the second chunk, after signature and header.
    assert.deepEqual(bytes.subarray(41, 41 + 768), colourMapPalette(name));
    const overlay = await post(`/cam?format=overlay&colormap=${name}`);
    overlays.add((await overlay.bytes()).toBase64());
  }
  assert.equal(overlays.size, COLOUR_MAPS.length);
});

Deno.test("POST /refine answers its mask as COCO and GeoJSON, and its maps as pictures", async () => {
  const small = { body: SMALL };
  const mask = decodeMaskPng(
    await (await post("/refine?format=png&min-area=0&iterations=2", small)).bytes(),
  );
  const coco = await (await post("/refine?format=coco&result=cam&min-area=0&iterations=2", small))
    .json();
  for (const { category_id, segmentation } of coco.annotations) {
    const wanted = mask.data.map((label) => Number(label === category_id));
    assert.deepEqual(decodeRuns(unpackRuns(segmentation.counts), 48, 32), wanted);
  }
  const geojson = await (await post("/refine?format=geojson&min-area=0&iterations=2", small))
    .json();
  assert.equal(geojson.features.length, coco.annotations.length);
  const archive = await (await post("/refine?format=scores&iterations=2", small)).bytes();
  assert.equal(listZip(archive).length, TINY_MODEL_SEES.length);
});

Deno.test("POST refuses formats a stage or mode does not have, and options it cannot serve", async () => {
  const cases: [path: string, status: number, detail: RegExp][] = [
    [
      "/cam?format=coco",
      400,
      /no format "coco" of \/cam; there are json, png, overlay, npz, scores/,
    ],
    ["/perimeter?format=geojson", 400, /geojson.*\/perimeter/],
    ["/segment?format=bmp", 400, /format/],
    ["/cam?colormap=jet", 400, /colormap/],
    ["/segment?rle=zip", 400, /rle/],
    ["/segment?tolerance=much", 400, /tolerance/],
    ["/segment?tolerance=-1", 422, /tolerance/],
  ];
  for (const [path, status, detail] of cases) {
    const response = await post(path);
    assert.equal(response.status, status, path);
    assert.match((await response.json()).detail, detail);
  }
  const pipeline = await post("/segment?mode=pipeline&format=scores", { body: SMALL });
  assert.equal(pipeline.status, 422);
  const accept = { headers: { Accept: "application/geo+json" } };
  assert.equal((await post("/cam", accept)).status, 406);
  assert.equal((await post("/segment?format=coco", accept)).status, 406);
});
