import { crc32 } from "node:zlib";

/** Contents of an `IHDR` chunk. */
export function ihdr(width: number, height: number, bitDepth: number, colourType: number) {
  const data = new Uint8Array(13);
  new DataView(data.buffer).setUint32(0, width);
  new DataView(data.buffer).setUint32(4, height);
  data[8] = bitDepth;
  data[9] = colourType;
  return data;
}

/** A PNG of the given chunks, with their checksums. */
export function assemblePng(chunks: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const parts: number[][] = [[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]];
  for (const [type, data] of chunks) {
    const body = Uint8Array.from([...Array.from(type, (c) => c.charCodeAt(0)), ...data]);
    const u32 = (
      value: number,
    ) => [value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255];
    parts.push([...u32(data.length), ...body, ...u32(crc32(body))]);
  }
  return Uint8Array.from(parts.flat());
}
