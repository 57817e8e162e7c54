import assert from "node:assert/strict";
import { decodeNpz } from "../../core/npz.ts";
import { interpolateBilinear, interpolateNearest } from "../../kernels/interpolate.ts";
import { pattern } from "./pattern.ts";

interface Case {
  channels: number;
  height: number;
  width: number;
  outHeight: number;
  outWidth: number;
  seed: number;
}

const fixtures = new URL("../fixtures/resize/", import.meta.url);
const cases: Case[] = Deno.readTextFileSync(new URL("pytorch.jsonl", fixtures))
  .trimEnd().split("\n").map((line) => JSON.parse(line));
const expected = decodeNpz(Deno.readFileSync(new URL("pytorch.npz", fixtures)));

function planesOf(c: Case): Float32Array {
  return Float32Array.from(pattern(c.channels * c.height * c.width, c.seed), (v) => v / 255);
}

function assertClose(actual: Float32Array, wanted: Float32Array, message: string): void {
  assert.equal(actual.length, wanted.length, message);
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i]! - wanted[i]!);
    assert.ok(difference <= 1e-6, `${message} [${i}]: ${actual[i]} instead of ${wanted[i]}`);
  }
}

for (const alignCorners of [false, true]) {
  Deno.test(`interpolateBilinear() equals PyTorch when alignCorners is ${alignCorners}`, () => {
    for (const c of cases) {
      const wanted = expected[`${c.seed}_${alignCorners ? "corners" : "halves"}`]!;
      const { channels, height, width, outHeight, outWidth } = c;
      const planes = planesOf(c);
      const result = interpolateBilinear(planes, channels, height, width, outHeight, outWidth, {
        alignCorners,
      });
      assertClose(result, wanted.data as Float32Array, JSON.stringify(c));
    }
  });
}

Deno.test("interpolateBilinear() computes the top left part when cropped", () => {
  const planes = planesOf({ channels: 2, height: 7, width: 9, outHeight: 0, outWidth: 0, seed: 3 });
  const full = interpolateBilinear(planes, 2, 7, 9, 32, 48);
  const cropped = interpolateBilinear(planes, 2, 7, 9, 32, 48, { cropHeight: 30, cropWidth: 41 });
  const wanted = full.filter((_, i) => Math.floor(i / 48) % 32 < 30 && i % 48 < 41);
  assert.deepEqual(cropped, wanted);
});

Deno.test("interpolateBilinear() overwrites or adds to the array it is given", () => {
  const planes = pattern(2 * 3 * 5, 1);
  const floats = Float32Array.from(planes);
  const alone = interpolateBilinear(floats, 2, 3, 5, 7, 8);
  const out = new Float32Array(2 * 7 * 8).fill(1000);
  assert.equal(interpolateBilinear(floats, 2, 3, 5, 7, 8, { out }), out);
  assert.deepEqual(out, alone);
  interpolateBilinear(floats, 2, 3, 5, 7, 8, { out, accumulate: true });
  for (let i = 0; i < out.length; i++) {
    assert.ok(Math.abs(out[i]! - 2 * alone[i]!) <= 1e-4, `${out[i]} instead of ${2 * alone[i]!}`);
  }
});

Deno.test("interpolateBilinear() copies when sizes stay, up to the largest values", () => {
  const planes = new Float32Array([1e30, -1e-30, 3.4e38, 0, 7, 0.1]);
  assert.deepEqual(interpolateBilinear(planes, 1, 2, 3, 2, 3), planes);
});

Deno.test("interpolateBilinear() throws when sizes do not fit", () => {
  const planes = new Float32Array(6);
  assert.throws(() => interpolateBilinear(planes, 1, 2, 4, 4, 4), {
    name: "TypeError",
    message: "Cannot interpolate: 6 values, expected 1×2×4",
  });
  assert.throws(() => interpolateBilinear(planes, 1, 2, 3, 0, 4), RangeError);
  assert.throws(() => interpolateBilinear(planes, 1, 2, 3, 4, 4, { cropWidth: 5 }), RangeError);
  const out = new Float32Array(15);
  assert.throws(() => interpolateBilinear(planes, 1, 2, 3, 4, 4, { out }), TypeError);
  assert.throws(() => interpolateBilinear(planes, 1, 2, 3, 4, 4, { accumulate: true }), TypeError);
});

Deno.test("interpolateNearest() equals PyTorch in every label", () => {
  for (const c of cases) {
    const labels = pattern(c.height * c.width, c.seed);
    const result = interpolateNearest(labels, c.height, c.width, c.outHeight, c.outWidth);
    assert.deepEqual(result, expected[`${c.seed}_nearest`]!.data, JSON.stringify(c));
  }
});

Deno.test("interpolateNearest() throws when sizes do not fit", () => {
  assert.throws(() => interpolateNearest(new Uint8Array(6), 2, 4, 3, 3), TypeError);
  assert.throws(() => interpolateNearest(new Uint8Array(6), 2, 3, 3, -1), RangeError);
});
