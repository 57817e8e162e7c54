import assert from "node:assert/strict";
import { normalizeImage } from "../../kernels/normalize.ts";
import { pattern } from "./pattern.ts";

const MEAN = [0.485, 0.456, 0.406] as const;
const STD = [0.229, 0.224, 0.225] as const;

for (const mirror of [false, true]) {
  Deno.test(`normalizeImage() makes planes of interleaved bytes, mirror ${mirror}`, () => {
    const [width, height] = [7, 5];
    const rgb = pattern(3 * width * height, 1);
    const planes = normalizeImage(rgb, width, height, MEAN, STD, { mirror });
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const from = mirror ? width - 1 - x : x;
          const expected = (rgb[3 * (y * width + from) + c]! / 255 - MEAN[c]!) / STD[c]!;
          assert.equal(planes[(c * height + y) * width + x], Math.fround(expected));
        }
      }
    }
  });
}

Deno.test("normalizeImage() writes where it is told to", () => {
  const both = new Float32Array(12);
  const out = both.subarray(6);
  const rgb = Uint8Array.of(0, 255, 0, 255, 0, 255);
  assert.equal(normalizeImage(rgb, 2, 1, [0, 0, 0], [1, 1, 1], { out }), out);
  assert.deepEqual([...both], [0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1]);
});

Deno.test("normalizeImage() throws TypeError when an array does not fit", () => {
  assert.throws(() => normalizeImage(new Uint8Array(17), 3, 2, MEAN, STD), TypeError);
  const out = new Float32Array(17);
  assert.throws(() => normalizeImage(new Uint8Array(18), 3, 2, MEAN, STD, { out }), TypeError);
});
