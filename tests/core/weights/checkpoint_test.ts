import assert from "node:assert/strict";
import { DecodeError, LimitError, UnsupportedFormatError } from "../../../core/errors.ts";
import { readCheckpoint } from "../../../core/weights/checkpoint.ts";
import { pickStateDict, readStateDict } from "../../../core/weights/state_dict.ts";
import { toFloat32, type WeightTensor } from "../../../core/weights/tensor.ts";
import { bytes, int, MARK, PROTO, STOP, storage, tensor, text, zip } from "./pickle_bytes.ts";

const FIXTURES = new URL("../../fixtures/checkpoints/", import.meta.url);
const FORMATS = ["zip", "legacy"];

function fixture(name: string): Uint8Array {
  return Deno.readFileSync(new URL(`${name}.pth`, FIXTURES));
}

function numbers(tensor: WeightTensor | undefined): number[] {
  assert.ok(tensor !== undefined);
  return Array.from(tensor.data as Iterable<number | bigint>, Number);
}

/** A ZIP checkpoint of one tensor over the storage "0". */
function oneTensor(pickle: Uint8Array, data: Uint8Array, more: Record<string, Uint8Array> = {}) {
  return zip({ "a/data.pkl": bytes(PROTO, pickle, STOP), "a/data/0": data, ...more });
}

const ramp = new Uint8Array(Float32Array.from({ length: 6 }, (_, i) => i).buffer);

for (const format of FORMATS) {
  Deno.test(`readCheckpoint() reads every dtype of a ${format} file`, () => {
    const tensors = readStateDict(fixture(`dtypes_${format}`));
    const values: Record<string, (i: number) => number> = {
      float32: (i) => i / 4,
      float64: (i) => i / 3,
      float16: (i) => i / 4,
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
      assert.deepEqual(numbers(tensor), [0, 1, 2, 3, 4, 5].map(value), name);
    }
    assert.deepEqual(Array.from(toFloat32(tensors.get("bfloat16")!)), [0, .25, .5, .75, 1, 1.25]);
    assert.deepEqual(Array.from(toFloat32(tensors.get("float16")!)), [0, .25, .5, .75, 1, 1.25]);
    assert.equal(toFloat32(tensors.get("int64")!)[0], -(2 ** 40));
    assert.deepEqual(tensors.get("scalar")!.shape, []);
    assert.deepEqual(numbers(tensors.get("scalar")), [7]);
    assert.deepEqual(tensors.get("empty")!.shape, [0, 3]);
    assert.equal(tensors.get("empty")!.data.length, 0);
  });

  Deno.test(`readCheckpoint() keeps storages shared and makes views contiguous (${format})`, () => {
    const tensors = readStateDict(fixture(`shared_${format}`));
    const base = tensors.get("base")!;
    assert.deepEqual(numbers(base), Array.from({ length: 24 }, (_, i) => i));
    assert.equal(tensors.get("tied")!.data.buffer, base.data.buffer);
    assert.equal(tensors.get("row")!.data.buffer, base.data.buffer);
    assert.deepEqual(numbers(tensors.get("row")), [12, 13, 14, 15, 16, 17]);
    const transposed = tensors.get("transposed")!;
    assert.deepEqual(transposed.shape, [6, 4]);
    assert.deepEqual(numbers(transposed).slice(0, 8), [0, 6, 12, 18, 1, 7, 13, 19]);
    assert.deepEqual(numbers(tensors.get("every_other")), [6, 8, 10, 12, 14, 16, 18, 20, 22]);
    const row = [0, 1, 2, 3, 4, 5];
    assert.deepEqual(numbers(tensors.get("expanded")), [...row, ...row, ...row]);
    assert.deepEqual(numbers(tensors.get("one_column")), [4, 10, 16, 22]);
  });

  Deno.test(`readCheckpoint() reads a training script's dictionary (${format})`, () => {
    const value = readCheckpoint(fixture(`training_${format}`));
    assert.ok(value instanceof Map);
    assert.equal(value.get("epoch"), 3);
    assert.equal(value.get("best"), 0.625);
    assert.equal(value.get("steps"), 2 ** 40);
    assert.equal(value.get("debt"), -5);
    assert.equal(value.get("name"), "größe");
    assert.deepEqual(value.get("size"), [2, 3]);
    assert.equal(value.get("done"), false);
    assert.equal(value.get("none"), null);
    assert.deepEqual(value.get("betas"), [0.9, 0.999]);
    const optimizer = value.get("optimizer") as Map<string, Map<number, Map<string, unknown>>>;
    assert.deepEqual([...optimizer.get("state")!.keys()], [0, 1, 2, 3]);

    const tensors = pickStateDict(value);
    assert.deepEqual([...tensors.keys()], [
      "0.weight",
      "0.bias",
      "1.weight",
      "1.bias",
      "1.running_mean",
      "1.running_var",
      "1.num_batches_tracked",
    ]);
    assert.deepEqual(tensors.get("0.weight")!.shape, [2, 1, 1, 1]);
    assert.deepEqual(numbers(tensors.get("1.bias")), [30, 31]);
    assert.deepEqual(numbers(tensors.get("1.num_batches_tracked")), [1]);
    assert.throws(() => pickStateDict(value, { key: "betas" }), DecodeError);
  });

  Deno.test(`readCheckpoint() reads parameters, with and without attributes (${format})`, () => {
    const tensors = readStateDict(fixture(`parameters_${format}`));
    assert.deepEqual(numbers(tensors.get("plain")), [1.5, -2]);
    assert.deepEqual(tensors.get("marked")!.shape, [1, 1]);
    assert.deepEqual(numbers(tensors.get("marked")), [3]);
  });
}

