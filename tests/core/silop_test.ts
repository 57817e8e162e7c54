import assert from "node:assert/strict";
import { createSilop } from "../../core/silop.ts";
import { CAT, CAT_SIZE, HTML, makeBomb } from "../helpers/photos.ts";
import { makeModelFolder } from "../helpers/tiny_model.ts";
import { openTinySilop } from "../helpers/tiny_silop.ts";

const silop = await openTinySilop();

Deno.test("Silop.cam() gives maps at working size and the classes present", async () => {
  const { keys, cam, hrCam, scores, scales } = await silop.cam(CAT, { scales: [0.5, 1] });
  assert.deepEqual(keys, [0, 8, 15]);
  assert.deepEqual([cam.channels, cam.height, cam.width], [2, 75, 113]);
  assert.deepEqual([hrCam.channels, hrCam.height, hrCam.width], [2, 300, 451]);
  assert.equal(scores.length, 20);
  assert.deepEqual(scales, [0.5, 1]);
});

Deno.test("Silop.segment() gives a mask of the image's size though it works on less", async () => {
  const { mask, cam } = await silop.segment(CAT, { workingSize: 100, labels: ["dog"] });
  assert.deepEqual([mask.width, mask.height], [CAT_SIZE.width, CAT_SIZE.height]);
  assert.equal(mask.data.length, CAT_SIZE.width * CAT_SIZE.height);
  assert.deepEqual(new Set(mask.data).difference(new Set([0, 12])), new Set());
  assert.deepEqual([cam!.hrCam.width, cam!.hrCam.height], [100, 67]);
});

Deno.test("Silop.render() gives a summary and only the files asked for", async () => {
  const { summary, files, output } = await silop.render("segment", CAT, {}, ["png", "npz"]);
  assert.deepEqual(Object.keys(files), ["png", "npz"]);
  assert.equal(output, undefined);
  assert.equal(summary.width, CAT_SIZE.width);
});

Deno.test("Silop refuses by the header alone, before the models are loaded", async () => {
  using loading = createSilop({ models: new URL("file:///nowhere/"), device: "cpu", workers: 1 });
  loading.ready.catch(() => {});
  await assert.rejects(loading.cam(makeBomb()), { name: "LimitError" });
  await assert.rejects(loading.cam(HTML), { name: "UnsupportedFormatError" });
  await assert.rejects(loading.segment(new Uint8Array(0)), { name: "DecodeError" });
});

Deno.test("Silop obeys its own limits", async () => {
  await using folder = await makeModelFolder();
  const models = folder.url;
  using strict = createSilop({ models, device: "cpu", workers: 1, limits: { maxBytes: 1000 } });
  await assert.rejects(strict.cam(CAT), { name: "LimitError", message: /limit is 1000 bytes/ });
  assert.equal(strict.limits.maxSide, 8192);
  await strict.ready;
});

Deno.test("Silop.cam() throws TypeError when the image is no Uint8Array", async () => {
  for (const image of ["photo.jpg", undefined, new ArrayBuffer(10), [1, 2, 3]]) {
    await assert.rejects(silop.cam(image as unknown as Uint8Array), TypeError);
  }
});

Deno.test("createSilop() throws RangeError when workers, threads or limits make no sense", () => {
  assert.throws(() => createSilop({ workers: 0 }), RangeError);
  assert.throws(() => createSilop({ threads: 0.5 }), RangeError);
  assert.throws(() => createSilop({ limits: { maxSide: 0 } }), RangeError);
});
