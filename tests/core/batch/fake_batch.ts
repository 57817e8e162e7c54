/** Batches of the fake task over a folder of texts. */

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Batch, type BatchOutcome, runBatch } from "../../../core/batch/run_batch.ts";
import type { FakeOptions } from "./fake_task.ts";

/** Parts of a batch that a test may name. */
export type FakeParts = Partial<FakeOptions> & Partial<Batch>;

/** A folder with texts and a run. Disposing removes it. */
export interface FakeSet extends AsyncDisposable {
  readonly path: string;
  readonly run: string;
  readonly ids: readonly string[];
}

export async function makeFakeSet(count: number): Promise<FakeSet> {
  const path = await mkdtemp(join(tmpdir(), "silop-batch-"));
  const ids = Array.from({ length: count }, (_, i) => `image_${i}`);
  await mkdir(join(path, "texts"));
  for (const id of ids) await writeFile(join(path, "texts", `${id}.txt`), `the words of ${id}`);
  return {
    path,
    run: join(path, "run"),
    ids,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

export function fakeBatch(path: string, ids: readonly string[], parts: FakeParts = {}): Batch {
  const { mark = "!", delay = 0, repeat = 1, ...batch } = parts;
  const run = batch.run ?? join(path, "run");
  return {
    run,
    task: "shout",
    ids,
    inputs: { text: { folder: join(path, "texts"), ending: ".txt", madeBy: "data" } },
    outputs: {
      shout: { folder: join(run, "shout"), ending: ".txt", madeBy: "shout" },
      count: { folder: join(run, "count"), ending: ".num", madeBy: "shout" },
    },
    module: new URL("./fake_task.ts", import.meta.url),
    options: { mark, delay, repeat } satisfies FakeOptions,
    madeWith: { options: { mark, repeat } },
    surroundings: { models: [], device: "cpu", threads: 1, layout: "silop" },
    workers: 1,
    ...batch,
  };
}

export function runFake(set: FakeSet, parts: FakeParts = {}): Promise<BatchOutcome> {
  return runBatch(fakeBatch(set.path, parts.ids ?? set.ids, parts));
}

/** Contents of all results of a run by their paths; no journals. */
export async function readResults(run: string): Promise<Map<string, string>> {
  const results = new Map<string, string>();
  for (const folder of ["shout", "count"]) {
    const names = await readdir(join(run, folder)).catch(() => []);
    for (const name of names.sort()) {
      results.set(`${folder}/${name}`, await readFile(join(run, folder, name), "utf8"));
    }
  }
  return results;
}
