import assert from "node:assert/strict";
import { readImageHeader } from "../../../core/image/mod.ts";
import { readExifOrientation } from "../../../core/image/exif.ts";
import { assertTyped, DECODED, readFixture } from "./fixtures.ts";

Deno.test("readImageHeader() tells depth, channels and colour kind", () => {
  const kinds: [string, number, number, string][] = [
    ["jpeg_420.jpg", 8, 3, "rgb"],
    ["jpeg_grey.jpg", 8, 1, "grey"],
    ["jpeg_cmyk_adobe.jpg", 8, 4, "cmyk"],
    ["png_rgba_16.png", 16, 4, "rgb"],
    ["png_grey_alpha.png", 8, 2, "grey"],
    ["png_palette_4.png", 4, 1, "palette"],
    ["tiff_rgb_16.tif", 16, 3, "rgb"],
    ["tiff_cmyk.tif", 8, 4, "cmyk"],
    ["tiff_bilevel.tif", 1, 1, "grey"],
    ["webp_lossy.webp", 8, 3, "rgb"],
    ["gif_plain.gif", 5, 1, "palette"],
  ];
  for (const [name, bitDepth, channels, colour] of kinds) {
    const header = readImageHeader(readFixture(name));
    assert.deepEqual([header.bitDepth, header.channels, header.colour], [
      bitDepth,
      channels,
      colour,
    ], name);
  }
});

Deno.test("readImageHeader() counts the frames of animations and names parts of other sizes", () => {
  const gif = readImageHeader(readFixture("gif_animated.gif"));
  assert.equal(gif.frames, 3);
  assert.equal(readImageHeader(readFixture("webp_animated.webp")).frames, 3);
  const outside = readImageHeader(readFixture("gif_frame_outside.gif"));
  assert.deepEqual(outside.parts, [{ name: "first frame", width: 31, height: 22 }]);
  assert.deepEqual([outside.width, outside.height], [20, 10]);
  const tiles = readImageHeader(readFixture("tiff_tiles.tif"));
  assert.deepEqual(tiles.parts, [{ name: "tile", width: 16, height: 16 }]);
});

Deno.test("readImageHeader() needs only the beginning of a file", () => {
  for (
    const [name, enough] of [["jpeg_420.jpg", 623], ["png_rgb.png", 33], ["gif_plain.gif", 160]]
  ) {
    const bytes = readFixture(name as string);
    const whole = readImageHeader(bytes);
    const part = readImageHeader(bytes.subarray(0, enough as number));
    assert.deepEqual({ ...part, frames: 0 }, { ...whole, frames: 0 }, name as string);
  }
});

Deno.test("readImageHeader() throws only typed errors at every length of a file's beginning", () => {
  for (const [name] of DECODED) {
    const bytes = readFixture(name);
    for (let length = 0; length < Math.min(300, bytes.length); length++) {
      try {
        const header = readImageHeader(bytes.subarray(0, length));
        assert.ok(header.width > 0 && header.height > 0);
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        assertTyped(error);
      }
    }
  }
});

/** An EXIF block of one SHORT tag. */
function exif(littleEndian: boolean, tag: number, value: number, count = 1): Uint8Array {
  const block = new Uint8Array(26);
  const view = new DataView(block.buffer);
  block.set(littleEndian ? [0x49, 0x49] : [0x4d, 0x4d]);
  view.setUint16(2, 42, littleEndian);
  view.setUint32(4, 8, littleEndian);
  view.setUint16(8, 1, littleEndian);
  view.setUint16(10, tag, littleEndian);
  view.setUint16(12, 3, littleEndian);
  view.setUint32(14, count, littleEndian);
  view.setUint16(18, value, littleEndian);
  return block;
}

Deno.test("readExifOrientation() reads both byte orders, with and without the JPEG prefix", () => {
  for (const littleEndian of [true, false]) {
    for (let value = 1; value <= 8; value++) {
      const block = exif(littleEndian, 274, value);
      assert.equal(readExifOrientation(block), value);
      const prefixed = new Uint8Array([0x45, 0x78, 0x69, 0x66, 0, 0, ...block]);
      assert.equal(readExifOrientation(prefixed), value);
    }
  }
});

Deno.test("readExifOrientation() means upright when the block is damaged or says nonsense", () => {
  assert.equal(readExifOrientation(new Uint8Array(0)), 1);
  assert.equal(readExifOrientation(exif(true, 274, 0)), 1);
  assert.equal(readExifOrientation(exif(true, 274, 9)), 1);
  assert.equal(readExifOrientation(exif(true, 275, 6)), 1);
  assert.equal(readExifOrientation(exif(true, 274, 6, 7)), 1);
  const good = exif(false, 274, 6);
  for (let length = 0; length < 22; length++) {
    assert.equal(readExifOrientation(good.subarray(0, length)), 1, `${length} bytes`);
  }
  const far = exif(true, 274, 6);
  new DataView(far.buffer).setUint32(4, 0xffffffff, true);
  assert.equal(readExifOrientation(far), 1);
});
