/** `deno task voc:all`: every task up to the pseudo labels, as far as it is not done. */

import { type BatchTask, CHAIN, TASKS } from "../../core/batch/tasks.ts";
import { createCommand } from "../cli.ts";
import { type ChosenTask, runTasks } from "./run_tasks.ts";
import { addSchemaOptions, readSchemaOptions } from "./schema_flags.ts";
import { addNetworkOptions, addRedoOption, addWorkOptions, type RunFlags } from "./voc_flags.ts";

const command = createCommand(
  "voc:all",
  "The chain from photos to pseudo labels.",
);
addNetworkOptions(addRedoOption(addWorkOptions(command)));
for (const name of CHAIN) {
  const task: BatchTask = TASKS[name];
  addSchemaOptions(command, task.options, name);
}
command.parse(Deno.args, { from: "user" });
const flags = command.opts<RunFlags & Record<string, unknown>>();
const tasks = CHAIN.map((name): ChosenTask => {
  const task: BatchTask = TASKS[name];
  return { name, options: readSchemaOptions(flags, task.options, name) };
});
await runTasks(flags, tasks.filter(isNeeded));

/** Leaves out what nothing that follows would read, and what is taken from elsewhere. */
function isNeeded({ name }: ChosenTask): boolean {
  if (TASKS[name].outputs.every((kind) => flags.use?.[kind] !== undefined)) return false;
  const options = (of: string) => tasks.find((task) => task.name === of)!.options;
  if (name === "fit") return options("combine").fit === "masks";
  if (name === "random-walk") return options("pseudo-labels").from === "random_walk";
  return true;
}
