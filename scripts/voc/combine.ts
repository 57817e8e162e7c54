/** `deno task voc:combine`; see `core/batch/tasks.ts`. */

import { runTaskScript } from "./run_tasks.ts";

await runTaskScript("combine");
