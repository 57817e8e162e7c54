/** `deno task voc:perimeter`; see `core/batch/tasks.ts`. */

import { runTaskScript } from "./run_tasks.ts";

await runTaskScript("perimeter");
