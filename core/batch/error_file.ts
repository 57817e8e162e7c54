/**
 * The images that failed: `RUN/errors.TASK.jsonl`, or `RUN/errors.TASK.2of4.jsonl` for a shard, so that
 * none writes over what another one appends.
 */

import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StorageError } from "../errors.ts";
import { listFolder } from "./journal.ts";

/** A line of a file of errors. */
export interface ErrorLine {
  readonly time: string;
  readonly task: string;
  readonly id: string;
  readonly error: string;
  readonly message: string;
}

/** Name, in the run's folder, of the file that a task's errors go to. */
export function errorFileName(task: string, shard: string): string {
  return ["errors", task, shard, "jsonl"].filter((part) => part !== "").join(".");
}

/** The file of the images that failed. */
export class ErrorFile {
  readonly #path: string;
  readonly #task: string;

  /**
   * Takes out what earlier runs said of these images, which are tried again now. A run of the whole set
   * does so in the files of all the task's shards, none of which can be at work beside it.
   *
   * @throws {StorageError} The file cannot be written.
   */
  constructor(run: string, task: string, shard: string, ids: readonly string[]) {
    this.#path = join(run, errorFileName(task, shard));
    this.#task = task;
    const again = new Set(ids);
    takeOut(this.#path, again);
    if (shard !== "") return;
    for (const name of listFolder(run)) {
      if (name.startsWith(`errors.${task}.`) && name.endsWith(".jsonl")) {
        takeOut(join(run, name), again);
      }
    }
  }

  /** @throws {StorageError} The line cannot be written. */
  add(id: string, { name, message }: Error): void {
    const time = new Date().toISOString();
    const line: ErrorLine = { time, task: this.#task, id, error: name, message };
    try {
      appendFileSync(this.#path, JSON.stringify(line) + "\n");
    } catch (error) {
      throw failure(this.#path, error);
    }
  }
}

/** Takes the lines on some images out of a file, at one stroke. */
function takeOut(path: string, ids: ReadonlySet<string>): void {
  const part = join(path, "..", `.errors.${crypto.randomUUID()}.part`);
  try {
    const lines = readLines(path);
    const kept = lines.filter((line) => keeps(line, ids));
    if (kept.length === lines.length) return;
    if (kept.length === 0) return rmSync(path, { force: true });
    writeFileSync(part, kept.map((line) => line + "\n").join(""));
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw failure(path, error);
  }
}

function keeps(line: string, ids: ReadonlySet<string>): boolean {
  try {
    return !ids.has((JSON.parse(line) as ErrorLine).id);
  } catch {
    return false;
  }
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n").filter((line) => line !== "");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function failure(path: string, error: unknown): StorageError {
  return new StorageError(`Cannot write ${path}: ${(error as Error).message}`);
}
