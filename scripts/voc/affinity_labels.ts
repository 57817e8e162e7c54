/** `deno task voc:affinity-labels`; see `core/batch/tasks.ts`. */

import { runTaskScript } from "./run_tasks.ts";

await runTaskScript("affinity-labels");
