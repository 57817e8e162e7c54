/** Runs batch tasks from the command line, one after another. */

import { rmSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import { writeFileAtomic } from "../../core/files.ts";
import { createCommand, EXIT_FAILED, EXIT_USAGE, fail } from "../cli.ts";
import { startProgress } from "../progress.ts";
import { errorFileName } from "../../core/batch/error_file.ts";
import { type FileKind, type Places, publishedMismatch, slotOf } from "../../core/batch/folders.ts";
import { type BatchOutcome, runBatch } from "../../core/batch/run_batch.ts";
import type { Hire } from "../../core/batch/crew.ts";
import { chooseModels } from "../../core/batch/choose_models.ts";
import type { Slots } from "../../core/batch/task.ts";
import type { DataSet } from "../../core/data/data_set.ts";
import {
  type BatchTask,
  type pseudoLabelsOptions,
  type randomWalkOptions,
  settlePseudoLabels,
  type TaskName,
  TASKS,
} from "../../core/batch/tasks.ts";
import { EXIT_INTERRUPTED, stopOnSignals } from "../signals.ts";
import { madeWith } from "./made_with.ts";
import { addSchemaOptions, readSchemaOptions } from "./schema_flags.ts";
import {
  addNetworkOptions,
  addRedoOption,
  addWorkOptions,
  hireOf,
  openData,
  placesOf,
  readIds,
  type RunFlags,
  shardFile,
  shardName,
  surroundingsOf,
} from "./voc_flags.ts";

/** Images that failed and are told at once; the rest is in the file of errors. */
const TOLD = 5;

/** The task of a script of its own: `deno task voc:NAME`. */
export async function runTaskScript(name: TaskName): Promise<never> {
  const task: BatchTask = TASKS[name];
  const command = createCommand(`voc:${name}`, task.description);
  addRedoOption(addWorkOptions(command));
  if (task.networks.length > 0) addNetworkOptions(command);
  addSchemaOptions(command, task.options);
  command.parse(Deno.args, { from: "user" });
  const flags = command.opts<RunFlags & Record<string, unknown>>();
  return await runTasks(flags, [{ name, options: readSchemaOptions(flags, task.options) }]);
}

/** A task and its options. */
export interface ChosenTask {
  readonly name: TaskName;
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * Runs tasks in their order and ends the program. Images that fail in one are left out of the next. Of a
 * chain of tasks, the images that came through all of it are listed in `RUN/complete.txt`
 * (`complete.2of4.txt` for a shard): results that earlier runs left of others do not belong to them.
 */
export async function runTasks(flags: RunFlags, chosen: readonly ChosenTask[]): Promise<never> {
  const began = performance.now();
  const data = await openData(flags);
  const tasks = await Promise.all(chosen.map((task) => settleOptions(flags, data, task)))
    .catch((error: Error) => fail(error.message));
  for (const { name, options } of flags.layout === "published" ? tasks : []) {
    const mismatch = publishedMismatch(name, options);
    if (mismatch !== null) fail(mismatch, EXIT_USAGE);
  }
  let ids = await readIds(flags, data);
  const hire = await hireOf(flags);
  const signal = stopOnSignals("Ending after the images in work …");
  const list = join(flags.run, shardFile("complete", flags, "txt"));
  // Not before the end is it true again.
  rmSync(list, { force: true });
  let failures = 0;
  let made = 0;
  for (const task of tasks) {
    const outcome = await runTask(flags, data, task, ids, hire, signal).catch((error: Error) => {
      fail(error.message);
    });
    made += outcome.made;
    failures += outcome.failed.length;
    const failed = new Set(outcome.failed);
    ids = ids.filter((id) => !failed.has(id));
    if (signal.aborted) {
      console.error("Stopped between images; the same command goes on from here.");
      Deno.exit(EXIT_INTERRUPTED);
    }
  }
  if (tasks.length > 1) {
    await writeFileAtomic(list, ids.map((id) => id + "\n").join("")).catch((error: Error) => {
      fail(`Cannot write ${list}: ${error.message}`);
    });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.error(`all: ${made} results made in ${seconds} s`);
  }
  if (failures > 0) {
    const name = tasks.length === 1 ? tasks[0]!.name : "*";
    console.error(
      `${failures} failed: see ${errorFileName(name, shardName(flags))} in ${flags.run}`,
    );
    Deno.exit(EXIT_FAILED);
  }
  Deno.exit(0);
}

async function runTask(
  flags: RunFlags,
  data: DataSet,
  { name, options }: ChosenTask,
  ids: readonly string[],
  hire: Hire | undefined,
  signal: AbortSignal,
): Promise<BatchOutcome> {
  const task: BatchTask = TASKS[name];
  const { surroundings, workers } = surroundingsOf(flags, data);
  const places = placesOf(flags, data);
  let progress: ReturnType<typeof startProgress> | null = null;
  let told = 0;
  const outcome = await runBatch(
    {
      run: places.run,
      task: name,
      ids,
      shard: shardName(flags),
      inputs: slotsOf(task.inputs(options), places),
      outputs: slotsOf(task.outputs, { ...places, others: {} }),
      module: task.module,
      options,
      madeWith: await madeWith(task, options, surroundings),
      surroundings,
      workers,
      redo: flags.redo,
      verify: flags.verify,
      hire,
    },
    {
      planned(todo, done) {
        if (done > 0) console.error(`${name}: ${done} done already`);
        if (todo > 0) progress = startProgress(name, todo, "images");
      },
      finished: (id) => progress?.step(1, id),
      failed(id, { message }) {
        if (told++ < TOLD) console.error(`${name}: ${id}: ${message}`);
      },
    },
    signal,
  );
  (progress as ReturnType<typeof startProgress> | null)?.stop();
  return outcome;
}

/** A task with what follows for its options from the models there are. */
async function settleOptions(
  flags: RunFlags,
  data: DataSet,
  { name, options }: ChosenTask,
): Promise<ChosenTask> {
  if (name === "pseudo-labels") {
    return { name, options: settlePseudoLabels(options as z.output<typeof pseudoLabelsOptions>) };
  }
  if (name !== "random-walk") return { name, options };
  const walk = options as Partial<z.output<typeof randomWalkOptions>>;
  const { affinity } = walk.edge === "perimeter"
    ? { affinity: null }
    : await chooseModels(surroundingsOf(flags, data).surroundings);
  const { edge = affinity === null ? "perimeter" : "model" } = walk;
  const { radius = affinity?.info.radius ?? 5, beta = affinity?.info.beta ?? 10 } = walk;
  return { name, options: { ...options, edge, radius, beta } };
}

function slotsOf(kinds: readonly FileKind[], places: Places): Slots {
  return Object.fromEntries(kinds.map((kind) => [kind, slotOf(kind, places)]));
}
