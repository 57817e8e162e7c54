/** Image files for tests of the ways in. */

import { deflateSync } from "node:zlib";
import { crc32 } from "node:zlib";

const ROOT = new URL("../../", import.meta.url);

/** A photograph of 451×300 px. */
export const CAT: Uint8Array<ArrayBuffer> = await Deno.readFile(new URL("examples/cat.jpg", ROOT));
export const CAT_SIZE = { width: 451, height: 300 } as const;

/** The cat cut off in the middle of its pixels. */
export const TRUNCATED_CAT: Uint8Array<ArrayBuffer> = CAT.slice(0, CAT.length >> 1);

/** An error page, as one gets when saving an image that is not there. */
export const HTML: Uint8Array<ArrayBuffer> = new TextEncoder().encode(
  "<!doctype html><html><title>404</title></html>",
);

/** The beginning of a phone's photo. */
export const HEIC: Uint8Array<ArrayBuffer> = new TextEncoder().encode(
  "\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\0",
);

/** A valid PNG of some 31 KB that unpacks to 16000×16000 px. */
export function makeBomb(): Uint8Array<ArrayBuffer> {
  const side = 16_000;
  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, side);
  new DataView(header.buffer).setUint32(4, side);
  header[8] = 1; // one bit a pixel, grey
  const pixels = deflateSync(new Uint8Array(side * (1 + side / 8)), { level: 9 });
  const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  return Uint8Array.from([
    ...signature,
    ...chunk("IHDR", header),
    ...chunk("IDAT", pixels),
    ...chunk("IEND", new Uint8Array(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): number[] {
  const named = [...new TextEncoder().encode(type), ...data];
  return [...bigEndian(data.length), ...named, ...bigEndian(crc32(Uint8Array.from(named)))];
}

function bigEndian(value: number): number[] {
  return [value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255];
}
