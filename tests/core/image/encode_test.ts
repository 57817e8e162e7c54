import assert from "node:assert/strict";
import { deflateSync } from "node:zlib";
import {
  decodeImage,
  decodeMaskPng,
  encodeMaskPng,
  encodeRgbPng,
  readImageHeader,
  vocPalette,
} from "../../../core/image/mod.ts";
import { readFixture } from "./fixtures.ts";
import { assemblePng, ihdr } from "./png_parts.ts";

/** Every label at least once, in no regular order. */
function everyLabel(width: number, height: number): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, i) => (i * 37 + (i >> 5)) & 255);
}

Deno.test("encodeMaskPng() writes a palette PNG that decodeMaskPng() reads back", () => {
  for (const [width, height] of [[31, 22], [1, 1], [1, 300], [257, 3]] as const) {
    const mask = { width, height, data: everyLabel(width, height) };
    const png = encodeMaskPng(mask);
    const header = readImageHeader(png);
    assert.deepEqual([header.width, header.height, header.bitDepth, header.colour], [
      width,
      height,
      8,
      "palette",
    ]);
    assert.deepEqual(decodeMaskPng(png), mask);
  }
});

Deno.test("encodeMaskPng() stores the palette's colours", async () => {
  const mask = { width: 32, height: 9, data: everyLabel(32, 9) };
  const palette = Uint8Array.from({ length: 768 }, (_, i) => (i * 91) & 255);
  for (const colours of [palette, vocPalette()]) {
    const image = await decodeImage(encodeMaskPng(mask, colours));
    const expected = [...mask.data].flatMap((k) => [...colours.subarray(k * 3, k * 3 + 3)]);
    assert.deepEqual([...image.data], expected);
  }
});

Deno.test("encodeMaskPng() gives the same bytes for the same mask", () => {
  const mask = { width: 31, height: 22, data: everyLabel(31, 22) };
  assert.deepEqual(encodeMaskPng(mask), encodeMaskPng(mask));
});

Deno.test("encodeRgbPng() writes what decodeImage() reads back", async () => {
  const data = readFixture("png_rgb.rgb");
  const image = await decodeImage(encodeRgbPng({ width: 31, height: 22, data }));
  assert.deepEqual([image.width, image.height, image.format], [31, 22, "png"]);
  assert.deepEqual(image.data, data);
});

Deno.test("decodeMaskPng() reads indices of every depth, interlaced or not", () => {
  for (const depth of [1, 2, 4, 8]) {
    for (const kind of ["", "_interlaced"]) {
      const mask = decodeMaskPng(readFixture(`png_palette_${depth}${kind}.png`));
      assert.deepEqual([mask.width, mask.height], [31, 22]);
      assert.deepEqual(mask.data, readFixture(`png_palette_${depth}.indices`));
    }
  }
});

Deno.test("decodeMaskPng() reads grey values as labels, unscaled", () => {
  const rows = Uint8Array.of(0, 0b00_01_10_11, 0, 0b11_11_00_00);
  const png = assemblePng([
    ["IHDR", ihdr(4, 2, 2, 0)],
    ["IDAT", deflateSync(rows)],
    ["IEND", new Uint8Array(0)],
  ]);
  assert.deepEqual([...decodeMaskPng(png).data], [0, 1, 2, 3, 3, 3, 0, 0]);
});

Deno.test("decodeMaskPng() refuses pictures that hold no labels", () => {
  for (const name of ["png_rgb.png", "png_rgba.png", "png_grey_16.png"]) {
    assert.throws(() => decodeMaskPng(readFixture(name)), { name: "DecodeError" }, name);
  }
  const jpeg = readFixture("jpeg_grey.jpg");
  assert.throws(() => decodeMaskPng(jpeg), { name: "UnsupportedFormatError", message: /is JPEG$/ });
  const png = encodeMaskPng({ width: 31, height: 22, data: everyLabel(31, 22) });
  assert.throws(() => decodeMaskPng(png.subarray(0, png.length - 30)), { name: "DecodeError" });
});

Deno.test("encoders throw TypeError when an argument has the wrong form", () => {
  const data = new Uint8Array(6);
  assert.throws(() => encodeMaskPng({ width: 3, height: 3, data }), TypeError);
  assert.throws(() => encodeMaskPng({ width: 3, height: 2, data }, new Uint8Array(9)), TypeError);
  assert.throws(() => encodeMaskPng({ width: 0, height: 2, data: new Uint8Array(0) }), TypeError);
  assert.throws(() => encodeRgbPng({ width: 3, height: 2, data }), TypeError);
  const floats = new Float32Array(6) as unknown as Uint8Array;
  assert.throws(() => encodeMaskPng({ width: 3, height: 2, data: floats }), TypeError);
});

Deno.test("vocPalette() deals the index's bits out to red, green and blue", () => {
  const palette = vocPalette();
  const colour = (index: number) => [...palette.subarray(index * 3, index * 3 + 3)];
  assert.equal(palette.length, 768);
  assert.deepEqual(colour(0), [0, 0, 0]);
  assert.deepEqual(colour(1), [128, 0, 0]); // aeroplane
  assert.deepEqual(colour(8), [64, 0, 0]); // cat
  assert.deepEqual(colour(15), [192, 128, 128]); // person
  assert.deepEqual(colour(20), [0, 64, 128]); // tvmonitor
  assert.deepEqual(colour(255), [224, 224, 192]); // ignore
  assert.equal(new Set(Array.from({ length: 256 }, (_, k) => colour(k).join())).size, 256);
});
