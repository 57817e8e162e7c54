/** Checksums of what steps have made. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { readJournal } from "../../core/batch/journal.ts";
import { loadManifest } from "../../core/runtime/models.ts";
import { folderUrl } from "../../core/runtime/model_folders.ts";
import type { Results, Step } from "./step.ts";

/** A checksum, `null` where something is missing, and how many images are done. */
export interface Digest {
  readonly sha256: string | null;
  readonly done: number;
}

/** SHA-256 over a step's results as they are now. */
export async function digestResults(results: Results): Promise<Digest> {
  if ("models" in results) {
    try {
      const { models } = await loadManifest(folderUrl(results.models));
      return { sha256: models[results.name]?.sha256 ?? null, done: 0 };
    } catch {
      return { sha256: null, done: 0 };
    }
  }
  const hash = createHash("sha256");
  if ("file" in results) {
    try {
      return { sha256: hash.update(readFileSync(results.file)).digest("hex"), done: 0 };
    } catch {
      return { sha256: null, done: 0 };
    }
  }
  const { run, task, ids } = results;
  const journal = readJournal(run, task);
  let done = 0;
  for (const id of ids) {
    const entry = journal.get(id);
    if (entry === undefined) continue;
    done++;
    for (const kind of Object.keys(entry.out).sort()) {
      hash.update(`${id} ${kind} ${entry.out[kind]!.sha256}\n`);
    }
  }
  return { sha256: done === ids.length ? hash.digest("hex") : null, done };
}

/** What a step's results depend on, in a short name. */
export function fingerprintStep(
  { task, args, needs }: Step,
  results: ReadonlyMap<string, string | null>,
): string {
  const parts = [task, args(), needs.map((name) => results.get(name) ?? null)];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}
