/** A tag of a TIFF: its number and its values, all of 32 bits. */
export type TiffTag = readonly [tag: number, values: readonly number[] | SharedValues];

/** `count` values that stand at `offset`, wherever else they may be used too. */
export interface SharedValues {
  readonly offset: number;
  readonly count: number;
}

/**
 * A little-endian TIFF: 8 bytes of header, then `data` (so what it holds begins at offset 8), then
 * the values of the tags, then the directory.
 */
export function assembleTiff(tags: readonly TiffTag[], data: Uint8Array): Uint8Array {
  const start = 8 + Math.ceil(data.length / 4) * 4;
  const listed = tags.reduce(
    (sum, [, values]) => sum + ("offset" in values ? 0 : values.length),
    0,
  );
  const directory = start + 4 * listed;
  const bytes = new Uint8Array(directory + 2 + 12 * tags.length + 4);
  const view = new DataView(bytes.buffer);
  bytes.set([0x49, 0x49, 42, 0]);
  view.setUint32(4, directory, true);
  bytes.set(data, 8);
  view.setUint16(directory, tags.length, true);
  let next = start;
  for (const [i, [tag, values]] of tags.entries()) {
    const entry = directory + 2 + 12 * i;
    const shared = "offset" in values;
    const count = shared ? values.count : values.length;
    view.setUint16(entry, tag, true);
    view.setUint16(entry + 2, 4, true);
    view.setUint32(entry + 4, count, true);
    if (shared) {
      view.setUint32(entry + 8, values.offset, true);
    } else if (count === 1) {
      view.setUint32(entry + 8, values[0]!, true);
    } else {
      view.setUint32(entry + 8, next, true);
      for (const value of values) {
        view.setUint32(next, value, true);
        next += 4;
      }
    }
  }
  return bytes;
}
