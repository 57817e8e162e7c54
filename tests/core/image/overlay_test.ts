import assert from "node:assert/strict";
import { OptionError } from "../../../core/errors.ts";
import { drawOverlay, vocPalette } from "../../../core/image/mod.ts";

const width = 7;
const height = 5;
const photo = { width, height, data: new Uint8Array(width * height * 3).fill(100) };

/** Label 1 in columns 1..3, ignore in column 4, all in rows 1..3. */
const mask = {
  width,
  height,
  data: Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    if (y < 1 || y > 3 || x < 1 || x > 4) return 0;
    return x === 4 ? 255 : 1;
  }),
};

const at = (image: { data: Uint8Array }, x: number, y: number) => {
  const o = (y * width + x) * 3;
  return [...image.data.subarray(o, o + 3)];
};

Deno.test("drawOverlay() blends labels, outlines regions and leaves the background alone", () => {
  const overlay = drawOverlay(photo, mask);
  assert.deepEqual(at(overlay, 0, 0), [100, 100, 100]);
  assert.deepEqual(at(overlay, 2, 2), [114, 50, 50]); // half of (128, 0, 0)
  assert.deepEqual(at(overlay, 1, 2), [128, 0, 0]); // edge
  assert.deepEqual(at(overlay, 3, 3), [128, 0, 0]); // edge towards the ignored column
  assert.deepEqual(at(overlay, 4, 2), [131, 131, 123]); // a quarter of (224, 224, 192)
  assert.deepEqual(at(overlay, 5, 2), [100, 100, 100]);
});

Deno.test("drawOverlay() draws no outline when told so, and takes alpha and palette", () => {
  const palette = vocPalette().fill(200, 3, 6);
  const overlay = drawOverlay(photo, mask, { outline: false, alpha: 0.25, palette });
  assert.deepEqual(at(overlay, 1, 2), [125, 125, 125]);
  assert.deepEqual(at(overlay, 2, 2), [125, 125, 125]);
});

Deno.test("drawOverlay() leaves its photo as it is", () => {
  const before = photo.data.slice();
  drawOverlay(photo, mask, { alpha: 1 });
  assert.deepEqual(photo.data, before);
});

Deno.test("drawOverlay() throws when sizes differ or alpha is out of range", () => {
  const turned = { width: height, height: width, data: mask.data };
  assert.throws(() => drawOverlay(photo, turned), TypeError);
  assert.throws(() => drawOverlay(photo, mask, { alpha: 1.5 }), OptionError);
  assert.throws(() => drawOverlay(photo, mask, { alpha: NaN }), OptionError);
  assert.throws(() => drawOverlay(photo, mask, { palette: new Uint8Array(3) }), TypeError);
});
