/** What the commands that work through photos have in common: finding them, naming files, the loop. */

import { readFile, stat } from "node:fs/promises";
import { relative, resolve } from "node:path";
import type { Command } from "commander";
import { type ListedFile, listImages, writeFileAtomic } from "../core/files.ts";
import { checkImageBytes } from "../core/image/limits.ts";
import { HEAVY_BYTES, planWork } from "../core/runtime/machine.ts";
import { ModelLibrary } from "../core/runtime/model_library.ts";
import type { WorkerReady } from "../core/runtime/stage_pool.ts";
import { createSilop, type Silop } from "../core/silop.ts";
import type { StageName, StageOptions, StageResult, StageSummary } from "../core/stages/render.ts";
import type { FileFormat } from "../core/stages/stage.ts";
import {
  addWorkOptions,
  EXIT_FAILED,
  fail,
  silopOptions,
  someOf,
  warnOfFallback,
  type WorkFlags,
} from "./cli.ts";
import { Console } from "./console.ts";
import { type OutputFormat, type PlannedPhoto, planOutputs } from "./plan_outputs.ts";

/** Values of the options that {@linkcode addBatchOptions} adds. */
export interface BatchFlags extends WorkFlags {
  out: string;
  format?: OutputFormat[];
  skipExisting?: boolean;
}

/** What a command does with every photo. */
export interface Batch<S extends StageName> {
  readonly stage: S;
  readonly options: StageOptions<S>;
  /** What is written unless the command line names formats. */
  readonly formats: readonly OutputFormat[];
  /** Part of every result's name, so that several commands may share a folder. Default: none. */
  readonly kind?: string;
  /** Looks at the command line once the models are known; may end the program. */
  check?(ready: WorkerReady): void;
  /** The result in a few words. */
  describe(summary: StageSummary<S>): string;
}

/** The stages' files among the outputs; the others are made here. */
const STAGE_FILES: Partial<Record<OutputFormat, FileFormat>> = {
  mask: "png",
  perimeter: "png",
  overlay: "overlay",
  npz: "npz",
};

/** Adds the arguments and options of all commands that work through photos. */
export function addBatchOptions(
  command: Command,
  offered: readonly OutputFormat[],
  standard: readonly OutputFormat[],
): Command {
  command.argument("<photo...>", "image files, and folders of them at any depth")
    .option("--out <folder>", "where results go; sub-folders are kept", "out")
    .option(
      "--format <list>",
      `what to write, of ${offered.join(",")} (default: ${standard.join(",")})`,
      someOf(offered),
    )
    .option("--skip-existing", "leave out photos whose files are all there");
  return addWorkOptions(command);
}

/**
 * Puts all photos through a stage, writes the files wanted, and ends the program: with code 1 if any photo
 * failed, else with 0.
 */
export async function runPhotos<S extends StageName>(
  paths: readonly string[],
  flags: BatchFlags,
  batch: Batch<S>,
): Promise<never> {
  const began = performance.now();
  const formats = flags.format ?? batch.formats;
  const { photos, missing } = await findPhotos(paths, flags.out);
  const { planned, refused } = await planOutputs(photos, flags.out, formats, batch.kind);
  const todo = flags.skipExisting ? await withoutDone(planned) : planned;
  for (const { photo, reason } of refused) console.error(`${photo.path}: not done, ${reason}`);

  let failed = missing + refused.length;
  if (todo.length > 0) {
    using silop = open(flags, todo.length);
    const ready = await silop.ready.catch((error) => fail(error.message));
    warnOfFallback(ready);
    batch.check?.(ready);
    failed += await workThrough(silop, todo, batch);
  } else if (failed === 0 && planned.length === 0) {
    fail(`No photo found in ${paths.join(", ")}`);
  }
  const total = missing + photos.length;
  if (total > 1) {
    const counts = [`${total - failed - (planned.length - todo.length)} done`];
    if (failed > 0) counts.push(`${failed} failed`);
    if (todo.length < planned.length) counts.push(`${planned.length - todo.length} there already`);
    console.error(`${counts.join(", ")}, in ${seconds(performance.now() - began)}`);
  }
  Deno.exit(failed > 0 ? EXIT_FAILED : 0);
}

