/** A batch of the fake task in a process of its own, to be killed: FOLDER COUNT DELAY REPEAT. */

import { runBatch } from "../../../core/batch/run_batch.ts";
import { fakeBatch } from "./fake_batch.ts";

const [path = "", count, delay, repeat] = Deno.args;
const ids = Array.from({ length: Number(count) }, (_, i) => `image_${i}`);
const parts = { delay: Number(delay), repeat: Number(repeat), workers: 2 };
console.log("begin");
const outcome = await runBatch(fakeBatch(path, ids, parts), {
  finished: (id) => console.log(id),
});
console.log(JSON.stringify(outcome));
