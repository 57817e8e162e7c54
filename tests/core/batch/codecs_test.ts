import assert from "node:assert/strict";
import {
  decodeCam,
  decodeMaps,
  decodeMasks,
  decodePerimeter,
  decodeUss,
  encodeCam,
  encodeMasks,
  encodePerimeter,
  encodeUss,
  encodeWalk,
} from "../../../core/batch/codecs.ts";
import { LAYOUTS } from "../../../core/batch/folders.ts";
import { decodeNpy } from "../../../core/npz.ts";

const [width, height] = [9, 5];
const planes = (channels: number, width: number, height: number) => ({
  channels,
  width,
  height,
  data: Float32Array.from({ length: channels * width * height }, (_, i) => i / 100),
});
const keys = [0, 3, 8];
const CAM = { keys, cam: planes(2, 3, 2), hrCam: planes(2, width, height) };

Deno.test("decodeCam() reads what encodeCam() writes, in both layouts", () => {
  for (const layout of LAYOUTS) {
    assert.deepEqual(decodeCam(encodeCam(CAM, layout)), CAM);
    const none = { keys: [0], cam: planes(0, 3, 2), hrCam: planes(0, width, height) };
    assert.deepEqual(decodeCam(encodeCam(none, layout)), none);
  }
});

Deno.test("decodeMaps() finds the full-size maps of CAMs and walks", () => {
  for (const layout of LAYOUTS) {
    const walk = { keys, planes: CAM.hrCam };
    assert.deepEqual(decodeMaps(encodeWalk(walk, layout)), walk);
    assert.deepEqual(decodeMaps(encodeCam(CAM, layout)), walk);
  }
});

Deno.test("decodeMasks() reads what encodeMasks() writes; published masks have a background", () => {
  const masks = Uint8Array.from({ length: 2 * width * height }, (_, i) => i % 3 === 0 ? 255 : 0);
  const file = { width, height, masks };
  for (const layout of LAYOUTS) {
    assert.deepEqual(decodeMasks(encodeMasks(keys, file, layout), 2), file);
    assert.throws(() => decodeMasks(encodeMasks(keys, file, layout), 3), SyntaxError);
  }
  const { shape, data, dtype } = decodeNpy(encodeMasks(keys, file, "published"));
  assert.deepEqual([shape, dtype], [[3, height, width], "<f8"]);
  assert.ok(!data.subarray(0, width * height).some((value) => Number(value) !== 0));
});

Deno.test("decodeUss() reads labels from palette files and published pictures alike", async () => {
  const data = Uint8Array.from({ length: width * height }, (_, i) => [4, 7, 7, 31][i % 4]!);
  const labels = { width, height, data };
  assert.deepEqual(await decodeUss(encodeUss(labels, "silop")), { labels });
  const picture = await decodeUss(encodeUss(labels, "published"));
  // Pictures keep ranks.
  const ranks = data.map((label) => [4, 7, 31].indexOf(label));
  assert.deepEqual(picture, { labels: { width, height, data: ranks } });
});

Deno.test("decodeUss() gives the picture itself when its colours are blurred", async () => {
  const { encodeRgbPng } = await import("../../../core/image/mod.ts");
  const picture = { width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
  const found = await decodeUss(encodeRgbPng(picture));
  assert.ok("picture" in found);
  assert.deepEqual(found.picture.data, picture.data);
});

Deno.test("decodePerimeter() reads what encodePerimeter() writes", async () => {
  const data = Uint8Array.from({ length: width * height }, (_, i) => i % 4 === 0 ? 255 : 0);
  const perimeter = { width, height, data };
  assert.deepEqual(await decodePerimeter(encodePerimeter(perimeter)), perimeter);
});
