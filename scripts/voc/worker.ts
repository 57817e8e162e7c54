/**
 * `deno task voc:worker --queue nats://HOST:PORT`: does what others have put on the queue with
 * `deno task voc:TASK … --queue nats://HOST:PORT`, or with `--watch` tells how far it is.
 */

import { hostname } from "node:os";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { InvalidArgumentError } from "commander";
import { type BatchTask, TASKS } from "../../core/batch/tasks.ts";
import type { MadeWith } from "../../core/batch/manifest.ts";
import { hideSecrets, Queue } from "../../core/queue/queue.ts";
import { type BatchState, QueueWatch } from "../../core/queue/watch.ts";
import { workOnQueue } from "../../core/queue/worker.ts";
import { planWork } from "../../core/runtime/machine.ts";
import { createCommand, EXIT_USAGE, fail, integerIn } from "../cli.ts";
import { madeWith } from "./made_with.ts";
import { EXIT_INTERRUPTED, stopOnSignals } from "../signals.ts";

interface WorkerFlags {
  queue: string;
  jobs?: number;
  threads?: number;
  models?: string;
  folder?: [there: string, here: string][];
  name: string;
  idle?: number;
  watch?: boolean;
}

/** Milliseconds between two looks at what is done. */
const LOOK_MS = 1000;

const command = createCommand("voc:worker", "Do the work that is on a queue.")
  .requiredOption("--queue <nats://…>", "address of the NATS server")
  .option("--jobs <n>", "images worked on at once (default: by the machine)", integerIn(1, 256))
  .option(
    "--threads <n>",
    "threads of each job (default: as whoever wants it done says)",
    integerIn(1, 256),
  )
  .option("--models <folder>", "folder with manifest.json (default: as whoever wants it done says)")
  .option(
    "--folder <there=here>",
    "a shared folder that has another name on this machine; can be given more than once",
    readFolder,
  )
  .option("--name <name>", "name of this worker (default: machine and process)", nameHere())
  .option("--idle <seconds>", "end after so long without work (default: never)", integerIn(1, 1e6))
  .option("--watch", "do nothing, but tell how far all is, until it is done");
command.parse(Deno.args, { from: "user" });
const flags = command.opts<WorkerFlags>();
const queue = await Queue.open(flags.queue, flags.name).catch((error: Error) =>
  fail(error.message, error instanceof RangeError ? EXIT_USAGE : undefined)
);
await (flags.watch === true ? watch() : work());

async function work(): Promise<never> {
  const { jobs, threads, models, folder, name, idle } = flags;
  const signal = stopOnSignals("Ending after the images in work …");
  console.error(`${name} works for ${hideSecrets(flags.queue)}`);
  const made = await workOnQueue(queue, {
    name,
    lanes: (threads) => jobs ?? planWork({ threads, aim: "throughput" }).workers,
    threads,
    models: models === undefined ? undefined : pathToFileURL(resolve(models) + "/").href,
    folders: folder,
    idle: idle === undefined ? undefined : 1000 * idle,
    async describe(note, surroundings): Promise<MadeWith> {
      const { task, options } = note;
      if (!Object.hasOwn(TASKS, task)) return note.madeWith as MadeWith;
      const known: BatchTask = TASKS[task as keyof typeof TASKS];
      return await madeWith(known, options as Record<string, unknown>, surroundings);
    },
    async probeRounding(threads) {
      const { probeRounding } = await import("../../core/queue/rounding.ts");
      return await probeRounding(threads);
    },
    onNotice: (text) => console.error(text),
    onDone: (id, task) => console.error(`${task}: ${id}`),
  }, signal).catch((error: Error) => fail(error.message));
  console.error(`${name}: ${made} results made`);
  Deno.exit(signal.aborted ? EXIT_INTERRUPTED : 0);
}

async function watch(): Promise<never> {
  const signal = stopOnSignals("Ending after the images in work …");
  await using states = await QueueWatch.open(queue);
  const told = new Map<string, string>();
  for (;;) {
    for (const state of states.states) {
      const line = lineOf(state);
      if (told.get(state.note.batch) !== line) console.log(line);
      told.set(state.note.batch, line);
    }
    const open = states.states.some(({ note }) => note.state === "open");
    if (!open || signal.aborted) Deno.exit(0);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** `cam of /data/run: 120 of 200 done, 1 failed, 2.1/s, 4 in work: a-17 63, b-4 57`. */
function lineOf({ note, made, failed, inWork, workers, latest }: BatchState): string {
  const { task, run, images, state, begun } = note;
  const parts = [`${made} of ${images} done`];
  if (failed > 0) parts.push(`${failed} failed`);
  const seconds = (latest - begun) / 1000;
  if (state === "open" && made > 0 && seconds > 0) {
    parts.push(`${(made / seconds).toPrecision(3)}/s`);
  }
  if (inWork > 0) parts.push(`${inWork} in work`);
  if (state !== "open") parts.push(state === "done" ? "at its end" : "stopped");
  const each = [...workers].map(([name, count]) => `${name} ${count}`).join(", ");
  return `${task} of ${run}: ${parts.join(", ")}${
    each === "" || state !== "open" ? "" : `: ${each}`
  }`;
}

function nameHere(): string {
  return `${hostname()}-${Deno.pid}`;
}

function readFolder(text: string, before: [string, string][] = []): [string, string][] {
  const [, there, here] = /^([^=]+)=([^=]+)$/.exec(text) ?? [];
  if (there === undefined || here === undefined) {
    throw new InvalidArgumentError(`"${text}" is not THERE=HERE.`);
  }
  return [...before, [resolve(there), resolve(here)]];
}
