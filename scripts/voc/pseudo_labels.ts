/** `deno task voc:pseudo-labels`; see `core/batch/tasks.ts`. */

import { runTaskScript } from "./run_tasks.ts";

await runTaskScript("pseudo-labels");
