import assert from "node:assert/strict";
import { DecodeError, UnsupportedFormatError } from "../../../core/errors.ts";
import { decodeImage, sniffFormat } from "../../../core/image/mod.ts";
import { DECODED, readFixture } from "./fixtures.ts";

const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

Deno.test("sniffFormat() tells the five formats by their magic bytes", () => {
  const byEnding: Record<string, string> = {
    jpg: "jpeg",
    png: "png",
    gif: "gif",
    tif: "tiff",
    webp: "webp",
  };
  for (const [name] of DECODED) {
    assert.equal(sniffFormat(readFixture(name)), byEnding[name.split(".").pop()!], name);
  }
});

Deno.test("sniffFormat() names what it does not read", () => {
  const others: [string, string][] = [
    ["\0\0\0\x18ftypheic\0\0\0\0", "HEIC"],
    ["\0\0\0\x18ftypavif\0\0\0\0", "AVIF"],
    ["\0\0\0\x18ftypisom\0\0\0\0", "MP4"],
    ["BM\x36\x84\x03\0", "BMP"],
    ["%PDF-1.7\n", "PDF"],
    ["8BPS\0\x01", "PSD"],
    ["PK\x03\x04\x14\0", "ZIP"],
    ["\xff\x0a\xfa\x7f", "JPEG XL"],
    ["\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"],
    ["\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"],
    ["II\x2b\0\x08\0", "BigTIFF"],
    ["<!DOCTYPE html><html><body>Not found</body></html>", "HTML"],
    ["\n\n  <HTML><head>", "HTML"],
    ['<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"],
    ['<?xml version="1.0"?>\n<!-- drawn -->\n<svg width="3"/>', "SVG"],
    ['<?xml version="1.0"?><rss/>', "XML"],
    ['{"error":"no such file"}', "JSON"],
    ["data:image/png;base64,iVBORw0KGgo=", "a data: URL"],
  ];
  for (const [bytes, name] of others) {
    assert.throws(
      () => sniffFormat(ascii(bytes)),
      new UnsupportedFormatError(
        `Cannot decode image: ${name} is not supported; send JPEG, PNG, WebP, GIF or TIFF`,
      ),
    );
  }
});

Deno.test("sniffFormat() says so when it cannot tell", () => {
  for (
    const bytes of ["x", "hello, world", "\0\0\0\0\0\0", "\xff\xd8", "\x89PNG\n", "RIFF1234WAV"]
  ) {
    assert.throws(() => sniffFormat(ascii(bytes)), /the format is not recognised/);
  }
});

Deno.test("sniffFormat() throws DecodeError when there are no bytes", () => {
  assert.throws(() => sniffFormat(new Uint8Array(0)), DecodeError);
});

Deno.test("decodeImage() throws typed errors for an empty body and for HTML named .jpg", async () => {
  await assert.rejects(decodeImage(new Uint8Array(0)), DecodeError);
  const page = ascii("<!doctype html>\n<title>404</title>");
  await assert.rejects(decodeImage(page), UnsupportedFormatError);
  await assert.rejects(decodeImage("photo.jpg" as unknown as Uint8Array), TypeError);
});
