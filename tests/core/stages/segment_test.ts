import assert from "node:assert/strict";
import type { Cam } from "../../../core/stages/cam.ts";
import { vocPalette } from "../../../core/image/mod.ts";
import { describeMask, segmentCam } from "../../../core/stages/segment.ts";

const WIDTH = 8;
const HEIGHT = 6;

/** Maps of classes 2 and 5: the left and the right half, and one bright pixel of class 5 in the left. */
function halves(width = WIDTH, height = HEIGHT): Cam {
  const size = WIDTH * HEIGHT;
  const data = new Float32Array(2 * size);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      if (x < 3) data[y * WIDTH + x] = 0.6;
      else if (x > 4) data[size + y * WIDTH + x] = 0.9;
    }
  }
  data[size + 2 * WIDTH + 1] = 1;
  const planes = { width: WIDTH, height: HEIGHT, channels: 2, data };
  const scores = Float32Array.of(0, 0.7, 0, 0, 0.8);
  return { width, height, keys: [0, 2, 5], cam: planes, hrCam: planes, scores, scales: [1] };
}

const rows = (mask: { data: Uint8Array; width: number }) =>
  mask.data.join("").match(new RegExp(`.{${mask.width}}`, "g"));

Deno.test("segmentCam() gives each pixel its strongest class above the threshold", () => {
  const mask = segmentCam(halves(), 0.5, { minArea: 0 });
  assert.deepEqual(rows(mask), Array(6).fill("22200555").with(2, "25200555"));
  assert.deepEqual(rows(segmentCam(halves(), 0.7, { minArea: 0 }))![0], "00000555");
});

Deno.test("segmentCam() prefers the threshold among the options", () => {
  const mask = segmentCam(halves(), 0.5, { threshold: 0.7, minArea: 0 });
  assert.equal(rows(mask)![0], "00000555");
});

Deno.test("segmentCam() removes regions below the share of the image asked for", () => {
  // A pixel is 1/48 of the image.
  const mask = segmentCam(halves(), 0.5, { minArea: 2 / 48 });
  assert.deepEqual(rows(mask), Array(6).fill("22200555"));
  const none = segmentCam(halves(), 0.5, { minArea: 1 / 48 });
  assert.equal(rows(none)![2], "25200555");
});

Deno.test("segmentCam() gives a mask of the image's own size", () => {
  const mask = segmentCam(halves(16, 18), 0.5);
  assert.deepEqual([mask.width, mask.height, mask.data.length], [16, 18, 288]);
  assert.equal(mask.data[0], 2);
  assert.equal(mask.data[17 * 16 + 15], 5);
});

Deno.test("segmentCam() throws OptionError when an option is outside 0..1", () => {
  for (const options of [{ threshold: 1.1 }, { threshold: -0.1 }, { minArea: NaN }]) {
    assert.throws(() => segmentCam(halves(), 0.5, options), { name: "OptionError" });
  }
});

Deno.test("describeMask() counts every class and says where it is", () => {
  const cam = halves();
  const mask = segmentCam(cam, 0.7, { minArea: 0 });
  const palette = vocPalette();
  palette.set([9, 8, 7], 3 * 5);
  const [b, e] = describeMask(mask, cam, { names: ["a", "b", "c", "d", "e"], palette });
  const { score, ...rest } = e!;
  assert.deepEqual(b, { ...b, name: "b", index: 2, pixels: 0, area: 0, box: null });
  assert.deepEqual(rest, {
    name: "e",
    index: 5,
    color: [9, 8, 7],
    pixels: 19,
    area: 19 / 48,
    box: [1, 0, 8, 6],
  });
  assert.ok(Math.abs(score - 0.8) < 1e-6);
});
