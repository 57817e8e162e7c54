import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeNpy,
  decodeNpz,
  encodeNpy,
  encodeNpz,
  type NpyArray,
  type NpyData,
} from "../../core/npz.ts";
import { LimitError } from "../../core/errors.ts";
import { encodeZip } from "../../core/zip.ts";

const fixtures = new URL("../fixtures/npz/", import.meta.url);
const read = (name: string) => Deno.readFileSync(new URL(name, fixtures));

/** -3 … 8 as 3×4, the content of most of the fixtures. */
const ramp = Array.from({ length: 12 }, (_, i) => i - 3);
const counted = (length: number) => Array.from({ length }, (_, i) => i);

function asBig(values: number[]): bigint[] {
  return values.map(BigInt);
}

const raised = counted(12);
const contents: Record<string, NpyArray> = {
  f2: { shape: [3, 4], data: new Float32Array(ramp), dtype: "<f4" },
  f4: { shape: [3, 4], data: new Float32Array(ramp), dtype: "<f4" },
  f8: { shape: [3, 4], data: new Float64Array(ramp), dtype: "<f8" },
  i1: { shape: [3, 4], data: new Int8Array(ramp), dtype: "|i1" },
  i2: { shape: [3, 4], data: new Int16Array(ramp), dtype: "<i2" },
  i4: { shape: [3, 4], data: new Int32Array(ramp), dtype: "<i4" },
  i8: { shape: [3, 4], data: new BigInt64Array(asBig(ramp)), dtype: "<i8" },
  u1: { shape: [3, 4], data: new Uint8Array(raised), dtype: "|u1" },
  u2: { shape: [3, 4], data: new Uint16Array(raised), dtype: "<u2" },
  u4: { shape: [3, 4], data: new Uint32Array(raised), dtype: "<u4" },
  u8: { shape: [3, 4], data: new BigUint64Array(asBig(raised)), dtype: "<u8" },
  bool: { shape: [3, 4], data: Uint8Array.from(ramp, (v) => Number(v > 2)), dtype: "|b1" },
  scalar: { shape: [], data: new Float32Array([2.5]), dtype: "<f4" },
  row: { shape: [5], data: new Int32Array([0, 1, 2, 3, 4]), dtype: "<i4" },
  empty: { shape: [0, 3], data: new Float32Array(0), dtype: "<f4" },
  column_major: { shape: [2, 3, 4], data: new Int16Array(counted(24)), dtype: "<i2" },
  big_endian_i2: { shape: [3, 4], data: new Int16Array(ramp), dtype: "<i2" },
  big_endian_f4: { shape: [3, 4], data: new Float32Array(ramp), dtype: "<f4" },
  big_endian_f8: { shape: [3, 4], data: new Float64Array(ramp), dtype: "<f8" },
  halves: {
    shape: [10],
    data: new Float32Array([
      ...[0, -0, 1, -2.5, 65504, 2 ** -24, 1040 * 2 ** -24, Infinity, -Infinity, NaN],
    ]),
    dtype: "<f4",
  },
  größe: { shape: [2], data: new BigInt64Array([375n, 500n]), dtype: "<i8" },
};

for (const name of ["savez", "savez_compressed"]) {
  Deno.test(`decodeNpz() reads every kind of array when numpy.${name} wrote them`, () => {
    const arrays = decodeNpz(read(`${name}.npz`));
    assert.deepEqual(Object.keys(arrays), Object.keys(contents));
    for (const [key, wanted] of Object.entries(contents)) {
      assert.deepEqual(arrays[key], wanted, key);
    }
  });
}

for (const compress of [false, true]) {
  Deno.test(`encodeNpz() is undone by decodeNpz() when compress is ${compress}`, () => {
    const bytes = encodeNpz(contents, { compress });
    assert.deepEqual({ ...decodeNpz(bytes) }, contents);
    assert.deepEqual(encodeNpz(contents, { compress }), bytes);
  });
}

Deno.test("encodeNpz() makes the archive smaller when compress is set", () => {
  const mask: NpyArray = { shape: [100, 70], data: new Uint8Array(7000) };
  assert.ok(encodeNpz({ mask }, { compress: true }).length < 400);
  assert.ok(encodeNpz({ mask }).length > 7000);
});

Deno.test("encodeNpy() equals numpy.save in every byte", () => {
  const array: NpyArray = { shape: [3, 4], data: new Float32Array(ramp) };
  assert.deepEqual(encodeNpy(array), new Uint8Array(read("float32.npy")));
});

Deno.test("encodeNpy() infers the dtype, and writes booleans as 0 and 1", () => {
  const data = new Uint8Array([0, 7, 1]);
  assert.deepEqual(decodeNpy(encodeNpy({ shape: [3], data })).dtype, "|u1");
  const bool = decodeNpy(encodeNpy({ shape: [3], data, dtype: "|b1" }));
  assert.deepEqual(bool, { shape: [3], data: new Uint8Array([0, 1, 1]), dtype: "|b1" });
});

Deno.test("encodeNpy() writes only the part that a view covers", () => {
  const data = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
  assert.deepEqual(decodeNpy(encodeNpy({ shape: [2], data })).data, new Float32Array([1, 2]));
});

