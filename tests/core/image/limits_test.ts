import assert from "node:assert/strict";
import { deflateSync } from "node:zlib";
import { LimitError } from "../../../core/errors.ts";
import {
  decodeImage,
  decodeMaskPng,
  DEFAULT_IMAGE_LIMITS,
  encodeMaskPng,
  readImageHeader,
} from "../../../core/image/mod.ts";
import { decodeTiff } from "../../../core/image/tiff/decode.ts";
import { quickest } from "../../helpers/quickest.ts";
import { countReads } from "./count_reads.ts";
import { readFixture } from "./fixtures.ts";
import { assemblePng, ihdr } from "./png_parts.ts";
import { assembleTiff, type TiffTag } from "./tiff_parts.ts";

Deno.test("decodeImage() refuses a 31 KB PNG of 16000×16000 px without unpacking it", async () => {
  const pixels = deflateSync(new Uint8Array(16000 * (16000 / 8 + 1)), { level: 9 });
  const bomb = assemblePng([
    ["IHDR", ihdr(16000, 16000, 1, 0)],
    ["IDAT", pixels],
    ["IEND", new Uint8Array(0)],
  ]);
  assert.ok(bomb.length < 40_000);
  const took = await quickest(500, () =>
    assert.rejects(
      decodeImage(bomb),
      new LimitError(
        "Cannot decode image: PNG header says 16000×16000 px, limit is 8192 px a side",
      ),
    ));
  assert.ok(took < 500, `${took} ms`);
});

Deno.test("decodeImage() refuses a PNG that unpacks to more than its header promises", async () => {
  const bomb = assemblePng([
    ["IHDR", ihdr(30, 20, 8, 0)],
    ["IDAT", deflateSync(new Uint8Array(40_000_000), { level: 9 })],
    ["IEND", new Uint8Array(0)],
  ]);
  const before = Deno.memoryUsage().external;
  await assert.rejects(decodeImage(bomb), {
    name: "DecodeError",
    message: "Cannot decode image: PNG holds more pixel data than its header promises",
  });
  assert.ok(Deno.memoryUsage().external - before < 10_000_000);
});

Deno.test("decodeImage() refuses a body of 21 MB before looking at it", async () => {
  const body = new Uint8Array(21_000_000);
  await assert.rejects(
    decodeImage(body),
    new LimitError(
      "Cannot decode image: the file has 21000000 bytes, limit is 20971520 bytes",
    ),
  );
});

Deno.test("decodeImage() takes limits, and defaults for those left out", async () => {
  const bytes = readFixture("png_rgb.png"); // 31×22
  assert.deepEqual({ ...DEFAULT_IMAGE_LIMITS }, {
    maxBytes: 20 * 2 ** 20,
    maxPixels: 25e6,
    maxSide: 8192,
  });
  await decodeImage(bytes, { limits: { maxSide: 31, maxPixels: 682, maxBytes: bytes.length } });
  await assert.rejects(decodeImage(bytes, { limits: { maxSide: 30 } }), LimitError);
  await assert.rejects(decodeImage(bytes, { limits: { maxPixels: 681 } }), {
    name: "LimitError",
    message: "Cannot decode image: PNG header says 31×22 px, limit is 681 px in all",
  });
  const maxBytes = bytes.length - 1;
  await assert.rejects(decodeImage(bytes, { limits: { maxBytes } }), LimitError);
  await assert.rejects(decodeImage(bytes, { limits: { maxSide: 0 } }), RangeError);
  await assert.rejects(decodeImage(bytes, { limits: { maxSide: NaN } }), RangeError);
});

Deno.test("decodeImage() counts sizes hidden behind a small header", async () => {
  const limits = { maxSide: 100 };
  const frame = readFixture("gif_frame_inside.gif").slice(); // 37×26, frame of 31×22
  const view = new DataView(frame.buffer);
  const descriptor = frame.indexOf(0x2c, 13 + 3 * 32);
  view.setUint16(descriptor + 5, 60_000, true);
  await assert.rejects(decodeImage(frame, { limits }), {
    name: "LimitError",
    message: /GIF first frame says 60000×22 px/,
  });
  const tile = readFixture("tiff_tiles.tif").slice();
  const tiff = new DataView(tile.buffer);
  const directory = tiff.getUint32(4, true);
  for (let i = 0; i < tiff.getUint16(directory, true); i++) {
    const entry = directory + 2 + 12 * i;
    if (tiff.getUint16(entry, true) === 322) tiff.setUint16(entry + 8, 50_000, true);
  }
  await assert.rejects(decodeImage(tile, { limits }), {
    name: "LimitError",
    message: /TIFF tile says 50000×16 px/,
  });
});

Deno.test("readImageHeader() reads no more of a TIFF's tags than it can use", () => {
  // Every tag claims the same 200 000 values, all 1: an image of one pixel in one strip.
  const data = new Uint8Array(800_000);
  for (let i = 0; i < data.length; i += 4) data[i] = 1;
  const tags = [256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 317, 338, 339];
  const all = { offset: 8, count: data.length / 4 };
  const bytes = assembleTiff(tags.map((tag): TiffTag => [tag, all]), data);
  const reads = countReads(() => {
    const { width, height, channels, bitDepth } = readImageHeader(bytes);
    assert.deepEqual([width, height, channels, bitDepth], [1, 1, 1, 1]);
  });
  assert.ok(reads < 200, `${reads} reads`);
});

Deno.test("readImageHeader() refuses a TIFF of more than 200000 strips before listing them", () => {
  const lists = { offset: 8, count: 200_001 };
  const bytes = assembleTiff([
    [256, [1]],
    [257, [200_001]],
    [262, [1]],
    [278, [1]],
    [273, lists],
    [279, lists],
  ], new Uint8Array(800_004));
  const reads = countReads(() =>
    assert.throws(() => readImageHeader(bytes), {
      name: "DecodeError",
      message: "Cannot decode image: TIFF has 200001 strips or tiles",
    })
  );
  assert.ok(reads < 200, `${reads} reads`);
});

