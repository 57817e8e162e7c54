import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { enterTask, readTask } from "../../../core/batch/manifest.ts";

Deno.test("enterTask() loses none of many tasks that are begun at once", async () => {
  const run = await mkdtemp(join(tmpdir(), "silop-run-"));
  try {
    const tasks = Array.from({ length: 8 }, (_, i) => `task_${i}`);
    await Promise.all(tasks.map((task, i) => enterTask(run, task, { options: { i } }, false)));
    assert.deepEqual(
      tasks.map((task) => readTask(run, task)),
      tasks.map((_, i) => ({
        options: { i },
      })),
    );
    // Of two that begin the same one differently, the second is refused.
    const both = [1, 2].map((seed) => enterTask(run, "cam", { seed }, false));
    const ends = await Promise.allSettled(both);
    assert.deepEqual(ends.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  } finally {
    await rm(run, { recursive: true });
  }
});
