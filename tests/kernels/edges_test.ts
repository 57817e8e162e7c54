import assert from "node:assert/strict";
import { decodeNpz } from "../../core/npz.ts";
import { canny } from "../../kernels/canny.ts";
import { gaussianBlur3x3 } from "../../kernels/gaussian_blur.ts";
import { rgbToGray } from "../../kernels/gray.ts";

const expected = decodeNpz(
  Deno.readFileSync(new URL("../fixtures/edges/edges.npz", import.meta.url)),
);
const bytes = (key: string) => expected[key]!.data as Uint8Array;
const names = Object.keys(expected).filter((key) => `${key}_blurred` in expected);

for (const name of names) {
  const [height, width] = expected[name]!.shape as [number, number];

  Deno.test(`gaussianBlur3x3() equals OpenCV when given ${name}, ${width}×${height}`, () => {
    assert.deepEqual(gaussianBlur3x3(bytes(name), width, height), bytes(`${name}_blurred`));
  });

  Deno.test(`canny() equals OpenCV when given ${name}, ${width}×${height}`, () => {
    for (const [low, high] of [[1, 50], [40, 160], [0, 0]] as const) {
      const edges = canny(bytes(name), width, height, { low, high });
      assert.deepEqual(edges, bytes(`${name}_${low}_${high}`), `thresholds ${low}, ${high}`);
    }
  });
}

Deno.test("canny() follows a fading line when it runs along either axis", () => {
  const [height, width] = expected.fading_row!.shape as [number, number];
  const count = (edges: Uint8Array) => edges.reduce((sum, v) => sum + v / 255, 0);
  const along = count(canny(bytes("fading_row"), width, height, { low: 40, high: 160 }));
  const across = count(canny(bytes("fading_column"), height, width, { low: 40, high: 160 }));
  const strong = count(canny(bytes("fading_row"), width, height, { low: 160, high: 160 }));
  assert.ok(along > strong, `${along} pixels with hysteresis, ${strong} without`);
  assert.equal(across, along);
});

Deno.test("canny() finds 1 and 50 by default, and takes thresholds in either order", () => {
  const [height, width] = expected.disc!.shape as [number, number];
  assert.deepEqual(canny(bytes("disc"), width, height), bytes("disc_1_50"));
  const swapped = canny(bytes("disc"), width, height, { low: 160.9, high: 40.2 });
  assert.deepEqual(swapped, bytes("disc_40_160"));
});

Deno.test("canny() gives the same map when it has run on a larger image before", () => {
  canny(bytes("soft_noise"), 67, 40);
  assert.deepEqual(canny(bytes("two_rows"), 9, 2), bytes("two_rows_1_50"));
});

Deno.test("canny() and gaussianBlur3x3() throw when sizes and bytes do not fit", () => {
  for (const run of [canny, gaussianBlur3x3]) {
    assert.throws(() => run(new Uint8Array(5), 2, 3), TypeError);
    assert.throws(() => run(new Float32Array(6) as unknown as Uint8Array, 2, 3), TypeError);
    assert.throws(() => run(new Uint8Array(0), 0, 3), RangeError);
    assert.throws(() => run(new Uint8Array(3), 1.5, 2), RangeError);
  }
});

Deno.test("canny() throws when a threshold is no number or out of range", () => {
  const image = new Uint8Array(4);
  assert.throws(() => canny(image, 2, 2, { low: -1 }), RangeError);
  assert.throws(() => canny(image, 2, 2, { high: NaN }), RangeError);
  assert.throws(() => canny(image, 2, 2, { high: 40000 }), RangeError);
  assert.throws(() => canny(image, 2, 2, { low: "1" as unknown as number }), TypeError);
});

Deno.test("rgbToGray() equals OpenCV", () => {
  assert.deepEqual(rgbToGray(bytes("colours")), bytes("colours_grey"));
});

Deno.test("rgbToGray() throws TypeError when the bytes are no whole pixels", () => {
  assert.throws(() => rgbToGray(new Uint8Array(7)), TypeError);
  assert.throws(() => rgbToGray([1, 2, 3] as unknown as Uint8Array), TypeError);
});