Deno.test("encodeNpy() throws when shape, data and dtype do not fit together", () => {
  const data = new Float32Array(6);
  assert.throws(() => encodeNpy({ shape: [2, 4], data }), {
    name: "TypeError",
    message: "Cannot encode npy: 6 values do not fill (2,4)",
  });
  assert.throws(() => encodeNpy({ shape: [-2, -3], data }), TypeError);
  assert.throws(() => encodeNpy({ shape: [6], data, dtype: "<f8" }), TypeError);
  assert.throws(() => encodeNpy({ shape: [6], data: [1] as unknown as NpyData }), TypeError);
});

for (const version of [2, 3]) {
  Deno.test(`decodeNpy() reads format version ${version}`, () => {
    const { shape, data } = decodeNpy(read(`version${version}.npy`));
    assert.deepEqual({ shape, data }, { shape: [3, 4], data: new Int32Array(ramp) });
  });
}

Deno.test("decodeNpy() reads bytes at an odd address", () => {
  const bytes = read("float32.npy");
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  assert.deepEqual(decodeNpy(shifted.subarray(1)).data, new Float32Array(ramp));
});

Deno.test("decodeNpz() refuses Python objects", () => {
  assert.throws(() => decodeNpz(read("objects.npz")), {
    name: "DecodeError",
    message: "Cannot decode npy: it holds Python objects (a pickle), which are never read",
  });
});

Deno.test("decodeNpy() throws SyntaxError when there is no typed array for the elements", () => {
  assert.throws(() => decodeNpy(read("text.npy")), /dtype "<U4" is not supported/);
  assert.throws(() => decodeNpy(read("records.npy")), /structured dtype/);
});

/** An `.npy` file with the given header text and no data. */
function withHeader(text: string): Uint8Array {
  const header = new TextEncoder().encode(text);
  return new Uint8Array([
    ...[0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8],
    ...header,
  ]);
}

Deno.test("decodeNpy() throws SyntaxError when a shape and the data disagree", () => {
  for (const shape of ["(4000000000, 4000000000)", "(1,)", "(-1,)", "(2,,3)", "(1e3,)"]) {
    const header = `{'descr': '<f4', 'fortran_order': True, 'shape': ${shape}, }`;
    assert.throws(() => decodeNpy(withHeader(header)), SyntaxError, shape);
  }
  const empty = withHeader("{'shape': (0L, 9L), 'fortran_order': True, 'descr': '<f4'}");
  assert.deepEqual(decodeNpy(empty).shape, [0, 9]);
  const long = read("float32.npy");
  assert.throws(() => decodeNpy(new Uint8Array([...long, 0])), SyntaxError);
});

Deno.test("decodeNpz() throws when a name comes twice or an entry is no array", () => {
  const array = encodeNpy({ shape: [1], data: new Uint8Array(1) });
  const twice = encodeZip({ "a.npy": array, "b.npy": array });
  for (let i = 0; i < twice.length; i++) {
    // Both names are followed by ".npy" in both headers.
    if (twice[i] === 0x62 && twice[i + 1] === 0x2e) twice[i] = 0x61;
  }
  assert.throws(() => decodeNpz(twice), /"a" is there twice/);
  assert.throws(() => decodeNpz(encodeZip({ "a.txt": array })), /"a.txt" is not an array/);
});

Deno.test("decodeNpz() keeps a hostile name out of the prototype", () => {
  const arrays = decodeNpz(encodeNpz({ ["__proto__"]: contents.row! }));
  assert.deepEqual(Object.keys(arrays), ["__proto__"]);
});

Deno.test("decodeNpz() throws LimitError when the arrays declare more than maxBytes", () => {
  const bytes = encodeNpz({ zeros: { shape: [100000], data: new Uint8Array(100000) } }, {
    compress: true,
  });
  assert.ok(bytes.length < 1000);
  assert.throws(() => decodeNpz(bytes, { maxBytes: 99999 }), LimitError);
  assert.equal(decodeNpz(bytes, { maxBytes: 100128 }).zeros!.data.length, 100000);
});

Deno.test("decodeNpz() throws nothing but SyntaxError and LimitError when bytes are damaged", () => {
  const good = [read("savez.npz"), read("savez_compressed.npz")];
  const damage = fc.record({
    which: fc.nat({ max: 1 }),
    length: fc.nat({ max: 6000 }),
    changes: fc.array(fc.tuple(fc.nat({ max: 5999 }), fc.nat({ max: 255 })), { maxLength: 4 }),
  });
  fc.assert(
    fc.property(damage, ({ which, length, changes }) => {
      const bytes = new Uint8Array(good[which]!);
      for (const [position, value] of changes) bytes[position % bytes.length] = value;
      const kept = length % 3 === 0 ? bytes.subarray(0, length) : bytes;
      try {
        decodeNpz(kept);
      } catch (error) {
        assert.ok(error instanceof SyntaxError || error instanceof LimitError, String(error));
      }
    }),
    { seed: 7, numRuns: 400 },
  );
});
