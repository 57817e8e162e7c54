/** NumPy's `.npz` files, of which the service's answers are made: arrays by name. */

const TYPES = {
  "|u1": Uint8Array,
  "|b1": Uint8Array,
  "|i1": Int8Array,
  "<u2": Uint16Array,
  "<i2": Int16Array,
  "<u4": Uint32Array,
  "<i4": Int32Array,
  "<f4": Float32Array,
  "<f8": Float64Array,
  "<i8": BigInt64Array,
  "<u8": BigUint64Array,
};

const CENTRAL_ENTRY = 0x02014b50;
const END_OF_DIRECTORY = 0x06054b50;
const END_SIZE = 22;

/**
 * Reads the arrays of an `.npz` file.
 *
 * @param {ArrayBuffer} file
 * @returns {Promise<Record<string, { shape: number[], data: ArrayLike<number> }>>}
 */
export async function readNpz(file) {
  const view = new DataView(file);
  let end = file.byteLength - END_SIZE;
  while (end >= 0 && view.getUint32(end, true) !== END_OF_DIRECTORY) end--;
  if (end < 0) throw new SyntaxError("The answer holds no arrays");
  const arrays = {};
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    if (view.getUint32(at, true) !== CENTRAL_ENTRY) throw new SyntaxError("The answer is broken");
    const deflated = view.getUint16(at + 10, true) !== 0;
    const size = view.getUint32(at + 20, true);
    const nameLength = view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(new Uint8Array(file, at + 46, nameLength));
    const header = view.getUint32(at + 42, true);
    const start = header + 30 + view.getUint16(header + 26, true) +
      view.getUint16(header + 28, true);
    const content = file.slice(start, start + size);
    arrays[name.replace(/\.npy$/, "")] = readNpy(deflated ? await inflate(content) : content);
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return arrays;
}

async function inflate(content) {
  const stream = new Blob([content]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return await new Response(stream).arrayBuffer();
}

function readNpy(file) {
  const view = new DataView(file);
  const long = view.getUint8(6) > 1;
  const start = long ? 12 : 10;
  const length = long ? view.getUint32(8, true) : view.getUint16(8, true);
  const header = new TextDecoder().decode(new Uint8Array(file, start, length));
  const type = TYPES[/'descr': *'([^']+)'/.exec(header)?.[1]];
  const shape = /'shape': *\(([^)]*)\)/.exec(header)?.[1].split(",").filter((it) => it.trim());
  if (!type || !shape) throw new SyntaxError("The answer holds an array of an unknown kind");
  return { shape: shape.map(Number), data: new type(file.slice(start + length)) };
}
