/**
 * Runs a task over many images, side by side in workers, so that it can be broken off at any moment and
 * gone on with: files appear whole or not at all, and only what the journal vouches for counts as done.
 */

import { mkdirSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { BatchError, QueueError, StorageError } from "../errors.ts";
import { ErrorFile } from "./error_file.ts";
import { type Crew, DoneByNobody, type Hire, hireWorkers } from "./crew.ts";
import { JournalWriter, listFolder, readJournal } from "./journal.ts";
import { lockTask } from "./lock.ts";
import { enterTask, fingerprint, type MadeWith } from "./manifest.ts";
import { confirmFile, planBatch, type PlannedImage } from "./plan_batch.ts";
import type { BatchSurroundings, Slots } from "./task.ts";

/** A task and the images to do it for. */
export interface Batch {
  /** Folder of the run. */
  readonly run: string;
  readonly task: string;
  readonly ids: readonly string[];
  /** Names the part of the set that `ids` are, as `2of4`. Default: empty, all of it. */
  readonly shard?: string;
  readonly inputs: Slots;
  readonly outputs: Slots;
  /** A module that exports `prepare`. */
  readonly module: URL;
  /** Options for `prepare`. */
  readonly options: unknown;
  /** All that decides the results, apart from the inputs. */
  readonly madeWith: MadeWith;
  readonly surroundings: BatchSurroundings;
  /** Images worked on at once. */
  readonly workers: number;
  /** Make again what was made with other options, instead of refusing to. Default: `false`. */
  readonly redo?: boolean;
  /** Read all files to see whether they are still whole. Default: `false`. */
  readonly verify?: boolean;
  /** Who does the work. Default: workers of this process. */
  readonly hire?: Hire;
}

/** Hears how a batch goes on. */
export interface BatchListener {
  /** Once, before any work: how many images there are to do. */
  planned?(todo: number, done: number): void;
  /** After every image, failed or not. */
  finished?(id: string): void;
  failed?(id: string, error: Error): void;
}

/** How a batch ended. */
export interface BatchOutcome {
  /** Images done now. */
  readonly made: number;
  /** Images that were done before. */
  readonly before: number;
  /** Ids of the images that failed; the reasons are in the file of errors (`error_file.ts`). */
  readonly failed: readonly string[];
  /** Images not begun because the signal came. */
  readonly left: number;
}

/** Not of one image alone. */
const FATAL = [StorageError, QueueError, DoneByNobody];
/** Parts of files that several may write are of nobody when they are older, in milliseconds. */
const STALE_PART = 60_000;

/**
 * Does the task for all images that are not done. Images that fail are noted in the file of errors
 * (`error_file.ts`) and the others go on.
 *
 * @param signal Ends the batch after the images in work.
 * @throws {BatchError} The run was begun with other options, its folder holds something else, a
 *   result would lie outside of it, or somebody is at work on the same.
 * @throws {StorageError} Results cannot be written. Nothing half is left; images done stay done.
 * @throws {QueueError} The queue cannot be used.
 * @throws Whatever keeps the workers from starting.
 */
export async function runBatch(
  batch: Batch,
  listener: BatchListener = {},
  signal?: AbortSignal,
): Promise<BatchOutcome> {
  const { run, task, ids, inputs, outputs, madeWith, shard = "" } = batch;
  assertInside(batch);
  makeFolder(run);
  using _lock = await lockTask(run, task, shard);
  await enterTask(run, task, madeWith, batch.redo ?? false);
  removeParts(batch, batch.hire === undefined ? 0 : STALE_PART);
  const errors = new ErrorFile(run, task, shard, ids);
  const stamp = fingerprint(madeWith);
  await using crew = await (batch.hire ?? hireWorkers)(batch, stamp);
  enterEarlier(crew, batch);
  const plan = planBatch({ run, task, ids, inputs, outputs, with: stamp, verify: batch.verify });
  listener.planned?.(plan.todo.length, plan.done);
  const failed: string[] = [];
  const fail = (id: string, error: Error) => {
    failed.push(id);
    errors.add(id, error);
    listener.failed?.(id, error);
  };
  for (const { id, reason } of plan.blocked) fail(id, new BatchError(reason));
  if (plan.touched.length > 0) {
    const journal = new JournalWriter(run, task, shard);
    for (const entry of plan.touched) journal.add(entry);
    journal.close();
  }
  if (plan.todo.length === 0) return { made: 0, before: plan.done, failed, left: 0 };

  const lanes = await crew.begin(plan.todo.length);
  const journal = new JournalWriter(run, task, shard);
  const waiting = plan.todo.values();
  let made = 0;
  let begun = 0;
  let left = 0;
  let fatal: unknown = null;
  const one = async (image: PlannedImage) => {
    try {
      const { files, unlike } = await crew.run(image);
      const at = Date.now();
      journal.add({ id: image.id, at, with: stamp, in: image.in, out: files, unlike });
      made++;
    } catch (error) {
      if (FATAL.some((type) => error instanceof type)) throw error;
      removeEarlier(image, outputs);
      fail(image.id, error as Error);
    }
    listener.finished?.(image.id);
  };
  const lane = async () => {
    for (const image of waiting) {
      begun++;
      try {
        await one(image);
      } catch (error) {
        if (error instanceof DoneByNobody) left++;
        else {
          fatal ??= error;
          crew.cancel();
        }
      }
      if (fatal !== null || signal?.aborted) return;
    }
  };
  const cancel = () => crew.cancel();
  signal?.addEventListener("abort", cancel);
  try {
    if (!signal?.aborted) await Promise.all(Array.from({ length: lanes }, lane));
  } finally {
    signal?.removeEventListener("abort", cancel);
    journal.close();
  }
  if (fatal !== null) throw fatal;
  if (crew.staleAfter !== undefined) removeParts(batch, crew.staleAfter);
  return { made, before: plan.done, failed, left: plan.todo.length - begun + left };
}

/** Enters what was done for this batch while nobody kept its journal. */
function enterEarlier(crew: Crew, { run, task, shard = "" }: Batch): void {
  if (crew.earlier.length === 0) return;
  const known = readJournal(run, task);
  const journal = new JournalWriter(run, task, shard);
  for (const entry of crew.earlier) {
    if (entry.at > (known.get(entry.id)?.at ?? 0)) journal.add(entry);
  }
  journal.close();
}

/** Files are written, and removed again, nowhere but in the run. */
function assertInside({ run, ids, outputs }: Batch): void {
  const root = resolve(run) + sep;
  for (const { folder, ending } of Object.values(outputs)) {
    const inside = resolve(folder) + sep;
    const stray = inside.startsWith(root)
      ? ids.find((id) => dirname(resolve(folder, id + ending)) + sep !== inside)
      : "";
    if (stray === undefined) continue;
    throw new BatchError(`${join(folder, stray + ending)} does not lie in a folder of ${run}`);
  }
}

function makeFolder(run: string): void {
  try {
    mkdirSync(run, { recursive: true });
  } catch (error) {
    throw new StorageError(`Cannot make ${run}: ${(error as Error).message}`);
  }
}

/**
 * Removes what was left half written; parts of other shards are theirs.
 *
 * @param age Younger parts, in milliseconds, may be of one who is at work.
 */
function removeParts({ run, ids, outputs }: Batch, age: number): void {
  const own = new Set(ids);
  for (const { folder, ending } of Object.values(outputs)) {
    for (const name of listFolder(folder)) {
      const [, whole] = /^\.(.+)\.[0-9a-f-]{36}\.part$/.exec(name) ?? [];
      if (!whole?.endsWith(ending) || !own.has(whole.slice(0, -ending.length))) continue;
      removeOlder(join(folder, name), age);
    }
  }
  for (const name of listFolder(run).filter((name) => /^\..+\.part$/.test(name))) {
    removeOlder(join(run, name), STALE_PART);
  }
}

function removeOlder(part: string, age: number): void {
  const file = statSync(part, { throwIfNoEntry: false });
  const old = file !== undefined && (age === 0 || Date.now() - file.mtimeMs > age);
  if (old) rmSync(part, { force: true });
}

/**
 * Removes what an earlier run has made of an image that now fails, so that it does not pass for the
 * result of this one. Files that the journal does not vouch for may be anybody's and stay.
 */
function removeEarlier({ id, before }: PlannedImage, outputs: Slots): void {
  for (const [kind, { folder, ending }] of Object.entries(outputs)) {
    const path = join(folder, id + ending);
    const record = before?.out[kind];
    if (record !== undefined && confirmFile(path, record) !== null) rmSync(path, { force: true });
  }
}