/** `head` and `count` times `part`. */
function repeat(head: Uint8Array, part: readonly number[], count: number): Uint8Array {
  const bytes = new Uint8Array(head.length + part.length * count);
  bytes.set(head);
  for (let at = head.length; at < bytes.length; at += part.length) bytes.set(part, at);
  return bytes;
}

const ascii = (text: string) => Array.from(text, (c) => c.charCodeAt(0));

/** Files of nothing but empty chunks after a beginning that holds `first` of them. */
const CHUNKY: Record<string, { first: number; make: (count: number) => Uint8Array }> = {
  PNG: {
    first: 1,
    make: (count) =>
      repeat(
        assemblePng([["IHDR", ihdr(30, 20, 8, 2)]]),
        [0, 0, 0, 0, ...ascii("teXt"), 0, 0, 0, 0],
        count,
      ),
  },
  WebP: {
    first: 0,
    make(count) {
      const head = Uint8Array.from([...ascii("RIFF"), 0, 0, 0, 0, ...ascii("WEBP")]);
      const bytes = repeat(head, [...ascii("JUNK"), 0, 0, 0, 0], count);
      new DataView(bytes.buffer).setUint32(4, bytes.length - 8, true);
      return bytes;
    },
  },
  JPEG: {
    first: 0,
    make: (count) => repeat(Uint8Array.of(0xff, 0xd8), [0xff, 0xfe, 0, 2], count),
  },
};

for (const [format, { first, make }] of Object.entries(CHUNKY)) {
  Deno.test(`readImageHeader() gives up a ${format} after 20000 empty chunks`, () => {
    const parts = format === "JPEG" ? "segments" : "chunks";
    const reads = countReads(() =>
      assert.throws(
        () => readImageHeader(make(200_000)),
        new LimitError(`Cannot decode image: ${format} has more than 20000 ${parts}`),
      )
    );
    assert.ok(reads < 4 * 20_000, `${reads} reads`);
    // One fewer is no reason to refuse, though here there is no picture either.
    const allowed = make(20_000 - first);
    try {
      readImageHeader(allowed);
    } catch (error) {
      assert.equal((error as Error).name, "DecodeError");
    }
  });
}

Deno.test("decodeImage() reads a PNG of 19000 chunks", async () => {
  const pixels = deflateSync(new Uint8Array(20 * 91));
  const bytes = assemblePng([
    ["IHDR", ihdr(30, 20, 8, 2)],
    ...Array.from({ length: 19_000 - 3 }, () => ["teXt", new Uint8Array(0)] as const),
    ["IDAT", pixels],
    ["IEND", new Uint8Array(0)],
  ]);
  assert.deepEqual((await decodeImage(bytes)).data, new Uint8Array(30 * 20 * 3));
});

/** A TIFF of raw samples, all 255, in strips of two rows; the fourth sample is alpha. */
function stripedTiff(width: number, height: number, samples: number): Uint8Array {
  const strips = height / 2;
  const stripBytes = 2 * width * samples;
  return assembleTiff([
    [256, [width]],
    [257, [height]],
    [258, Array.from({ length: samples }, () => 8)],
    [262, [2]],
    [273, Array.from({ length: strips }, (_, i) => 8 + i * stripBytes)],
    [277, [samples]],
    [278, [2]],
    [279, Array.from({ length: strips }, () => stripBytes)],
    [338, [2, 0, 0]],
  ], new Uint8Array(strips * stripBytes).fill(255));
}

Deno.test("decodeTiff() makes room for its colours and one row, not for all samples", () => {
  const bytes = stripedTiff(300, 200, 6);
  let room = 0;
  const original = globalThis.Uint8Array;
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, args, newTarget) {
      if (typeof args[0] === "number") room += args[0];
      return Reflect.construct(target, args, newTarget);
    },
  });
  let pixels: Uint8Array;
  try {
    pixels = decodeTiff(bytes);
  } finally {
    globalThis.Uint8Array = original;
  }
  assert.ok(pixels.length === 300 * 200 * 3 && pixels.every((it) => it === 255));
  assert.ok(room <= 300 * 200 * 3 + 300 * 6, `room for ${room} bytes`);
});

Deno.test("decodeImage() refuses a TIFF of seven samples a pixel", async () => {
  await assert.rejects(decodeImage(stripedTiff(6, 4, 7)), {
    name: "UnsupportedFormatError",
    message: /7 samples a pixel/,
  });
});

Deno.test("decodeImage() refuses a WebP whose canvas and bitstream disagree", async () => {
  const bytes = readFixture("webp_lossy_alpha.webp").slice(); // begins with a VP8X chunk
  const lossy = indexOfAscii(bytes, "VP8 ");
  new DataView(bytes.buffer).setUint16(lossy + 8 + 6, 16_383, true);
  await assert.rejects(decodeImage(bytes), {
    name: "DecodeError",
    message: /canvas and picture disagree/,
  });
});

Deno.test("decodeMaskPng() keeps the limits too", () => {
  const png = encodeMaskPng({ width: 40, height: 30, data: new Uint8Array(1200) });
  assert.throws(() => decodeMaskPng(png, { limits: { maxSide: 39 } }), LimitError);
  assert.throws(() => decodeMaskPng(png, { limits: { maxBytes: 100 } }), LimitError);
});

function indexOfAscii(bytes: Uint8Array, text: string): number {
  return new TextDecoder("latin1").decode(bytes).indexOf(text);
}
