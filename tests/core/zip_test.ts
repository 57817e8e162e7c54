import assert from "node:assert/strict";
import { deflateRawSync } from "node:zlib";
import { LimitError } from "../../core/errors.ts";
import { encodeZip, listZip, readZipEntry } from "../../core/zip.ts";

const text = (value: string) => new TextEncoder().encode(value);
const files = {
  "a.txt": text("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
  "ordner/ß": text("b"),
  leer: text(""),
};

function unzip(bytes: Uint8Array): Record<string, Uint8Array> {
  return Object.fromEntries(
    listZip(bytes).map((entry) => [entry.name, new Uint8Array(readZipEntry(bytes, entry))]),
  );
}

for (const compress of [false, true]) {
  Deno.test(`encodeZip() is undone by reading when compress is ${compress}`, () => {
    const bytes = encodeZip(files, { compress });
    assert.deepEqual(unzip(bytes), files);
    assert.ok(listZip(bytes).every((entry) => entry.deflated === compress));
  });
}

Deno.test("readZipEntry() gives plain arrays, stored or deflated", () => {
  for (const compress of [false, true]) {
    const bytes = encodeZip(files, { compress });
    for (const entry of listZip(bytes)) {
      assert.equal(Object.getPrototypeOf(readZipEntry(bytes, entry)), Uint8Array.prototype);
    }
  }
});

Deno.test("encodeZip() makes an archive of nothing but its end when there are no files", () => {
  assert.deepEqual(listZip(encodeZip({})), []);
  assert.equal(encodeZip({}).length, 22);
});

Deno.test("listZip() finds the directory before a comment", () => {
  const bytes = encodeZip(files);
  const commented = new Uint8Array([...bytes, ...text("comment")]);
  new DataView(commented.buffer).setUint16(bytes.length - 2, 7, true);
  assert.deepEqual(unzip(commented), files);
});

Deno.test("readZipEntry() throws SyntaxError when content is changed", () => {
  const bytes = encodeZip(files);
  bytes[30 + "a.txt".length]! ^= 1;
  const [entry] = listZip(bytes);
  assert.throws(() => readZipEntry(bytes, entry!), {
    name: "DecodeError",
    message: 'Cannot read zip archive: "a.txt" fails its checksum',
  });
});

/** A zip whose only entry inflates to `real` zeros, though its headers say `declared`. */
function bomb(declared: number, real: number): Uint8Array {
  const bytes = encodeZip({ x: deflateRawSync(new Uint8Array(real)) });
  const view = new DataView(bytes.buffer);
  const central = view.getUint32(bytes.length - 6, true);
  view.setUint16(central + 10, 8, true);
  view.setUint32(central + 24, declared, true);
  return bytes;
}

Deno.test("readZipEntry() stops inflating at the size declared", () => {
  const bytes = bomb(100, 50_000_000);
  const [entry] = listZip(bytes);
  const before = Deno.memoryUsage().external;
  assert.throws(() => readZipEntry(bytes, entry!), SyntaxError);
  assert.ok(Deno.memoryUsage().external - before < 10_000_000);
});

Deno.test("readZipEntry() throws SyntaxError when less comes out than declared", () => {
  const bytes = bomb(100, 50);
  assert.throws(() => readZipEntry(bytes, listZip(bytes)[0]!), /has 50 bytes, not 100/);
});

Deno.test("listZip() throws LimitError when sizes declared exceed maxBytes", () => {
  const bytes = bomb(0xfffffff0, 50);
  assert.throws(() => listZip(bytes), LimitError);
  assert.equal(listZip(bytes, { maxBytes: 2 ** 32 })[0]!.size, 0xfffffff0);
});

Deno.test("listZip() throws SyntaxError when bytes are no archive, encrypted or cut off", () => {
  assert.throws(() => listZip(new Uint8Array(0)), SyntaxError);
  assert.throws(() => listZip(new Uint8Array(1000)), /no central directory/);
  const bytes = encodeZip(files);
  assert.throws(() => listZip(bytes.subarray(20)), SyntaxError);
  const central = new DataView(bytes.buffer).getUint32(bytes.length - 6, true);
  bytes[central + 8] = 1;
  assert.throws(() => listZip(bytes), /"a.txt" is encrypted/);
});
