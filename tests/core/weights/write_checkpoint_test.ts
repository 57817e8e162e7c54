import assert from "node:assert/strict";
import { readStateDict } from "../../../core/weights/state_dict.ts";
import type { WeightTensor } from "../../../core/weights/tensor.ts";
import { writeCheckpoint } from "../../../core/weights/write_checkpoint.ts";
import { listZip } from "../../../core/zip.ts";

const FIXTURES = new URL("../../fixtures/checkpoints/", import.meta.url);

Deno.test("writeCheckpoint() writes every dtype as it was read from PyTorch's file", () => {
  const tensors = readStateDict(Deno.readFileSync(new URL("dtypes_zip.pth", FIXTURES)));
  const again = readStateDict(writeCheckpoint(tensors));
  assert.deepEqual([...again.keys()], [...tensors.keys()]);
  for (const [name, { shape, dtype, data }] of tensors) {
    const found = again.get(name)!;
    assert.deepEqual([found.shape, found.dtype], [shape, dtype], name);
    assert.deepEqual(found.data, data, name);
  }
});

Deno.test("writeCheckpoint() stores a tensor with two names once, and parts of a buffer alone", () => {
  const buffer = Float32Array.from({ length: 10 }, (_, i) => i);
  const tensor = (from: number, to: number): WeightTensor => ({
    shape: [to - from],
    dtype: "float32",
    data: buffer.subarray(from, to),
  });
  const first = tensor(2, 6);
  const bytes = writeCheckpoint(
    new Map([["a", first], ["b", first], ["same", tensor(2, 6)], ["other", tensor(4, 10)]]),
  );
  const sizes = listZip(bytes).filter(({ name }) => name.includes("/data/")).map((e) => e.size);
  assert.deepEqual(sizes, [16, 24]);
  const read = readStateDict(bytes);
  assert.deepEqual(Array.from(read.get("b")!.data as Float32Array), [2, 3, 4, 5]);
  assert.deepEqual(Array.from(read.get("same")!.data as Float32Array), [2, 3, 4, 5]);
  assert.deepEqual(Array.from(read.get("other")!.data as Float32Array), [4, 5, 6, 7, 8, 9]);
  assert.equal(read.get("a")!.data.buffer, read.get("same")!.data.buffer);
});

Deno.test("writeCheckpoint() gives the same bytes for the same tensors, and names of any letters", () => {
  const many = new Map<string, WeightTensor>();
  for (let i = 0; i < 3000; i++) {
    const data = Float32Array.of(i, i / 3, -i);
    many.set(`schicht_${i}.gewicht_ä`, { shape: [3, 1], dtype: "float32", data });
  }
  const bytes = writeCheckpoint(many);
  assert.deepEqual(writeCheckpoint(new Map(many)), bytes);
  const read = readStateDict(bytes);
  assert.equal(read.size, 3000);
  assert.deepEqual(read.get("schicht_2999.gewicht_ä")!.shape, [3, 1]);
  assert.deepEqual(
    read.get("schicht_2999.gewicht_ä")!.data,
    Float32Array.of(2999, 2999 / 3, -2999),
  );
});
