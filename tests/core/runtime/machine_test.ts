import assert from "node:assert/strict";
import { planWork } from "../../../core/runtime/machine.ts";

Deno.test("planWork() never plans more threads than cores", () => {
  for (const aim of ["latency", "throughput"] as const) {
    for (let cores = 1; cores <= 64; cores++) {
      const { workers, threads } = planWork({ aim, cores });
      assert.ok(workers >= 1 && threads >= 1 && workers * threads <= cores);
    }
  }
});

Deno.test("planWork() gives single images threads and batches workers", () => {
  assert.deepEqual(planWork({ cores: 2 }), { workers: 1, threads: 2 });
  assert.deepEqual(planWork({ cores: 16 }), { workers: 4, threads: 4 });
  assert.deepEqual(planWork({ cores: 6, aim: "throughput" }), { workers: 6, threads: 1 });
});

Deno.test("planWork() gives large networks fewer workers of more threads", () => {
  assert.deepEqual(planWork({ cores: 16, heavy: true }), { workers: 2, threads: 8 });
  assert.deepEqual(planWork({ cores: 4, heavy: true }), { workers: 1, threads: 4 });
  const batch = planWork({ cores: 16, heavy: true, aim: "throughput" });
  assert.deepEqual(batch, { workers: 4, threads: 4 });
});

Deno.test("planWork() derives one number from the other", () => {
  assert.deepEqual(planWork({ cores: 8, workers: 2 }), { workers: 2, threads: 4 });
  assert.deepEqual(planWork({ cores: 8, threads: 3 }), { workers: 2, threads: 3 });
  assert.deepEqual(planWork({ cores: 2, workers: 5 }), { workers: 5, threads: 1 });
  assert.deepEqual(planWork({ cores: 2, workers: 3, threads: 7 }), { workers: 3, threads: 7 });
});

Deno.test("planWork() throws RangeError when a number is no positive integer", () => {
  for (const options of [{ workers: 0 }, { threads: 1.5 }, { cores: NaN }, { workers: -1 }]) {
    assert.throws(() => planWork(options), RangeError);
  }
});
