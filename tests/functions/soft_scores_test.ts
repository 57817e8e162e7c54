import assert from "node:assert/strict";
import { decodeMaskPng, encodeRgbPng } from "../../core/image/mod.ts";
import { decodeNpz } from "../../core/npz.ts";
import { VOC_CLASSES } from "../../core/voc/classes.ts";
import { listZip, readZipEntry } from "../../core/zip.ts";
import { createApp } from "../../functions/app.ts";
import { tinySegmentationModel } from "../helpers/tiny_model.ts";
import { openTinySilop } from "../helpers/tiny_silop.ts";

const silop = await openTinySilop({ models: { masks: tinySegmentationModel() } });
const app = createApp({ silop });
Deno.test.afterAll(() => app.close());

const [WIDTH, HEIGHT] = [90, 64];

/** Red, then green: two classes of the tiny network. */
const PHOTO = encodeRgbPng({
  width: WIDTH,
  height: HEIGHT,
  data: Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => {
    const red = Math.floor(i / 3) % WIDTH < 40;
    return [red ? 220 : 20, red ? 20 : 220, 30][i % 3]!;
  }),
}) as Uint8Array<ArrayBuffer>;

async function post(query: string): Promise<Uint8Array> {
  const response = await app.request(`/segment?${query}`, { method: "POST", body: PHOTO });
  assert.equal(response.status, 200, query);
  return await response.bytes();
}

for (const crf of [false, true]) {
  Deno.test(`POST /segment?mode=fast&crf=${crf} answers probabilities as arrays`, async () => {
    const arrays = decodeNpz(await post(`mode=fast&format=npz&min-area=0&crf=${crf}`));
    const keys = Array.from(arrays.keys!.data as BigInt64Array, Number);
    const mask = arrays.mask!.data as Uint8Array;
    const { shape } = arrays.probabilities!;
    assert.ok(arrays.probabilities!.data instanceof Float32Array);
    const data: Float32Array = arrays.probabilities!.data;
    assert.deepEqual(shape, [keys.length, HEIGHT, WIDTH]);
    assert.ok(keys.includes(1) && keys.includes(2));
    for (let p = 0; p < mask.length; p++) {
      const own = keys.map((_, k) => data[k * mask.length + p]!);
      assert.equal(keys[own.indexOf(Math.max(...own))], mask[p]);
      assert.ok(own.reduce((sum, value) => sum + value, 0) <= 1 + 1e-5);
    }
  });
}

Deno.test("POST /segment?mode=fast answers each class's probability in a zip archive", async () => {
  const query = "mode=fast&working-size=45";
  const { keys, mask, probabilities } = decodeNpz(await post(`${query}&format=npz`));
  assert.deepEqual(mask!.shape, [HEIGHT, WIDTH]);
  assert.deepEqual(probabilities!.shape, [keys!.data.length, 32, 45]);
  const archive = await post(`${query}&format=scores`);
  const entries = listZip(archive);
  const classes = Array.from(keys!.data as BigInt64Array, Number).slice(1);
  assert.deepEqual(
    entries.map(({ name }) => name),
    classes.map((index) => `${String(index).padStart(2, "0")}_${VOC_CLASSES[index - 1]}.png`),
  );
  for (const [k, entry] of entries.entries()) {
    const picture = decodeMaskPng(readZipEntry(archive, entry));
    assert.deepEqual([picture.width, picture.height], [WIDTH, HEIGHT]);
    const plane = (probabilities!.data as Float32Array).subarray((k + 1) * 32 * 45);
    // Corners of enlarged pictures are those of the maps.
    assert.equal(picture.data[0], Math.round(255 * plane[0]!));
    assert.equal(picture.data.at(-1), Math.round(255 * plane[32 * 45 - 1]!));
  }
  assert.equal(listZip(await post(`${query}&labels=&format=scores`)).length, 0);
});
