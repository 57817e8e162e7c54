/**
 * A worker that does a task for one image after another.
 *
 * It reads the image's files, hands them to the task and writes what comes back, so that no file's
 * content ever passes through the thread that draws the progress bar.
 */

import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { StorageError } from "../errors.ts";
import { writeFileAtomic } from "../files.ts";
import { serveJobs } from "../runtime/serve_jobs.ts";
import type {
  BatchResult,
  BatchSetup,
  FileRecord,
  Files,
  Prepare,
  Slot,
  Slots,
  Work,
} from "./task.ts";

let inputs: Slots;
let outputs: Slots;
let work: Work;

serveJobs<BatchSetup, string, object, BatchResult>({
  async setUp({ module, options, surroundings, ...slots }) {
    ({ inputs, outputs } = slots);
    const { prepare } = await import(module) as { prepare: Prepare<unknown> };
    work = await prepare(options, surroundings);
    return {};
  },
  async run(id, checkpoint) {
    const read = Object.entries(inputs).map(async ([kind, slot]) => {
      return [kind, await readInput(slot, id)] as const;
    });
    const made = await work(Object.fromEntries(await Promise.all(read)), checkpoint);
    const files: Record<string, FileRecord> = {};
    for (const [kind, slot] of Object.entries(outputs)) {
      files[kind] = await writeOutput(slot, id, contentOf(made, kind));
    }
    return { files };
  },
});

async function readInput({ folder, ending }: Slot, id: string): Promise<Uint8Array> {
  const path = join(folder, id + ending);
  try {
    return await readFile(path);
  } catch (error) {
    throw new Error(`Cannot read ${path}: ${reasonOf(error)}`);
  }
}

async function writeOutput(
  { folder, ending }: Slot,
  id: string,
  content: Uint8Array,
): Promise<FileRecord> {
  const path = join(folder, id + ending);
  try {
    await writeFileAtomic(path, content);
    const { size, mtimeMs } = await stat(path);
    const sha256 = createHash("sha256").update(content).digest("hex");
    return { size, mtime: Math.floor(mtimeMs), sha256 };
  } catch (error) {
    throw new StorageError(`Cannot write ${path}: ${reasonOf(error)}`);
  }
}

function contentOf(files: Files, kind: string): Uint8Array {
  const content = files[kind];
  if (content === undefined) throw new Error(`The task made no ${kind}`);
  return content;
}

/** The system's words without the path, which the caller tells. */
function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOSPC":
      return "the disk is full";
    case "EDQUOT":
      return "the disk quota is used up";
    case "ENOENT":
      return "there is no such file";
    default:
      return message.replace(/, \w+ '.*'$/, "");
  }
}
