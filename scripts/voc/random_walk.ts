/** `deno task voc:random-walk`; see `core/batch/tasks.ts`. */

import { runTaskScript } from "./run_tasks.ts";

await runTaskScript("random-walk");
