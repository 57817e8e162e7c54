import assert from "node:assert/strict";
import { DecodeError, LimitError, UnsupportedFormatError } from "../../../core/errors.ts";
import {
  isSafetensors,
  readSafetensors,
  writeSafetensors,
} from "../../../core/weights/safetensors.ts";
import { readWeights } from "../../../core/weights/read_weights.ts";
import { toFloat32, type WeightTensor } from "../../../core/weights/tensor.ts";

const FIXTURE = new URL("../../fixtures/checkpoints/dtypes.safetensors", import.meta.url);

/** A file of any header and so many bytes of data. */
function file(header: unknown, dataBytes: number): Uint8Array {
  const text = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const F32 = (shape: number[], start: number, end: number) => ({
  dtype: "F32",
  shape,
  data_offsets: [start, end],
});

Deno.test("readSafetensors() reads every dtype that Python's library writes", () => {
  const { tensors, metadata } = readSafetensors(Deno.readFileSync(FIXTURE));
  const values: Record<string, (i: number) => number> = {
    float32: (i) => i / 4,
    float64: (i) => i / 3,
    float16: (i) => i / 4,
    bfloat16: (i) => i / 4,
    int64: (i) => i - 2 ** 40,
    int32: (i) => i - 70000,
    int16: (i) => i - 300,
    int8: (i) => i - 3,
    uint8: (i) => i + 250,
    bool: (i) => (i + 1) % 2,
  };
  for (const [name, value] of Object.entries(values)) {
    const tensor = tensors.get(name)!;
    assert.equal(tensor.dtype, name);
    assert.deepEqual(tensor.shape, [2, 3]);
    const read = name === "bfloat16" ? toFloat32(tensor) : tensor.data;
    assert.deepEqual(
      Array.from(read as Iterable<number | bigint>, Number),
      [0, 1, 2, 3, 4, 5].map(value),
      name,
    );
  }
  assert.deepEqual(tensors.get("scalar")!.shape, []);
  assert.deepEqual(toFloat32(tensors.get("scalar")!), Float32Array.of(7));
  assert.deepEqual(tensors.get("empty")!.shape, [0, 3]);
  assert.equal(metadata.get("format"), "pt");
});

Deno.test("writeSafetensors() writes what readSafetensors() reads, all of it aligned", () => {
  const tensors = new Map<string, WeightTensor>([
    ["flag", { shape: [3], dtype: "bool", data: Uint8Array.of(1, 0, 1) }],
    ["ä.weight", { shape: [2, 2], dtype: "float32", data: Float32Array.of(1, -2, 3, 0.5) }],
    ["count", { shape: [], dtype: "int64", data: BigInt64Array.of(-5n) }],
    ["__proto__", { shape: [1], dtype: "float16", data: Float16Array.of(2) }],
    ["none", { shape: [0], dtype: "float32", data: new Float32Array(0) }],
  ]);
  const bytes = writeSafetensors(tensors, { metadata: { origin: "a test" } });
  const { tensors: read, metadata } = readSafetensors(bytes);
  assert.deepEqual(new Set(read.keys()), new Set(tensors.keys()));
  for (const [name, { shape, dtype, data }] of tensors) {
    const found = read.get(name)!;
    assert.deepEqual([found.shape, found.dtype], [shape, dtype], name);
    assert.deepEqual(
      Array.from(found.data as Iterable<unknown>),
      Array.from(data as Iterable<unknown>),
    );
    if (data.length > 0) assert.equal(found.data.buffer, bytes.buffer, `${name} is a view`);
  }
  assert.deepEqual([...metadata], [["origin", "a test"]]);
  assert.deepEqual(writeSafetensors(tensors, { metadata: { origin: "a test" } }), bytes);
  assert.throws(
    () => writeSafetensors(new Map([["__metadata__", tensors.get("count")!]])),
    TypeError,
  );
});

Deno.test("readWeights() tells safetensors from checkpoints by their bytes", () => {
  const safe = Deno.readFileSync(FIXTURE);
  const zip = Deno.readFileSync(new URL("dtypes_zip.pth", FIXTURE));
  const legacy = Deno.readFileSync(new URL("dtypes_legacy.pth", FIXTURE));
  assert.deepEqual([safe, zip, legacy].map(isSafetensors), [true, false, false]);
  for (const bytes of [safe, zip, legacy]) {
    assert.deepEqual(readWeights(bytes).get("float32")!.shape, [2, 3]);
  }
  assert.throws(() => readWeights(new TextEncoder().encode("no weights")), UnsupportedFormatError);
});

const DAMAGED: [string, Uint8Array, RegExp][] = [
  ["a header that is no JSON", file("{oops", 0), /header is no JSON/],
  ["a header that is no UTF-8", file("{\xff", 0).map((b) => b === 0xc3 ? 0xff : b), /no JSON/],
  ["a tensor that is no object", file({ a: [] }, 0), /"a" is no object/],
  ["a tensor without dtype", file({ a: { shape: [], data_offsets: [0, 4] } }, 4), /no dtype/],
  ["sizes that are negative", file({ a: F32([-1], 0, 4) }, 4), /no shape/],
  ["sizes that are no whole numbers", file({ a: F32([0.5], 0, 2) }, 2), /no shape/],
  [
    "a place with three ends",
    file({ a: { ...F32([1], 0, 4), data_offsets: [0, 4, 8] } }, 8),
    /place/,
  ],
  ["a place behind the end", file({ a: F32([2], 0, 8) }, 4), /lies at 0\.\.8 of 4 bytes/],
  ["a place that runs backwards", file({ a: F32([1], 4, 0) }, 4), /lies at 4\.\.0/],
  ["a shape beyond its place", file({ a: F32([1 << 20, 1 << 20], 0, 4) }, 4), /its shape wants/],
  ["sizes whose product overflows", file({ a: F32(Array(40).fill(2 ** 50), 0, 4) }, 4), /wants/],
  ["tensors that overlap", file({ a: F32([2], 0, 8), b: F32([1], 4, 8) }, 8), /overlap/],
  [
    "a gap between tensors",
    file({ a: F32([1], 0, 4), b: F32([1], 8, 12) }, 12),
    /4\.\.8 are unused/,
  ],
  ["bytes behind the last tensor", file({ a: F32([1], 0, 4) }, 8), /4\.\.8 are unused/],
  ["metadata that is no text", file({ __metadata__: { a: 1 } }, 0), /metadata "a" is no text/],
];

for (const [what, bytes, message] of DAMAGED) {
  Deno.test(`readSafetensors() refuses ${what}`, () => {
    assert.throws(
      () => readSafetensors(bytes),
      (error) => error instanceof DecodeError && message.test(error.message),
    );
  });
}

Deno.test("readSafetensors() refuses other types, long headers and what is cut off", () => {
  const odd = { a: { dtype: "F8_E4M3", shape: [1], data_offsets: [0, 1] } };
  assert.throws(
    () => readSafetensors(file(odd, 1)),
    (error) => error instanceof UnsupportedFormatError && /type "F8_E4M3"/.test(error.message),
  );
  assert.throws(
    () => readSafetensors(file({ a: F32([1], 0, 4) }, 4), { maxHeaderBytes: 10 }),
    LimitError,
  );
  const whole = Deno.readFileSync(FIXTURE);
  for (const length of [0, 7, 9, 100, whole.length - 1]) {
    assert.throws(
      () => readSafetensors(whole.slice(0, length)),
      (error) => error instanceof DecodeError || error instanceof UnsupportedFormatError,
      `${length} bytes`,
    );
  }
});

Deno.test("readSafetensors() ends with its own errors whatever bytes are changed", () => {
  const whole = Deno.readFileSync(FIXTURE);
  let state = 12345;
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  let refused = 0;
  for (let turn = 0; turn < 2000; turn++) {
    const bytes = whole.slice();
    for (let n = 1 + random(4); n > 0; n--) bytes[random(900)] = random(256);
    try {
      for (const tensor of readSafetensors(bytes).tensors.values()) toFloat32(tensor);
    } catch (error) {
      refused++;
      assert.ok(
        error instanceof DecodeError || error instanceof UnsupportedFormatError ||
          error instanceof LimitError,
        String(error),
      );
    }
  }
  assert.ok(refused > 1000);
});