/** The photos among the paths; says which paths do not exist. */
async function findPhotos(
  paths: readonly string[],
  out: string,
): Promise<{ photos: ListedFile[]; missing: number }> {
  const photos = new Map<string, ListedFile>();
  let missing = 0;
  for (const path of paths) {
    try {
      // Results of an earlier run, in a folder below the one to be searched, are no photos.
      const results = isBelow(out, path) ? resolve(out) : null;
      for (const photo of await listImages([path])) {
        const file = resolve(photo.path);
        if (results !== null && isBelow(file, results)) continue;
        if (!photos.has(file)) photos.set(file, photo);
      }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const reason = code === "ENOENT" ? `not found (looking from ${Deno.cwd()})` : message;
      console.error(`${path}: ${reason}`);
      missing++;
    }
  }
  return { photos: [...photos.values()], missing };
}

/** Whether a path lies strictly below a folder. */
function isBelow(path: string, folder: string): boolean {
  const way = relative(resolve(folder), resolve(path));
  return way !== "" && !/^\.\.([/\\]|$)/.test(way) && resolve(way) !== way;
}

async function withoutDone(planned: readonly PlannedPhoto[]): Promise<PlannedPhoto[]> {
  const todo: PlannedPhoto[] = [];
  for (const item of planned) {
    const there = await Promise.all(
      [...item.outputs.values()].map((path) => stat(path).then(() => true, () => false)),
    );
    if (there.includes(false)) todo.push(item);
  }
  return todo;
}

/** Workers side by side when there are photos for all cores, else more threads for each photo. */
function open(flags: WorkFlags, photos: number): Silop {
  const { workers, threads } = flags;
  const aim = photos >= navigator.hardwareConcurrency ? "throughput" : "latency";
  const options = silopOptions(flags);
  const heavy = ModelLibrary.weigh(options.models!, options) > HEAVY_BYTES;
  const plan = planWork({ workers, threads, aim, heavy });
  return createSilop({
    ...options,
    workers: workers ?? Math.min(plan.workers, photos),
    threads: plan.threads,
  });
}

/** Works through the photos; returns how many failed. */
async function workThrough<S extends StageName>(
  silop: Silop,
  todo: readonly PlannedPhoto[],
  batch: Batch<S>,
): Promise<number> {
  const output = new Console(todo.length);
  const waiting = todo.values();
  let failed = 0;
  const lane = async () => {
    for (const item of waiting) {
      try {
        output.log(await workOn(silop, item, batch));
      } catch (error) {
        failed++;
        output.error(`${item.photo.path}: ${(error as Error).message}`);
      }
      output.step();
    }
  };
  // One lane more than there are workers: it reads the next photo while they are all busy.
  await Promise.all(Array.from({ length: silop.plan.workers + 1 }, lane));
  output.stop();
  return failed;
}

/** Puts a photo through the stage and writes its files; returns what there is to say about it. */
async function workOn<S extends StageName>(
  silop: Silop,
  { photo, outputs }: PlannedPhoto,
  { stage, options, describe }: Batch<S>,
): Promise<string> {
  checkImageBytes((await stat(photo.path)).size, silop.limits);
  const wanted = [...outputs.keys()].flatMap((format) => STAGE_FILES[format] ?? []);
  const result = await silop.render(stage, await readFile(photo.path), options, wanted);
  const summary = result.summary as StageSummary<StageName>;
  for (const [format, path] of outputs) {
    const file = STAGE_FILES[format];
    const content = file === undefined
      ? JSON.stringify({ file: photo.relative, ...summary }, null, 2) + "\n"
      : result.files[file]!;
    await writeFileAtomic(path, content);
  }
  const said = describe(result.summary);
  return `${photo.path}  ${summary.width}×${summary.height}  ${seconds(taken(result))}  ${said}\n` +
    `  ${[...outputs.values()].join("  ")}`;
}

function taken({ timings }: Pick<StageResult, "timings">): number {
  return timings.decode + timings.compute + timings.encode;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
