/**
 * A worker that does a task for one image after another.
 *
 * It reads the image's files, hands them to the task and writes what comes back, so that no file's
 * content passes through the thread that draws the progress bar, unless files come and go by another way.
 */

import { serveJobs } from "../runtime/serve_jobs.ts";
import { readSource, recordOf, writeOutput } from "./image_files.ts";
import type {
  BatchJob,
  BatchResult,
  BatchSetup,
  FileRecord,
  Files,
  Prepare,
  Slots,
  Work,
} from "./task.ts";

let outputs: Slots | readonly string[];
let work: Work;

serveJobs<BatchSetup, BatchJob, object, BatchResult>({
  async setUp({ module, options, surroundings, ...setup }) {
    ({ outputs } = setup);
    const { prepare } = await import(module) as { prepare: Prepare<unknown> };
    work = await prepare(options, surroundings);
    return {};
  },
  async run({ id, inputs }, checkpoint) {
    const read = Object.entries(inputs).map(async ([kind, source]) => {
      return [kind, "bytes" in source ? source.bytes : await readSource(source)] as const;
    });
    const made = await work(Object.fromEntries(await Promise.all(read)), checkpoint);
    return isList(outputs) ? answer(made, outputs) : await write(made, outputs, id);
  },
});

async function write(made: Files, slots: Slots, id: string): Promise<BatchResult> {
  const files: Record<string, FileRecord> = {};
  for (const [kind, slot] of Object.entries(slots)) {
    files[kind] = await writeOutput(slot, id, contentOf(made, kind));
  }
  return { files };
}

function answer(made: Files, kinds: readonly string[]): BatchResult {
  const contents = Object.fromEntries(kinds.map((kind) => [kind, contentOf(made, kind)]));
  const files = Object.entries(contents).map(([kind, content]) => [kind, recordOf(content, 0)]);
  return { files: Object.fromEntries(files), contents };
}

function contentOf(files: Files, kind: string): Uint8Array {
  const content = files[kind];
  if (content === undefined) throw new Error(`The task made no ${kind}`);
  return content;
}

function isList(outputs: Slots | readonly string[]): outputs is readonly string[] {
  return Array.isArray(outputs);
}
