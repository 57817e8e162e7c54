import assert from "node:assert/strict";
import * as silop from "../mod.ts";
import { CAT, CAT_SIZE } from "./helpers/photos.ts";
import { openTinySilop } from "./helpers/tiny_silop.ts";

const tiny = await openTinySilop();

Deno.test("mod.ts offers what it takes to get from a photo to a mask file and back", async () => {
  assert.ok(tiny instanceof silop.Silop);
  const { mask } = await tiny.segment(CAT);
  const file = silop.encodeMaskPng(mask);
  assert.deepEqual(silop.decodeMaskPng(file), mask);
  const photo = await silop.decodeImage(CAT);
  assert.deepEqual([photo.width, photo.height], [CAT_SIZE.width, CAT_SIZE.height]);
  const overlay = silop.encodeRgbPng(silop.drawOverlay(photo, mask));
  assert.equal((await silop.decodeImage(overlay)).width, CAT_SIZE.width);
  assert.equal(silop.VOC_CLASSES.length, 20);
});

Deno.test("mod.ts offers the errors its functions throw and the app that answers them", async () => {
  await assert.rejects(tiny.segment(new Uint8Array(0)), silop.DecodeError);
  await assert.rejects(tiny.cam(CAT, { labels: ["unicorn"] }), silop.OptionError);
  const app = silop.createApp({ silop: tiny });
  const response = await app.request("/segment", { method: "POST", body: CAT });
  assert.equal(response.status, 200);
});