Deno.test("readCheckpoint() reads files at any alignment", () => {
  const file = fixture("shared_zip");
  for (const shift of [1, 2, 3]) {
    const moved = new Uint8Array(file.length + shift).subarray(shift);
    moved.set(file);
    assert.equal(numbers(readStateDict(moved).get("transposed"))[3], 18);
  }
});

Deno.test("readCheckpoint() swaps bytes when the file says it is big endian", () => {
  const swapped = ramp.slice();
  for (let i = 0; i < swapped.length; i += 4) swapped.subarray(i, i + 4).reverse();
  const pickle = bytes("}", text("w"), tensor(storage("0", 6), [2, 3], [3, 1]), "s");
  const file = oneTensor(pickle, swapped, { "a/byteorder": bytes("big") });
  assert.deepEqual(numbers(readStateDict(file).get("w")), [0, 1, 2, 3, 4, 5]);
});

Deno.test("readCheckpoint() reads archives that were packed again, and zip64 fields", () => {
  const pickle = bytes(
    PROTO,
    "}",
    text("w"),
    tensor(storage("0", 6), [2, 3], [3, 1]),
    "s",
    STOP,
  );
  for (const how of [{ deflate: true }, { zip64: true }, { deflate: true, zip64: true }]) {
    const file = zip({
      "my model/data.pkl": { data: pickle, ...how },
      "my model/data/0": { data: ramp, ...how },
    });
    assert.deepEqual(numbers(readStateDict(file).get("w")), [0, 1, 2, 3, 4, 5]);
  }
});

Deno.test("readCheckpoint() says what a file is when it is no checkpoint", () => {
  const cases: [Uint8Array, RegExp][] = [
    [new Uint8Array(), /not a file written by torch\.save/],
    [bytes("\x89PNG"), /not a file written by torch\.save/],
    [bytes(PROTO, "N", STOP), /a pickle, but not one written by torch\.save/],
    [zip({ "a.txt": bytes("x") }), /has no data\.pkl/],
    [zip({ "a/data.pkl": bytes("N."), "a/constants.pkl": bytes(".") }), /TorchScript/],
  ];
  for (const [file, message] of cases) {
    assert.throws(
      () => readCheckpoint(file),
      (error) => error instanceof UnsupportedFormatError && message.test(error.message),
    );
  }
});

Deno.test("readCheckpoint() refuses tensors that reach beyond their storage", () => {
  const cases: [number[], number[], number][] = [
    [[2, 4], [4, 1], 0],
    [[2, 3], [3, 1], 1],
    [[2, 3], [4, 1], 0],
    [[1], [1], 6],
    [[2 ** 30, 2 ** 30], [1, 1], 0],
  ];
  for (const [shape, strides, offset] of cases) {
    const file = oneTensor(tensor(storage("0", 6), shape, strides, offset), ramp);
    assert.throws(() => readCheckpoint(file), DecodeError, `${shape} ${strides} ${offset}`);
  }
  // One tensor right up to the end is fine.
  readCheckpoint(oneTensor(tensor(storage("0", 6), [2, 2], [3, 1], 1), ramp));
});

