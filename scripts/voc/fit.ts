/** `deno task voc:fit`; see `core/batch/tasks.ts`. */

import { runTaskScript } from "./run_tasks.ts";

await runTaskScript("fit");
