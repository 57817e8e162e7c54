/** Which images of a batch are done, which are to do, and which cannot be done. */

import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type JournalEntry, readJournal } from "./journal.ts";
import { fingerprint, readTask } from "./manifest.ts";
import type { Source } from "../data/data_set.ts";
import { type FileRecord, type Slot, type Slots, sourceIn } from "./task.ts";

/** What is asked of a task. */
export interface PlanRequest {
  readonly run: string;
  readonly task: string;
  readonly ids: readonly string[];
  readonly inputs: Slots;
  readonly outputs: Slots;
  /** Fingerprint of what is made now. */
  readonly with: string;
  /** Read all files that should be done, instead of trusting their sizes and times. Default: `false`. */
  readonly verify?: boolean;
}

/** An image to do. */
export interface PlannedImage {
  readonly id: string;
  /** What its inputs are, by kind, for the journal. */
  readonly in: Readonly<Record<string, string>>;
  /** Where its inputs are, by kind. */
  readonly inputs: Readonly<Record<string, Source>>;
  /** What the journal says of it, of other options or inputs, or of files that are no longer whole. */
  readonly before?: JournalEntry;
}

/** An image that cannot be done. */
export interface BlockedImage {
  readonly id: string;
  readonly reason: string;
}

/** See {@linkcode planBatch}. */
export interface BatchPlan {
  readonly todo: readonly PlannedImage[];
  readonly done: number;
  /** New journal entries of done images whose files have other times, so that none is read again. */
  readonly touched: readonly JournalEntry[];
  readonly blocked: readonly BlockedImage[];
}

/**
 * Settles what is to do. An image is done when the journal says so, of the same options and inputs as
 * they are now, and its files are still what the journal says they were: of the same size and time, or
 * else of the same SHA-256.
 */
export function planBatch(request: PlanRequest): BatchPlan {
  const { run, task, ids, inputs, outputs, verify = false } = request;
  const journal = readJournal(run, task);
  const makers = new Set(Object.values(inputs).map(({ madeBy }) => madeBy));
  const upstream = new Map([...makers].map((name) => [name, readMaker(run, name)]));
  const todo: PlannedImage[] = [];
  const blocked: BlockedImage[] = [];
  const touched: JournalEntry[] = [];
  let done = 0;
  for (const id of ids) {
    const stamps: Record<string, string> = {};
    const sources: Record<string, Source> = {};
    let missing: string | null = null;
    for (const [kind, slot] of Object.entries(inputs)) {
      const source = sourceIn(slot, id);
      const stamp = source === null
        ? { missing: `The data set names no ${kind} of ${id}` }
        : stampInput(kind, slot, source, upstream.get(slot.madeBy)!, id);
      if ("missing" in stamp) missing ??= stamp.missing;
      else {
        stamps[kind] = stamp.is;
        sources[kind] = source!;
      }
    }
    if (missing !== null) {
      blocked.push({ id, reason: missing });
      continue;
    }
    const entry = journal.get(id);
    const files = entry !== undefined && entry.with === request.with && sameInputs(entry, stamps)
      ? intactFiles(entry, outputs, verify)
      : null;
    if (files === null) todo.push({ id, in: stamps, inputs: sources, before: entry });
    else {
      done++;
      const moved = Object.entries(files).some(([kind, file]) => file !== entry!.out[kind]);
      if (moved) touched.push({ ...entry!, at: Date.now(), out: files });
    }
  }
  return { todo, done, touched, blocked };
}

/** What is known of a task whose files are read. */
interface Maker {
  readonly journal: ReadonlyMap<string, JournalEntry>;
  /** Fingerprint of what its results are made with; `null` when it was never begun. */
  readonly with: string | null;
}

function readMaker(run: string, name: string): Maker {
  const task = readTask(run, name);
  return { journal: readJournal(run, name), with: task === undefined ? null : fingerprint(task) };
}

/**
 * What tells whether an input has changed, or why it cannot be taken. Files in the place of a task's
 * results are taken only as its journal knows them and made as the run now makes them, so that results
 * of other options, or of half a run, are not mixed in.
 */
function stampInput(
  kind: string,
  { madeBy, madeAs = kind }: Slot,
  source: Source,
  maker: Maker,
  id: string,
): { readonly is: string } | { readonly missing: string } {
  if ("text" in source) return { is: source.text };
  const { path } = source;
  const file = statSync(path, { throwIfNoEntry: false });
  const again = `run voc:${madeBy} first`;
  if (madeBy === "data" || madeBy === "other") {
    if (file === undefined) return { missing: `There is no ${path}` };
    if (madeBy === "data") return { is: String(file.size) };
    return { is: `${file.size} bytes of ${Math.floor(file.mtimeMs)}` };
  }
  if (file === undefined) return { missing: `There is no ${path}: ${again}` };
  const entry = maker.journal.get(id);
  const record = entry?.out[madeAs];
  if (record === undefined || confirmFile(path, record) === null) {
    const elsewhere = `or name its folder with --use ${madeAs}=`;
    return { missing: `${path} is not what voc:${madeBy} has made: ${again}, ${elsewhere}` };
  }
  if (entry!.with !== maker.with) {
    return { missing: `${path} was made with other options than the run's: ${again}` };
  }
  return { is: record.sha256 };
}

function sameInputs(entry: JournalEntry, stamps: Readonly<Record<string, string>>): boolean {
  const kinds = new Set([...Object.keys(stamps), ...Object.keys(entry.in)]);
  return [...kinds].every((kind) => stamps[kind] === entry.in[kind]);
}

/** Records of an image's files as they are now; `null` when one is not what it was. */
function intactFiles(
  { id, out }: JournalEntry,
  outputs: Slots,
  verify: boolean,
): Record<string, FileRecord> | null {
  const files: Record<string, FileRecord> = {};
  for (const [kind, { folder, ending }] of Object.entries(outputs)) {
    const record = out[kind];
    const file = record && confirmFile(join(folder, id + ending), record, verify);
    if (!file) return null;
    files[kind] = file;
  }
  return files;
}

/**
 * The record of a file that is what its record says: the same one, or of a file that had to be read
 * because its time is another, with that time; `null` of any other.
 *
 * @param verify Read the file whatever its time. Default: `false`.
 */
export function confirmFile(
  path: string,
  record: FileRecord,
  verify = false,
): FileRecord | null {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined || file.size !== record.size) return null;
  const mtime = Math.floor(file.mtimeMs);
  if (mtime === record.mtime && !verify) return record;
  const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
  if (sha256 !== record.sha256) return null;
  return mtime === record.mtime ? record : { ...record, mtime };
}