Deno.test("readCheckpoint() refuses sizes that lie", () => {
  const pickle = (length: number) => tensor(storage("0", length), [1], [1]);
  const half = ramp.subarray(0, 12);
  const cases = [
    oneTensor(pickle(7), ramp),
    oneTensor(pickle(5), ramp),
    oneTensor(pickle(0x7fffffff), ramp),
    oneTensor(pickle(-1), ramp),
    oneTensor(tensor(storage("1", 6), [1], [1]), ramp),
    oneTensor(tensor(storage("0", 6), [-1], [1]), ramp),
    oneTensor(tensor(storage("0", 6), [2], [-1]), ramp),
    oneTensor(tensor(storage("0", 6), [2], []), ramp),
    oneTensor(bytes(pickle(6), storage("0", 5), "\x86"), ramp),
    oneTensor(bytes(pickle(6), storage("0", 6, "IntStorage"), "\x86"), ramp),
    zip({
      "a/data.pkl": bytes(pickle(6), STOP),
      "a/data/0": { data: half, size: 24, compressedSize: 24 },
    }),
    zip({ "a/data.pkl": bytes(pickle(6), STOP), "a/data/0": { data: half, size: 24 } }),
    zip({
      "a/data.pkl": bytes(pickle(6), STOP),
      "a/data/0": { data: half, size: 24, deflate: true },
    }),
    zip({ "a/data.pkl": bytes(pickle(6), STOP), "a/data/0": { data: ramp, method: 9 } }),
    zip({ "a/data.pkl": bytes(pickle(6), STOP), "a/data/0": { data: ramp, flags: 1 } }),
  ];
  cases.forEach((file, i) => assert.throws(() => readCheckpoint(file), DecodeError, `case ${i}`));
});

Deno.test("readCheckpoint() does not inflate more than an archive declares, nor declare much", () => {
  const zeros = new Uint8Array(100_000_000);
  const pickle = bytes(tensor(storage("0", 25_000_000), [1], [1]), STOP);
  const lying = zip({ "a/data.pkl": pickle, "a/data/0": { data: zeros, deflate: true, size: 24 } });
  assert.throws(() => readCheckpoint(lying), DecodeError);
  const honest = zip({ "a/data.pkl": pickle, "a/data/0": { data: zeros, deflate: true } });
  assert.ok(honest.length < 200_000);
  assert.throws(() => readCheckpoint(honest), LimitError);
  const long = zip({ "a/data.pkl": { data: zeros, deflate: true } });
  assert.throws(() => readCheckpoint(long), LimitError);
});

Deno.test("readCheckpoint() refuses few bytes that expand to very many", () => {
  const wide = tensor(storage("0", 6), [40_000, 1000], [0, 0]);
  const file = oneTensor(wide, ramp);
  assert.throws(() => readCheckpoint(file), LimitError);
  const many = bytes(MARK, tensor(storage("0", 6), [1 << 20, 2], [0, 1]), "q\x00");
  const again = new Array(20).fill(tensor(storage("0", 6), [1 << 20, 2], [0, 1]));
  assert.throws(() => readCheckpoint(oneTensor(bytes(many, ...again, "t"), ramp)), LimitError);
});

Deno.test("readCheckpoint() refuses legacy files whose storages do not fit the pickles", () => {
  const file = fixture("shared_legacy");
  const lengthAt = file.length - 24 * 4 - 8;
  const more = file.slice();
  more[lengthAt] = 25;
  assert.throws(() => readCheckpoint(more), /storage has 25 elements, not 24/);
  const huge = file.slice();
  huge[lengthAt + 7] = 0x7f;
  assert.throws(() => readCheckpoint(huge), DecodeError);
  assert.throws(() => readCheckpoint(file.subarray(0, file.length - 1)), /cut off/);
});

Deno.test("readCheckpoint() throws a typed error for a file cut off anywhere", () => {
  for (const format of FORMATS) {
    const file = fixture(`training_${format}`);
    for (let part = 0; part < 20; part++) {
      const length = Math.floor((file.length * part) / 20);
      assert.throws(
        () => readCheckpoint(file.subarray(0, length)),
        (error) => error instanceof SyntaxError || error instanceof UnsupportedFormatError,
        `${format}, ${length} bytes`,
      );
    }
  }
});

Deno.test("pickStateDict() looks below the usual names and no deeper than three levels", () => {
  const weights = tensor(storage("0", 6), [6], [1]);
  const under = (key: string, inner: Uint8Array) => bytes("}", text(key), inner, "s");
  const found = readStateDict(oneTensor(under("model", under("net", under("w", weights))), ramp));
  assert.deepEqual([...found.keys()], ["w"]);
  let deep = under("w", weights);
  for (let i = 0; i < 4; i++) deep = under("model", deep);
  assert.throws(() => readStateDict(oneTensor(deep, ramp)), DecodeError);
  const other = oneTensor(under("generator", under("w", weights)), ramp);
  assert.throws(() => readStateDict(other), DecodeError);
  assert.deepEqual([...readStateDict(other, { key: "generator" }).keys()], ["w"]);
  assert.throws(() => readStateDict(oneTensor(int(5), ramp)), /holds no dictionary of tensors/);
  // A dictionary that holds itself.
  const loop = bytes("}q\x00", text("model"), "h\x00s");
  assert.throws(() => readStateDict(oneTensor(loop, ramp)), DecodeError);
});
