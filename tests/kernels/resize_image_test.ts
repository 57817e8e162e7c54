import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { decodeNpz } from "../../core/npz.ts";
import { type ResizeFilter, resizeImage } from "../../kernels/resize_image.ts";
import { pattern } from "./pattern.ts";

interface Case {
  width: number;
  height: number;
  channels: number;
  newWidth: number;
  newHeight: number;
  filter: ResizeFilter;
  seed: number;
  /** Black and white only, so that the sums overshoot. */
  stretched: boolean;
  sha256: string;
  /** Name of the whole result among the stored ones. */
  whole?: string;
}

const fixtures = new URL("../fixtures/resize/", import.meta.url);
const cases: Case[] = Deno.readTextFileSync(new URL("pillow.jsonl", fixtures))
  .trimEnd().split("\n").map((line) => JSON.parse(line));
const whole = decodeNpz(Deno.readFileSync(new URL("pillow.npz", fixtures)));

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function resizeCase(c: Case): { result: Uint8Array; input: Uint8Array } {
  let input = pattern(c.width * c.height * c.channels, c.seed);
  if (c.stretched) input = input.map((value) => (value > 127 ? 255 : 0));
  const { width, height, channels, newWidth, newHeight, filter } = c;
  const result = resizeImage(input, width, height, channels, newWidth, newHeight, { filter });
  return { result, input };
}

for (const filter of ["bicubic", "bilinear", "box", "lanczos", "nearest"]) {
  Deno.test(`resizeImage() equals Pillow in every byte when the filter is ${filter}`, () => {
    const chosen = cases.filter((c) => c.filter === filter);
    assert.equal(chosen.length, 46);
    for (const c of chosen) {
      const { result } = resizeCase(c);
      // The few stored whole show where a difference is, the others only that there is one.
      if (c.whole !== undefined) assert.deepEqual(result, whole[c.whole]!.data, c.whole);
      assert.equal(sha256(result), c.sha256, JSON.stringify(c));
    }
  });
}

Deno.test("resizeImage() is bicubic when no filter is named", () => {
  const image = pattern(9 * 13 * 3, 4);
  const expected = resizeImage(image, 13, 9, 3, 7, 6, { filter: "bicubic" });
  assert.deepEqual(resizeImage(image, 13, 9, 3, 7, 6), expected);
  assert.notDeepEqual(resizeImage(image, 13, 9, 3, 7, 6, { filter: "box" }), expected);
});

Deno.test("resizeImage() copies when the size stays", () => {
  const image = pattern(5 * 4 * 3, 1);
  const result = resizeImage(image, 5, 4, 3, 5, 4);
  assert.deepEqual(result, image);
  result[0] = image[0]! ^ 255;
  assert.notEqual(result[0], image[0]);
});

Deno.test("resizeImage() leaves its input as it was", () => {
  const image = pattern(13 * 9 * 3, 2);
  const before = image.slice();
  resizeImage(image, 13, 9, 3, 31, 5);
  resizeImage(image, 13, 9, 3, 6, 22);
  assert.deepEqual(image, before);
});

Deno.test("resizeImage() treats two channels as two images", () => {
  const pairs = pattern(13 * 9 * 2, 3);
  const both = resizeImage(pairs, 13, 9, 2, 6, 11);
  for (const channel of [0, 1]) {
    const every2nd = (_: number, i: number) => i % 2 === channel;
    const alone = resizeImage(pairs.filter(every2nd), 13, 9, 1, 6, 11);
    assert.deepEqual(both.filter(every2nd), alone);
  }
});

Deno.test("resizeImage() throws when sizes or the filter are wrong", () => {
  const image = new Uint8Array(12);
  assert.throws(() => resizeImage(image, 2, 2, 3, 0, 2), RangeError);
  assert.throws(() => resizeImage(image, 2, 2, 3, 2, 1.5), RangeError);
  assert.throws(() => resizeImage(image, 2, 2, 3, NaN, 2), RangeError);
  assert.throws(() => resizeImage(image, 2, 3, 3, 4, 4), {
    name: "TypeError",
    message: "Cannot resize image: 12 bytes, expected 3×2×3",
  });
  const filter = "constructor" as ResizeFilter;
  assert.throws(() => resizeImage(image, 2, 2, 3, 4, 4, { filter }), TypeError);
});

Deno.test("resizeImage() of a window gives that part of the whole", () => {
  const filters: ResizeFilter[] = ["bicubic", "bilinear", "box", "lanczos", "nearest"];
  const [width, height] = [37, 29];
  // Larger, smaller, both; one or both sides as they were; columns first.
  const sizes = [[61, 47], [13, 11], [61, 10], [37, 12], [20, 29], [37, 29], [36, 7]] as const;
  for (const channels of [1, 3]) {
    const input = pattern(width * height * channels, 5);
    for (const filter of filters) {
      for (const [newWidth, newHeight] of sizes) {
        const all = resizeImage(input, width, height, channels, newWidth, newHeight, { filter });
        const windows = [
          { left: 0, top: 0, width: newWidth, height: 3 },
          { left: 4, top: 2, width: newWidth - 6, height: newHeight - 3 },
          { left: newWidth - 1, top: 0, width: 1, height: newHeight },
        ];
        for (const window of windows) {
          const options = { filter, window };
          const part = resizeImage(input, width, height, channels, newWidth, newHeight, options);
          const expected = Array.from({ length: window.height }, (_, y) => {
            const start = ((window.top + y) * newWidth + window.left) * channels;
            return [...all.subarray(start, start + window.width * channels)];
          }).flat();
          assert.deepEqual([...part], expected, `${filter} ${newWidth}×${newHeight}`);
        }
      }
    }
  }
  const window = { left: 3, top: 0, width: 5, height: 5 };
  assert.throws(() => resizeImage(new Uint8Array(4), 2, 2, 1, 7, 7, { window }), RangeError);
});
