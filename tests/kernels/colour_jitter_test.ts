import assert from "node:assert/strict";
import { jitterColours } from "../../kernels/colour_jitter.ts";

const SAME = { brightness: 1, contrast: 1, saturation: 1, hue: 0 };
const PIXELS = [200, 100, 40, 10, 20, 30, 128, 128, 128, 0, 255, 90];
const luma = (r: number, g: number, b: number) => 0.299 * r + 0.587 * g + 0.114 * b;

function jittered(change: Partial<typeof SAME>): number[] {
  const rgb = Uint8Array.from(PIXELS);
  jitterColours(rgb, { ...SAME, ...change });
  return [...rgb];
}

Deno.test("jitterColours() leaves all as it is with factors of one", () => {
  assert.deepEqual(jittered({}), PIXELS);
});

Deno.test("jitterColours() scales values, and distances to the mean grey and to the own grey", () => {
  const cut = (v: number) => Math.min(255, Math.max(0, Math.floor(v + 0.5)));
  assert.deepEqual(jittered({ brightness: 1.4 }), PIXELS.map((v) => cut(1.4 * v)));
  const greys = [0, 3, 6, 9].map((i) => luma(PIXELS[i]!, PIXELS[i + 1]!, PIXELS[i + 2]!));
  const mean = greys.reduce((a, b) => a + b) / 4;
  assert.deepEqual(jittered({ contrast: 0.5 }), PIXELS.map((v) => cut(mean + 0.5 * (v - mean))));
  const towards = (factor: number) =>
    PIXELS.map((v, i) => cut(greys[Math.floor(i / 3)]! * (1 - factor) + factor * v));
  assert.deepEqual(jittered({ saturation: 0 }), towards(0));
  assert.deepEqual(jittered({ saturation: 1.3 }), towards(1.3));
  const both = PIXELS.map((v) => cut(1.2 * mean + 0.6 * 1.2 * (v - mean)));
  assert.deepEqual(jittered({ brightness: 1.2, contrast: 0.6 }), both);
});

Deno.test("jitterColours() turns hues, keeps greys, and comes back after half a turn twice", () => {
  const half = jittered({ hue: 0.5 });
  assert.deepEqual(half.slice(6, 9), [128, 128, 128]);
  // The colours of the first two pixels are opposite to what they were, of the same luma.
  for (const i of [0, 3]) {
    const [a, b] = [PIXELS.slice(i, i + 3), half.slice(i, i + 3)] as [number[], number[]];
    const grey = luma(a[0]!, a[1]!, a[2]!);
    const mirrored = a.map((v) => Math.min(255, Math.max(0, 2 * grey - v)));
    mirrored.forEach((v, c) => assert.ok(Math.abs(v - b[c]!) <= 1, `${b} is not ${mirrored}`));
  }
  const there = Uint8Array.from(PIXELS.slice(0, 9));
  jitterColours(there, { ...SAME, hue: 0.2 });
  assert.notDeepEqual([...there], PIXELS.slice(0, 9));
  jitterColours(there, { ...SAME, hue: -0.2 });
  there.forEach((v, i) => assert.ok(Math.abs(v - PIXELS[i]!) <= 2, `${there}`));
});

Deno.test("jitterColours() throws when bytes are no pixels", () => {
  assert.throws(() => jitterColours(new Uint8Array(4), SAME), TypeError);
});
