import assert from "node:assert/strict";
import { overlayBackbone } from "../../../core/nets/overlay_backbone.ts";
import type { WeightTensor } from "../../../core/weights/tensor.ts";

/** A tensor of `values` in a row. */
function row(...values: number[]): WeightTensor {
  return { dtype: "float32", shape: [values.length], data: Float32Array.from(values) };
}

const BACKBONE = new Map([["_stem", row(1, 2)], ["_head", row(3)], ["_fc", row(4)]]);

Deno.test("overlayBackbone() takes a network's tensors and keeps those it does without", () => {
  const network = new Map([["model._stem", row(5, 6)], ["aspp.0.weight", row(7)]]);
  const result = overlayBackbone(BACKBONE, network);
  assert.deepEqual([...result.keys()], ["_stem", "_head", "_fc"]);
  assert.deepEqual(result.get("_stem"), row(5, 6));
  assert.equal(result.get("_head"), BACKBONE.get("_head"));
  assert.deepEqual(BACKBONE.get("_stem"), row(1, 2), "the first backbone is not changed");
});

Deno.test("overlayBackbone() takes the tensors of a backbone alone", () => {
  assert.deepEqual(overlayBackbone(BACKBONE, new Map([["_head", row(8)]])).get("_head"), row(8));
});
