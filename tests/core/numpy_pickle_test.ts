import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { DecodeError } from "../../core/errors.ts";
import { decodePickledDict, encodePickledDict } from "../../core/numpy_pickle.ts";
import { decodeNpz, encodeNpy } from "../../core/npz.ts";

const fixture = (name: string) =>
  Deno.readFileSync(new URL(`../fixtures/${name}`, import.meta.url));
const TRUTH = decodeNpz(fixture("pickled_dict.npz"));
const PICKLED = fixture("pickled_dict.npy");

Deno.test("decodePickledDict() reads what NumPy saves, in every protocol it has saved in", () => {
  for (const name of ["pickled_dict.npy", "pickled_dict_2.npy", "pickled_dict_3.npy"]) {
    const arrays = decodePickledDict(fixture(name));
    assert.deepEqual(Object.keys(arrays), ["keys", "cam", "hr_cam"]);
    for (const [key, { shape, data }] of Object.entries(arrays)) {
      assert.deepEqual(shape, TRUTH[key]!.shape, `${name} ${key}`);
      assert.deepEqual(data, TRUTH[key]!.data, `${name} ${key}`);
    }
  }
});

Deno.test("decodePickledDict() reads the names of NumPy 1 as well", () => {
  const text = Buffer.from(fixture("pickled_dict_2.npy")).toString("latin1");
  assert.ok(text.includes("numpy._core.multiarray"));
  const old = text.replaceAll("numpy._core.multiarray", "numpy.core.multiarray");
  const bytes = Buffer.from(old, "latin1");
  assert.deepEqual(decodePickledDict(bytes).cam!.data, TRUTH.cam!.data);
});

Deno.test("decodePickledDict() reads PyTorch's tensors as arrays", () => {
  const arrays = decodePickledDict(fixture("pickled_tensor.npy"));
  for (const key of ["keys", "cam", "hr_cam"]) {
    assert.deepEqual(arrays[key]!.shape, TRUTH[key]!.shape, key);
    assert.deepEqual(arrays[key]!.data, TRUTH[key]!.data, key);
  }
});

Deno.test("encodePickledDict() writes the arrays it is told to as tensors", () => {
  const cam = { shape: [2, 1, 3], data: Float32Array.of(0, 1, 2, 3, 4, 5) };
  const bytes = encodePickledDict({ cam, rw: cam }, { tensors: ["cam"] });
  const text = Buffer.from(bytes).toString("latin1");
  assert.equal(text.split("ctorch\nfrom_numpy\n").length, 2);
  const read = decodePickledDict(bytes);
  for (const key of ["cam", "rw"]) {
    assert.deepEqual([read[key]!.shape, read[key]!.data], [cam.shape, cam.data]);
  }
});

Deno.test("encodePickledDict() writes what decodePickledDict() reads", () => {
  const arrays = {
    keys: { shape: [3], data: BigInt64Array.of(0n, 2n, 20n) },
    cam: { shape: [2, 1, 3], data: Float32Array.of(0, 1, 2, 3, 4, 5) },
    mask: { shape: [2, 2], data: Uint8Array.of(0, 1, 2, 255) },
  };
  const bytes = encodePickledDict(arrays);
  // NumPy wants the data at a multiple of 64 bytes.
  assert.deepEqual([...bytes.subarray(126, 130)], [0x20, 0x0a, 0x80, 3]);
  const read = decodePickledDict(bytes);
  for (const [key, { shape, data }] of Object.entries(arrays)) {
    assert.deepEqual([read[key]!.shape, read[key]!.data], [shape, data]);
  }
});

Deno.test("encodePickledDict() takes parts of buffers, many arrays, long names and none", () => {
  const values = Float32Array.from({ length: 6000 }, (_, i) => i / 7);
  const arrays = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [
    `${i} ${"ä".repeat(i * 50)}`,
    { shape: [i, 3, 7], data: values.subarray(2 * i, 2 * i + 21 * i) },
  ]));
  const read = decodePickledDict(encodePickledDict(arrays));
  assert.deepEqual(Object.keys(read), Object.keys(arrays));
  for (const [key, { shape, data }] of Object.entries(arrays)) {
    assert.deepEqual([read[key]!.shape, read[key]!.data], [shape, data.slice()]);
  }
  assert.deepEqual(Object.keys(decodePickledDict(encodePickledDict({}))), []);
});

