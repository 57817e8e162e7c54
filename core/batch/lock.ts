/** Locks that keep a task from being run twice at once, and a manifest from being written so. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { BatchError, StorageError } from "../errors.ts";

/** Milliseconds between two looks at a lock. */
const POLL = 5;

/**
 * Locks a task of a run: all of it, or one shard, beside which other shards of as many may be at work. The
 * system holds the locks (of `RUN/journal/TASK.lock`, `TASK.2of4.lock`) and lets go of them when the process
 * ends in whatever way; the files stay. File systems without locks are taken as they are.
 *
 * @param shard As `2of4`; empty for all.
 * @returns The lock; disposing lets go of it.
 * @throws {BatchError} Somebody is at work on the same, or in another number of parts.
 * @throws {StorageError} The files cannot be written.
 */
export async function lockTask(run: string, task: string, shard: string): Promise<Disposable> {
  // Nobody else looks at the same locks meanwhile.
  using _moment = await lockManifest(run);
  const folder = join(run, "journal");
  const held = new DisposableStack();
  let refusal: string | null;
  try {
    refusal = takeLocks(folder, task, shard, held);
  } catch (error) {
    held.dispose();
    throw new StorageError(`Cannot write in ${folder}: ${(error as Error).message}`);
  }
  if (refusal === null) return held;
  held.dispose();
  throw new BatchError(`Somebody is at work on ${refusal} in ${run}; wait for the end of it`);
}

/** Takes the locks, or tells what somebody is at work on. */
function takeLocks(
  folder: string,
  task: string,
  shard: string,
  held: DisposableStack,
): string | null {
  const open = (name: string) => {
    // `node:fs` has no locks.
    const file = Deno.openSync(join(folder, name), { read: true, write: true, create: true });
    held.defer(() => file.close());
    return file;
  };
  const whole = open(`${task}.lock`);
  const alone = tryLock(whole, true);
  if (shard === "") return alone ? null : task;
  const [, count = ""] = shard.split("of");
  if (alone) {
    // The first to come says how many parts there are.
    whole.truncateSync(0);
    whole.writeSync(new TextEncoder().encode(count));
    whole.syncSync();
    unlock(whole);
  }
  if (!tryLock(whole, false)) return task;
  const parts = alone ? count : contentOf(whole);
  if (parts !== count) return `${task} in ${parts} parts`;
  return tryLock(open(`${task}.${shard}.lock`), true) ? null : `${task} ${shard}`;
}

/**
 * Locks the manifest of a run for the moment in which it is read and written, waiting for others.
 *
 * @throws {StorageError} The file of the lock cannot be written.
 */
export async function lockManifest(run: string): Promise<Disposable> {
  const folder = join(run, "journal");
  const held = new DisposableStack();
  let file: Deno.FsFile;
  try {
    mkdirSync(folder, { recursive: true });
    file = Deno.openSync(join(folder, "run.lock"), { read: true, write: true, create: true });
  } catch (error) {
    throw new StorageError(`Cannot write in ${folder}: ${(error as Error).message}`);
  }
  held.defer(() => file.close());
  while (!tryLock(file, true)) await new Promise((resolve) => setTimeout(resolve, POLL));
  return held;
}

function unlock(file: Deno.FsFile): void {
  try {
    file.unlockSync();
  } catch {
    // Nor was it locked.
  }
}

function contentOf(file: Deno.FsFile): string {
  const bytes = new Uint8Array(16);
  return new TextDecoder().decode(bytes.subarray(0, file.readSync(bytes) ?? 0));
}

function tryLock(file: Deno.FsFile, exclusive: boolean): boolean {
  try {
    return file.tryLockSync(exclusive);
  } catch {
    return true;
  }
}
