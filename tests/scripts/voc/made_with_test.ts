import assert from "node:assert/strict";
import type { BatchSurroundings } from "../../../core/batch/task.ts";
import { TASKS } from "../../../core/batch/tasks.ts";
import { probeBlockSize } from "../../../core/onnx/block_size.ts";
import { madeWith } from "../../../scripts/voc/made_with.ts";

const SURROUNDINGS: BatchSurroundings = {
  models: [],
  device: "cpu",
  threads: 3,
  layout: "silop",
};

Deno.test("madeWith() tells the block size that the processor gives the segmentation", async () => {
  const { runtime } = await madeWith(TASKS.perimeter, { seed: 1 }, SURROUNDINGS);
  const { blockSize, threads } = runtime as Record<string, unknown>;
  assert.deepEqual([blockSize, threads], [await probeBlockSize(), 3]);
  const cuda = await madeWith(TASKS.perimeter, {}, { ...SURROUNDINGS, device: "cuda" });
  assert.equal((cuda.runtime as Record<string, unknown>).blockSize, null);
});

Deno.test("madeWith() tells neither model nor runtime of tasks without networks", async () => {
  const { silop: _, ...made } = await madeWith(TASKS.fit, { rule: "all" }, SURROUNDINGS);
  assert.deepEqual(made, { layout: "silop", options: { rule: "all" } });
});