Deno.test("decodePickledDict() refuses pickles that call anything else", () => {
  const start = new TextEncoder().encode("cos\nsystem\n(X\x04\x00\x00\x00echotR.");
  const header = PICKLED.subarray(0, 128);
  const bytes = new Uint8Array([...header, 0x80, 3, ...start]);
  assert.throws(() => decodePickledDict(bytes), { name: "DecodeError", message: /os\.system/ });
});

/** A dictionary of tensors `a`, `b`, … that are all rebuilt of one file inside of the pickle. */
function tensorsOf(file: Uint8Array, names: string): Uint8Array {
  const ascii = (text: string) => [...Buffer.from(text, "latin1")];
  const uint32 = (value: number) => [...new Uint8Array(Uint32Array.of(value).buffer)];
  const entry = (name: string, at: number) => [
    ...ascii("X"),
    ...uint32(1),
    ...ascii(`${name}ctorch._utils\n_rebuild_tensor_v2\n(ctorch.storage\n_load_from_bytes\n`),
    ...(at === 0
      ? [...ascii("B"), ...uint32(file.length), ...file, ...ascii("q\x00")]
      : ascii("h\x00")),
    ...ascii("\x85RK\x00(K\x01t(K\x01t\x89NtR"),
  ];
  return Uint8Array.of(
    ...PICKLED.subarray(0, 128),
    ...ascii("\x80\x03}("),
    ...[...names].flatMap(entry),
    ...ascii("u."),
  );
}

Deno.test("decodePickledDict() refuses tensors that unpack the same bytes again and again", () => {
  const pickled = fixture("pickled_tensor.npy");
  const start = Buffer.from(pickled).indexOf("\x80\x02\x8a\x0a", 0, "latin1");
  const length = new DataView(pickled.buffer).getUint32(start - 4, true);
  const file = pickled.slice(start, start + length);
  assert.deepEqual(Object.keys(decodePickledDict(tensorsOf(file, "a"))), ["a"]);
  const repeated = tensorsOf(file, "abcdefgh".repeat(8));
  assert.throws(() => decodePickledDict(repeated), { name: "DecodeError", message: /again/ });
});

Deno.test("decodePickledDict() refuses lists in the place of texts, however deep", () => {
  // A list of two lists of two lists …: 2^40 commas as a text.
  const deep = "]q\x00" + "h\x00h\x00\x86q\x00".repeat(40);
  const pickle = Buffer.from(`\x80\x03${deep}cnumpy\ndtype\nh\x00\x85R.`, "latin1");
  const bytes = Uint8Array.of(...PICKLED.subarray(0, 128), ...pickle);
  assert.throws(() => decodePickledDict(bytes), { name: "DecodeError", message: /text/ });
});

Deno.test("decodePickledDict() refuses tensors in archives, which PyTorch does not write", () => {
  const bytes = tensorsOf(fixture("checkpoints/dtypes_zip.pth"), "a");
  assert.throws(() => decodePickledDict(bytes), { name: "DecodeError", message: /compressed/ });
});

Deno.test("decodePickledDict() refuses files that hold no dictionary of arrays", () => {
  const plain = encodeNpy({ shape: [2], data: Float32Array.of(1, 2) });
  assert.throws(() => decodePickledDict(plain), DecodeError);
  assert.throws(() => decodePickledDict(new Uint8Array(3)), DecodeError);
  const number = new Uint8Array([...PICKLED.subarray(0, 128), 0x80, 3, 0x4b, 7, 0x2e]);
  assert.throws(() => decodePickledDict(number), { name: "DecodeError", message: /dictionary/ });
});

Deno.test("decodePickledDict() throws a DecodeError wherever the file is cut off", () => {
  for (let length = 0; length < PICKLED.length; length += 7) {
    assert.throws(() => decodePickledDict(PICKLED.subarray(0, length)), DecodeError, `${length}`);
  }
});
