/**
 * The journal of a task: which images are done, with what, from which inputs.
 *
 * `RUN/journal/TASK.jsonl` (`TASK.2of4.jsonl` for a shard) gets a line for every image once all its files
 * are in place. A line cut off by a crash does not parse and counts for nothing.
 */

import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { StorageError } from "../errors.ts";
import type { FileRecord } from "./task.ts";

/** That an image is done. */
export interface JournalEntry {
  readonly id: string;
  /** When it was done: milliseconds since 1970. */
  readonly at: number;
  /** Fingerprint of what it was made with; see `manifest.ts`. */
  readonly with: string;
  /** What its inputs were, by kind: SHA-256, or size (and time) for files of other origin. */
  readonly in: Readonly<Record<string, string>>;
  /** The files made, by kind. */
  readonly out: Readonly<Record<string, FileRecord>>;
  /** What they were made with unlike what `with` stands for, as `runtime.threads: 1, here 2`. */
  readonly unlike?: readonly string[];
}

/** Reads a task's journals, of all shards; of several entries for an image the latest counts. */
export function readJournal(run: string, task: string): Map<string, JournalEntry> {
  const entries = new Map<string, JournalEntry>();
  const folder = join(run, "journal");
  for (const name of listFolder(folder)) {
    if (!name.startsWith(`${task}.`) || !name.endsWith(".jsonl")) continue;
    for (const line of readFileSync(join(folder, name), "utf8").split("\n")) {
      const entry = parseEntry(line);
      if (entry !== null && entry.at >= (entries.get(entry.id)?.at ?? 0)) {
        entries.set(entry.id, entry);
      }
    }
  }
  return entries;
}

/** Names in a folder; of what is no folder, none. */
export function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw error;
  }
}

/** Appends entries to a journal. */
export class JournalWriter {
  readonly #path: string;
  readonly #file: number;

  /** @param shard Names the part of a run that is worked on, as `2of4`; empty for all of it. */
  constructor(run: string, task: string, shard: string) {
    const folder = join(run, "journal");
    this.#path = join(folder, shard === "" ? `${task}.jsonl` : `${task}.${shard}.jsonl`);
    try {
      mkdirSync(folder, { recursive: true });
      this.#file = openSync(this.#path, "a+");
      if (!endsWithNewline(this.#file)) this.#write("\n");
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** @throws {StorageError} The entry cannot be written. */
  add(entry: JournalEntry): void {
    try {
      this.#write(JSON.stringify(entry) + "\n");
    } catch (error) {
      throw this.#failure(error);
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  /** All of the text: where a disk fills up, the first part is written without an error. */
  #write(text: string): void {
    let bytes = new TextEncoder().encode(text);
    while (bytes.length > 0) bytes = bytes.subarray(writeSync(this.#file, bytes));
  }

  #failure(error: unknown): StorageError {
    return new StorageError(`Cannot write ${this.#path}: ${(error as Error).message}`);
  }
}

/** Whether a file's last line is whole, so that another can follow. */
function endsWithNewline(file: number): boolean {
  const { size } = fstatSync(file);
  if (size === 0) return true;
  const last = new Uint8Array(1);
  readSync(file, last, 0, 1, size - 1);
  return last[0] === 10;
}

function parseEntry(line: string): JournalEntry | null {
  if (!line.startsWith("{") || !line.endsWith("}")) return null;
  try {
    const entry = JSON.parse(line) as JournalEntry;
    const whole = typeof entry.id === "string" && typeof entry.at === "number" &&
      typeof entry.with === "string" && typeof entry.in === "object" &&
      typeof entry.out === "object";
    return whole ? entry : null;
  } catch {
    return null;
  }
}
