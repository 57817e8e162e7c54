import assert from "node:assert/strict";
import { publishedMismatch, slotOf } from "../../../core/batch/folders.ts";
import { type BatchTask, TASK_NAMES, TASKS } from "../../../core/batch/tasks.ts";
import { VocFolder } from "../../../core/voc/folder.ts";

Deno.test("publishedMismatch() lets no published folder tell other options than it was made with", () => {
  for (const name of TASK_NAMES) {
    const task: BatchTask = TASKS[name];
    // The chain's own default is another number of steps than the published folder is named for.
    const options = task.options.parse(name === "pseudo-labels" ? { crfSteps: 1 } : {});
    assert.equal(publishedMismatch(name, options), null, name);
  }
  const walk = TASKS["random-walk"].options.parse({ beta: 8 });
  assert.match(publishedMismatch("random-walk", walk)!, /is named for beta 10, not 8/);
  const labels = TASKS["affinity-labels"].options.parse({ background: 0.3 });
  assert.match(publishedMismatch("affinity-labels", labels)!, /background 0\.4, not 0\.3/);
  const pseudo = TASKS["pseudo-labels"].options.parse({ crfSteps: 0 });
  assert.match(publishedMismatch("pseudo-labels", pseudo)!, /crfSteps 1, not 0/);
  const places = { data: new VocFolder("d"), run: "r", layout: "published" } as const;
  assert.match(slotOf("pseudo_labels", places).folder, /@beta=10@exp_times=8@rw@crf=1$/);
});
