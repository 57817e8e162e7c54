import assert from "node:assert/strict";
import { LimitError, UnsupportedFormatError } from "../../../core/errors.ts";
import { decodeImage, readImageHeader, sniffFormat } from "../../../core/image/mod.ts";
import { assertTyped, DECODED, maxDifference, readFixture, REFUSED } from "./fixtures.ts";

for (const [name, expected] of DECODED) {
  Deno.test(`decodeImage() gives Pillow's pixels for ${name}`, async () => {
    const image = await decodeImage(readFixture(name));
    assert.equal(image.width, expected.width);
    assert.equal(image.height, expected.height);
    assert.equal(image.orientation, expected.orientation);
    const turned = expected.orientation >= 5;
    assert.equal(image.storedWidth, turned ? expected.height : expected.width);
    assert.equal(image.storedHeight, turned ? expected.width : expected.height);
    assert.equal(image.data.length, expected.width * expected.height * 3);
    const difference = maxDifference(image.data, readFixture(expected.pixels));
    assert.ok(difference <= expected.tolerance, `differs by ${difference}`);
  });
}

for (const [name, { says }] of REFUSED) {
  Deno.test(`decodeImage() refuses ${name} and says what it is`, async () => {
    await assert.rejects(decodeImage(readFixture(name)), (error) => {
      assert.ok(error instanceof UnsupportedFormatError);
      assert.ok(error.message.includes(says), error.message);
      return true;
    });
  });
}

for (const [name, expected] of DECODED) {
  Deno.test(`decodeImage() never shows half a picture when ${name} is cut short`, async () => {
    const bytes = readFixture(name);
    const whole = readFixture(expected.pixels);
    const lengths = new Set([1, 2, 3, 4, 6, 8, 12, 13, 20, 24, 30, 33, 40]);
    for (let k = 1; k < 20; k++) lengths.add(Math.floor(bytes.length * k / 20));
    for (let k = 1; k <= 12; k++) lengths.add(bytes.length - k);
    for (const length of lengths) {
      if (length <= 0 || length >= bytes.length) continue;
      try {
        const image = await decodeImage(bytes.subarray(0, length));
        // JPEG and PNG have an end marker; the others may end in bytes that are not the picture's.
        assert.ok(!["jpeg", "png"].includes(image.format), `accepted ${length} of ${bytes.length}`);
        const difference = maxDifference(image.data, whole);
        assert.ok(difference <= expected.tolerance, `${length} of ${bytes.length}: ${difference}`);
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        assertTyped(error);
      }
    }
  });
}

Deno.test("decodeImage() refuses a JPEG whose scan was cut but whose end marker is there", async () => {
  for (const name of ["jpeg_420.jpg", "jpeg_progressive.jpg", "jpeg_grey.jpg"]) {
    const bytes = readFixture(name);
    const cut = bytes.slice(0, Math.floor(bytes.length * 0.7));
    cut.set([0xff, 0xd9], cut.length - 2);
    await assert.rejects(decodeImage(cut), { name: "DecodeError" }, name);
  }
});

Deno.test("decodeImage() refuses a WebP whose data was cut but whose sizes add up", async () => {
  for (const [name, type] of [["webp_lossy.webp", "VP8 "], ["webp_lossless.webp", "VP8L"]]) {
    const bytes = readFixture(name!);
    assert.equal(String.fromCharCode(...bytes.subarray(12, 16)), type);
    for (const share of [0.2, 0.5, 0.8, 0.95]) {
      const size = Math.floor((bytes.length - 20) * share / 2) * 2;
      const cut = bytes.slice(0, 20 + size);
      new DataView(cut.buffer).setUint32(4, 12 + size, true);
      new DataView(cut.buffer).setUint32(16, size, true);
      await assert.rejects(decodeImage(cut), { name: "DecodeError" }, `${name} ${share}`);
    }
  }
});

Deno.test("decodeImage() accepts bytes after a JPEG's end and between its segments", async () => {
  const bytes = readFixture("jpeg_420.jpg");
  const plain = await decodeImage(bytes);
  const trailing = new Uint8Array([...bytes, 1, 2, 3, 0xff, 0xd8]);
  assert.deepEqual((await decodeImage(trailing)).data, plain.data);
  const between = new Uint8Array([...bytes.subarray(0, 20), 0, 0, 0, ...bytes.subarray(20)]);
  assert.deepEqual((await decodeImage(between)).data, plain.data);
});

Deno.test("decodeImage() refuses JPEGs of many scans, 12 bits, arithmetic coding or two frames", async () => {
  const bytes = readFixture("jpeg_progressive.jpg");
  const find = (marker: number, from = 0) => {
    for (let i = from; i < bytes.length; i++) {
      if (bytes[i] === 0xff && bytes[i + 1] === marker) return i;
    }
    return assert.fail("no such marker");
  };
  const frame = find(0xc2);
  const scan = find(0xda);
  const next = find(0xc4, scan);
  const manyScans = new Uint8Array([
    ...bytes.subarray(0, next),
    ...Array.from({ length: 100 }, () => [...bytes.subarray(scan, next)]).flat(),
    ...bytes.subarray(next),
  ]);
  await assert.rejects(decodeImage(manyScans), LimitError);
  const deep = bytes.slice();
  deep[frame + 4] = 12;
  await assert.rejects(decodeImage(deep), UnsupportedFormatError);
  const arithmetic = bytes.slice();
  arithmetic[frame + 1] = 0xca;
  await assert.rejects(decodeImage(arithmetic), UnsupportedFormatError);
  const header = bytes.subarray(frame, frame + 19);
  const twice = new Uint8Array([...bytes.subarray(0, frame), ...header, ...bytes.subarray(frame)]);
  await assert.rejects(decodeImage(twice), { name: "DecodeError" });
});

Deno.test("decodeImage() leaves its input as it is", async () => {
  for (const [name] of DECODED) {
    const bytes = readFixture(name);
    const copy = bytes.slice();
    await decodeImage(bytes);
    assert.deepEqual(bytes, copy, name);
  }
});

Deno.test("decodeImage() reads an image that is a view into a larger buffer", async () => {
  for (const [name, expected] of DECODED) {
    const bytes = readFixture(name);
    const larger = new Uint8Array(bytes.length + 16).fill(0xff);
    larger.set(bytes, 7);
    const image = await decodeImage(larger.subarray(7, 7 + bytes.length));
    assert.ok(maxDifference(image.data, readFixture(expected.pixels)) <= expected.tolerance, name);
  }
});

Deno.test("readImageHeader() agrees with the decoder on format, size and orientation", async () => {
  for (const [name] of DECODED) {
    const bytes = readFixture(name);
    const header = readImageHeader(bytes);
    const image = await decodeImage(bytes);
    assert.equal(header.format, sniffFormat(bytes));
    assert.equal(header.format, image.format);
    assert.equal(header.width, image.storedWidth, name);
    assert.equal(header.height, image.storedHeight, name);
    assert.equal(header.orientation, image.orientation, name);
  }
});

Deno.test("decodeImage() works for several images at once", async () => {
  const names = DECODED.map(([name]) => name);
  const images = await Promise.all(names.map((name) => decodeImage(readFixture(name))));
  for (const [i, [name, expected]] of DECODED.entries()) {
    const difference = maxDifference(images[i]!.data, readFixture(expected.pixels));
    assert.ok(difference <= expected.tolerance, name);
  }
});
