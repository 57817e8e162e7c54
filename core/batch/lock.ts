/** Locks that keep a task from being run twice at once, and a manifest from being written so. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { BatchError, StorageError } from "../errors.ts";

/** Milliseconds between two looks at a lock. */
const POLL = 5;

/**
 * Locks a task of a run: all of it, or one shard, beside which other shards may be at work. The system
 * holds the locks (of `RUN/journal/TASK.lock`, `TASK.2of4.lock`) and lets go of them when the process
 * ends in whatever way; the empty files stay. File systems without locks are taken as they are.
 *
 * @param shard As `2of4`; empty for all.
 * @returns The lock; disposing lets go of it.
 * @throws {BatchError} Somebody is at work on the same.
 * @throws {StorageError} The files cannot be written.
 */
export function lockTask(run: string, task: string, shard: string): Disposable {
  const folder = join(run, "journal");
  const held = new DisposableStack();
  try {
    mkdirSync(folder, { recursive: true });
    const take = (name: string, exclusive: boolean) => {
      // `node:fs` has no locks.
      const file = Deno.openSync(join(folder, name), { read: true, write: true, create: true });
      held.defer(() => file.close());
      return tryLock(file, exclusive);
    };
    const whole = take(`${task}.lock`, shard === "");
    if (whole && (shard === "" || take(`${task}.${shard}.lock`, true))) return held;
  } catch (error) {
    held.dispose();
    throw new StorageError(`Cannot write in ${folder}: ${(error as Error).message}`);
  }
  held.dispose();
  const part = shard === "" ? "" : ` ${shard}`;
  throw new BatchError(`Somebody is at work on ${task}${part} in ${run}; wait for the end of it`);
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

function tryLock(file: Deno.FsFile, exclusive: boolean): boolean {
  try {
    return file.tryLockSync(exclusive);
  } catch {
    return true;
  }
}
