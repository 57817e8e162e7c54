/**
 * `RUN/run.json`: what every task of a run is made with. A task whose options, model or versions have
 * changed is not silently continued: its images would not belong together.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BatchError, StorageError } from "../errors.ts";
import { writeFileAtomic } from "../files.ts";
import { lockManifest } from "./lock.ts";

/** Plain data. */
export type Json = null | boolean | number | string | readonly Json[] | {
  readonly [key: string]: Json;
};

/** All that decides a task's results apart from its inputs. */
export type MadeWith = { readonly [key: string]: Json };

interface Manifest {
  readonly version: 1;
  readonly tasks: Readonly<Record<string, MadeWith>>;
}

/** Where the file system has no locks, who finds his entry gone writes it again. */
const WRITE_ATTEMPTS = 5;

/** Short name of what something is made with, for the journal. */
export function fingerprint(madeWith: MadeWith): string {
  return createHash("sha256").update(JSON.stringify(sorted(madeWith))).digest("hex").slice(0, 16);
}

/**
 * Enters a task in the run's manifest.
 *
 * @param redo Accept changes: what was made otherwise is made again.
 * @throws {BatchError} The task was begun with something else; the text tells the differences.
 * @throws {StorageError} The manifest cannot be written.
 */
export async function enterTask(
  run: string,
  task: string,
  madeWith: MadeWith,
  redo: boolean,
): Promise<void> {
  using _lock = await lockManifest(run);
  const before = readManifest(run).tasks[task];
  if (before !== undefined) {
    const changes = differences(before, madeWith);
    if (changes.length === 0) return;
    if (!redo) {
      throw new BatchError(
        `${join(run, "run.json")} says that ${task} was begun with other options:\n` +
          changes.map((change) => `  ${change}\n`).join("") +
          "Go on as before, name another --run, or make these images again with --redo.",
      );
    }
  }
  for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
    const { version, tasks } = readManifest(run);
    const manifest: Manifest = { version, tasks: { ...tasks, [task]: madeWith } };
    const path = join(run, "run.json");
    try {
      await writeFileAtomic(path, JSON.stringify(manifest, null, 2) + "\n");
    } catch (error) {
      throw new StorageError(`Cannot write ${path}: ${(error as Error).message}`);
    }
    const entered = readManifest(run).tasks[task];
    if (entered !== undefined && differences(entered, madeWith).length === 0) return;
  }
  throw new BatchError(`Others keep changing ${join(run, "run.json")}; is ${task} run twice?`);
}

/** What a task was made with; `undefined` when it was never begun. */
export function readTask(run: string, task: string): MadeWith | undefined {
  return readManifest(run).tasks[task];
}

function readManifest(run: string): Manifest {
  const path = join(run, "run.json");
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { version: 1, tasks: {} };
    throw error;
  }
  try {
    const manifest = JSON.parse(text) as Manifest;
    if (manifest.version === 1 && typeof manifest.tasks === "object") return manifest;
  } catch {
    // Told below.
  }
  throw new BatchError(`${path} is not the manifest of a run; name another --run`);
}

/** Lines such as `options.scales: was [1], now [0.5,1]`. */
export function differences(before: Json, now: Json, path: string[] = []): string[] {
  const a = before ?? null;
  const b = now ?? null;
  if (isRecord(a) && isRecord(b)) {
    const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
    return keys.flatMap((key) => differences(a[key] ?? null, b[key] ?? null, [...path, key]));
  }
  const [was, is] = [JSON.stringify(sorted(a)), JSON.stringify(sorted(b))];
  return was === is ? [] : [`${path.join(".")}: was ${was}, now ${is}`];
}

function isRecord(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The same with all keys in order, so that equal data give equal text. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key]!)]));
}
