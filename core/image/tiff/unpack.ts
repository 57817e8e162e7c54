import { inflateSync } from "node:zlib";
import { damaged } from "../bytes.ts";
import { COMPRESSION } from "./directory.ts";

/**
 * Unpacks a strip or tile to exactly `size` bytes; never makes room for more, whatever the packed
 * data holds.
 *
 * @throws {DecodeError} when it holds less.
 */
export function unpack(packed: Uint8Array, compression: number, size: number): Uint8Array {
  switch (compression) {
    case COMPRESSION.lzw:
      return unpackLzw(packed, size);
    case COMPRESSION.packBits:
      return unpackBits(packed, size);
    case COMPRESSION.deflate:
    case COMPRESSION.oldDeflate:
      return unpackDeflate(packed, size);
    default:
      if (packed.length < size) throw tooShort();
      return packed.slice(0, size);
  }
}

function tooShort() {
  return damaged("TIFF strip or tile holds less data than its header promises");
}

function unpackDeflate(packed: Uint8Array, size: number): Uint8Array {
  let data: Uint8Array;
  try {
    data = inflateSync(packed, { maxOutputLength: size, chunkSize: Math.max(64, size) });
  } catch (error) {
    if ((error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE") {
      throw damaged("TIFF strip or tile holds more data than its header promises");
    }
    throw damaged(`TIFF data is damaged (${(error as Error).message})`);
  }
  if (data.length < size) throw tooShort();
  return data;
}

/** PackBits (TIFF 6.0, section 9): runs and literals after a signed count. */
function unpackBits(packed: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  let i = 0;
  let o = 0;
  while (o < size) {
    if (i >= packed.length) throw tooShort();
    const count = packed[i++]!;
    if (count < 128) {
      const end = Math.min(size, o + count + 1);
      if (i + count + 1 > packed.length) throw tooShort();
      for (let from = i; o < end;) out[o++] = packed[from++]!;
      i += count + 1;
    } else if (count > 128) {
      if (i >= packed.length) throw tooShort();
      const end = Math.min(size, o + 257 - count);
      out.fill(packed[i++]!, o, end);
      o = end;
    }
  }
  return out;
}

const CLEAR = 256;
const END = 257;

/** LZW (TIFF 6.0, section 13): codes of 9 to 12 bits, high bit first, widened one code early. */
function unpackLzw(packed: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  // Every code is a stretch of the output already written: where it starts and how long it is.
  const starts = new Int32Array(4096);
  const lengths = new Int32Array(4096);
  let next = END + 1;
  let width = 9;
  let previous = -1;
  let previousStart = 0;
  let bits = 0;
  let held = 0;
  let i = 0;
  let o = 0;
  while (o < size) {
    while (held < width) {
      if (i >= packed.length) throw tooShort();
      bits = (bits << 8 | packed[i++]!) & 0xffffff;
      held += 8;
    }
    held -= width;
    const code = bits >> held & (1 << width) - 1;
    if (code === END) throw tooShort();
    if (code === CLEAR) {
      next = END + 1;
      width = 9;
      previous = -1;
      continue;
    }
    const start = o;
    if (code < 256) {
      out[o++] = code;
    } else if (previous >= 0 && code < next) {
      o = copyWithin(out, starts[code]!, lengths[code]!, o);
    } else if (previous >= 0 && code === next) {
      // The code being defined right now: the previous stretch and its own first byte.
      o = copyWithin(out, previousStart, o - previousStart + 1, o);
    } else {
      throw damaged("TIFF LZW data is damaged");
    }
    if (previous >= 0 && next < 4096) {
      starts[next] = previousStart;
      lengths[next] = start - previousStart + 1;
      next++;
      if (next >= (1 << width) - 1 && width < 12) width++;
    }
    previous = code;
    previousStart = start;
  }
  return out;
}

/** Byte by byte, since the stretch may overlap its copy; stops at the end of the output. */
function copyWithin(out: Uint8Array, from: number, count: number, to: number): number {
  const end = Math.min(out.length, to + count);
  for (let i = from, o = to; o < end;) out[o++] = out[i++]!;
  return end;
}
