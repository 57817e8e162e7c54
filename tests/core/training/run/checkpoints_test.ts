import assert from "node:assert/strict";
import { DecodeError } from "../../../../core/errors.ts";
import { decodeNpz } from "../../../../core/npz.ts";
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
} from "../../../../core/training/run/checkpoints.ts";
import type { WeightTensor } from "../../../../core/weights/tensor.ts";

function checkpointOf(tensors: [string, WeightTensor][]): Checkpoint {
  return {
    progress: {
      step: 12,
      validated: 10,
      best: { step: 5, value: 0.1 + 0.2, metrics: { miou: 0.1 + 0.2 } },
      stale: 1,
      madeWith: { config: { rate: 0.1, scales: [1, 0.5], name: "ä" } },
    },
    state: { steps: 13, tensors: new Map(tensors) },
  };
}

Deno.test("decodeCheckpoint() gives back what encodeCheckpoint() was given, bit by bit", () => {
  const checkpoint = checkpointOf([
    ["parameters/conv.weight", {
      shape: [3, 2],
      dtype: "float32",
      data: Float32Array.of(1, -0, NaN, Infinity, 1e-45, 3),
    }],
    ["count", { shape: [], dtype: "int64", data: BigInt64Array.of(2n ** 60n) }],
    ["checkpoint", { shape: [2], dtype: "uint8", data: Uint8Array.of(1, 2) }],
  ]);
  const bytes = encodeCheckpoint(checkpoint);
  assert.deepEqual(decodeCheckpoint(bytes), checkpoint);
  assert.deepEqual(Object.keys(decodeNpz(bytes)), [
    "checkpoint",
    "tensors/parameters/conv.weight",
    "tensors/count",
    "tensors/checkpoint",
  ]);
});

Deno.test("encodeCheckpoint() throws when a tensor's type has no place in an archive", () => {
  const half: WeightTensor = { shape: [1], dtype: "float16", data: Float16Array.of(1) };
  assert.throws(() => encodeCheckpoint(checkpointOf([["a", half]])), /Cannot keep a, .*float16/);
});

Deno.test("decodeCheckpoint() throws when any byte of a tensor or of the rest is another", () => {
  const data = Float32Array.of(1, 2);
  const bytes = encodeCheckpoint(checkpointOf([["a", { shape: [2], dtype: "float32", data }]]));
  for (const at of [200, bytes.indexOf(0x7b) + 20, bytes.length - 30]) {
    const damaged = bytes.slice();
    damaged[at]! ^= 4;
    assert.throws(() => decodeCheckpoint(damaged), DecodeError);
  }
  assert.throws(() => decodeCheckpoint(new Uint8Array(9)), DecodeError);
});
