/** `deno task report --run RUN`: `RUN/report.html`, of a run of `deno task silop`. */

import { writeReport } from "../core/report/write_report.ts";
import { createCommand, fail } from "./cli.ts";

const command = createCommand("report", "Write the report of a run of the whole method.")
  .requiredOption("--run <folder>", "folder of the run");
command.parse(Deno.args, { from: "user" });
const { run } = command.opts<{ run: string }>();
console.log(await writeReport(run).catch((error: Error) => fail(error.message)));
