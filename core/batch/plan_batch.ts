/** Which images of a batch are done, which are to do, and which cannot be done. */

import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type JournalEntry, readJournal } from "./journal.ts";
import type { FileRecord, Slot, Slots } from "./task.ts";

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
  const upstream = new Map([...makers].map((name) => [name, readJournal(run, name)]));
  const todo: PlannedImage[] = [];
  const blocked: BlockedImage[] = [];
  let done = 0;
  for (const id of ids) {
    const stamps: Record<string, string> = {};
    let missing: string | null = null;
    for (const [kind, slot] of Object.entries(inputs)) {
      const stamp = stampInput(kind, slot, id, upstream.get(slot.madeBy)!.get(id));
      if (stamp === null) missing ??= describeMissing(slot, id);
      else stamps[kind] = stamp;
    }
    if (missing !== null) blocked.push({ id, reason: missing });
    else if (isDone(journal.get(id), request.with, stamps, outputs, id, verify)) done++;
    else todo.push({ id, in: stamps });
  }
  return { todo, done, blocked };
}

/** What tells whether an input has changed; `null` when it is not there. */
function stampInput(
  kind: string,
  slot: Slot,
  id: string,
  entry: JournalEntry | undefined,
): string | null {
  const path = join(slot.folder, id + slot.ending);
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined) return null;
  if (slot.madeBy === "data") return String(file.size);
  const record = entry?.out[kind];
  if (record !== undefined && isIntact(path, record, false)) return record.sha256;
  return `${file.size} bytes of ${Math.floor(file.mtimeMs)}`;
}

function isDone(
  entry: JournalEntry | undefined,
  madeWith: string,
  stamps: Readonly<Record<string, string>>,
  outputs: Slots,
  id: string,
  verify: boolean,
): boolean {
  if (entry === undefined || entry.with !== madeWith) return false;
  const kinds = new Set([...Object.keys(stamps), ...Object.keys(entry.in)]);
  for (const kind of kinds) if (stamps[kind] !== entry.in[kind]) return false;
  return Object.entries(outputs).every(([kind, { folder, ending }]) => {
    const record = entry.out[kind];
    return record !== undefined && isIntact(join(folder, id + ending), record, verify);
  });
}

/** Whether a file is what its record says; it is read only when its time differs. */
function isIntact(path: string, record: FileRecord, verify: boolean): boolean {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined || file.size !== record.size) return false;
  if (!verify && Math.floor(file.mtimeMs) === record.mtime) return true;
  return createHash("sha256").update(readFileSync(path)).digest("hex") === record.sha256;
}

function describeMissing({ folder, ending, madeBy }: Slot, id: string): string {
  const path = join(folder, id + ending);
  const ofTask = madeBy !== "data" && madeBy !== "other";
  return ofTask ? `There is no ${path}: run voc:${madeBy} first` : `There is no ${path}`;
}
