/** A crew of workers on any machines, reached by a queue. */

import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { ObjectStore } from "@nats-io/obj";
import { BatchError, QueueError, StorageError } from "../errors.ts";
import { reviveError } from "../runtime/wire_error.ts";
import { type Crew, DoneByNobody, type DoneImage, type Hire } from "../batch/crew.ts";
import { readSource, recordOf, writeOutput } from "../batch/image_files.ts";
import type { JournalEntry } from "../batch/journal.ts";
import type { PlannedImage } from "../batch/plan_batch.ts";
import type { Batch } from "../batch/run_batch.ts";
import type { FileRecord, Slots } from "../batch/task.ts";
import { EMBEDDED_MODELS } from "../runtime/models.ts";
import {
  type BatchNote,
  type DoneNote,
  type EventNote,
  type JobNote,
  MESSAGES_VERSION,
} from "./messages.ts";
import type { Queue, Watch } from "./queue.ts";

/** Options of {@linkcode hireQueue}. */
export interface HireQueueOptions {
  /**
   * Whether workers read and write the files themselves, in folders all machines share, or get and give
   * them through the queue's object store. Default: `"folder"`.
   */
  results?: BatchNote["results"];
  /** Milliseconds without a sign of life after which an image goes to another worker. Default: 30000. */
  ackWait?: number;
  /** How often an image is handed out before it counts as failed. Default: 3. */
  deliveries?: number;
  /** Told what is worth telling: who joins, what differs, what goes wrong. Default: nobody is. */
  onNotice?: (text: string) => void;
}

/** Images whose files are in the object store at once. */
const STORED_AT_ONCE = 64;
/** Jobs on their way to the server at once. */
const SENT_AT_ONCE = 64;
/** How long there may be no worker before that is told. */
const ALONE_MS = 10_000;

/** Has batches done by the workers of a queue; see `worker.ts`. */
export function hireQueue(queue: Queue, options: HireQueueOptions = {}): Hire {
  const { results = "folder", ackWait = 30_000, deliveries = 3, onNotice = () => {} } = options;
  return async (batch, stamp) => {
    const crew = new QueueCrew(queue, batch, stamp, { results, ackWait, deliveries, onNotice });
    await crew.recover();
    return crew;
  };
}

/** An image handed over. */
interface Waiting {
  readonly image: PlannedImage;
  begun: boolean;
  readonly resolve: (event: DoneNote) => void;
  readonly reject: (reason: unknown) => void;
}

class QueueCrew implements Crew {
  readonly earlier: JournalEntry[] = [];
  readonly #queue: Queue;
  readonly #batch: Batch;
  readonly #stamp: string;
  readonly #options: Required<HireQueueOptions>;
  /** The batch's name on the queue. */
  readonly #name: string;
  /** Tells this handing over from earlier ones of the same batch. */
  readonly #round = randomUUID();
  readonly #waiting = new Map<string, Waiting>();
  readonly #send = limit(SENT_AT_ONCE);
  /** Settings by worker. */
  readonly #workers = new Map<string, Extract<EventNote, { kind: "joined" }>["settings"]>();
  #watch: Watch | null = null;
  #store: ObjectStore | null = null;
  #note: BatchNote | null = null;
  #cancelled = false;
  #ended = { made: 0, failed: 0 };
  #alone: ReturnType<typeof setTimeout> | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(queue: Queue, batch: Batch, stamp: string, options: Required<HireQueueOptions>) {
    this.#queue = queue;
    this.#batch = batch;
    this.#stamp = stamp;
    this.#options = options;
    this.#name = nameBatch(batch);
  }

  /** An image goes to another worker no sooner than after the whole of it. */
  get staleAfter(): number {
    return this.#options.ackWait / 2;
  }

  /** Takes in what workers have done since the last run, if there was one and it did not come to its end. */
  async recover(): Promise<void> {
    const done = new Map<string, DoneNote>();
    const past = Promise.withResolvers<void>();
    let isPast = true;
    this.#watch = await this.#queue.hear(this.#name, (event) => {
      if (!isPast) this.#hear(event);
      else if (event.kind === "done" && event.stamp === this.#stamp) done.set(event.id, event);
    }, () => {
      isPast = false;
      past.resolve();
    });
    await past.promise;
    const ids = new Set(this.#batch.ids);
    for (const event of done.values()) {
      if (!ids.has(event.id)) continue;
      const files = await this.#collect(event).catch((error) => {
        if (error instanceof StorageError) throw error;
        return null;
      });
      if (files === null) continue;
      const { id, at, in: inputs, unlike } = event;
      this.earlier.push({ id, at, with: this.#stamp, in: inputs, out: files, unlike });
    }
  }

  async begin(images: number): Promise<number> {
    const { run, task, module, options, madeWith, surroundings, outputs } = this.#batch;
    const { results, ackWait, deliveries, onNotice } = this.#options;
    const models = surroundings.models.map((href) => href === EMBEDDED_MODELS.href ? null : href);
    this.#note = {
      version: MESSAGES_VERSION,
      batch: this.#name,
      run,
      task,
      module: basename(module.pathname, ".ts"),
      options,
      madeWith,
      stamp: this.#stamp,
      surroundings: { ...surroundings, models },
      outputs: plain(outputs),
      results,
      images,
      begun: Date.now(),
      ackWait,
      deliveries,
      state: "open",
    };
    await this.#queue.tidy();
    await this.#queue.prepareJobs(this.#note);
    if (results === "store") this.#store = await this.#queue.store(this.#name);
    await this.#queue.announce(this.#note);
    this.#alone = setTimeout(() => {
      onNotice("No worker has come yet; start some with deno task voc:worker --queue …");
    }, ALONE_MS);
    return results === "store" ? Math.min(images, STORED_AT_ONCE) : images;
  }

  async run(image: PlannedImage): Promise<DoneImage> {
    const { promise, resolve, reject } = Promise.withResolvers<DoneNote>();
    this.#waiting.set(image.id, { image, begun: false, resolve, reject });
    try {
      await this.#send(async () => {
        if (this.#cancelled) return reject(new DoneByNobody());
        const { id, in: stamps } = image;
        const note: JobNote = {
          id,
          stamp: this.#stamp,
          in: stamps,
          inputs: await this.#give(image),
        };
        await this.#queue.addJob(this.#name, note, `${this.#name}/${this.#round}/${id}`);
      });
      const event = await promise;
      const files = await this.#collect(event);
      this.#ended.made++;
      return { files, unlike: event.unlike };
    } catch (error) {
      if (!(error instanceof DoneByNobody)) this.#ended.failed++;
      throw error;
    } finally {
      promise.catch(() => {});
      this.#waiting.delete(image.id);
      await this.#forget(image);
    }
  }

  cancel(): void {
    if (this.#cancelled || this.#note === null) return;
    this.#cancelled = true;
    this.#queue.removeJobs(this.#name).catch(() => {});
    for (const { begun, reject } of this.#waiting.values()) if (!begun) reject(new DoneByNobody());
    // Whoever has not answered by then may have died; if not, the next run takes in what he has done.
    this.#patience = setTimeout(() => {
      for (const { reject } of this.#waiting.values()) reject(new DoneByNobody());
    }, 2 * this.#options.ackWait);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#alone);
    clearTimeout(this.#patience);
    const unfinished = this.#cancelled || this.#waiting.size > 0;
    try {
      await this.#watch?.close();
      // With nothing to do, a batch may still be open of which somebody has lost sight.
      const note = this.#note ?? await this.#queue.lastNote(this.#name);
      if (note?.state === "open") {
        const state = unfinished ? "stopped" : "done";
        await this.#queue.announce({ ...note, state, ...this.#ended });
      }
      if (unfinished) await this.#queue.removeJobs(this.#name);
      else await this.#queue.endBatch(this.#name);
    } catch (error) {
      // All that matters is in the run by now.
      this.#options.onNotice(`The queue was left as it is: ${(error as Error).message}`);
    }
  }

  #hear(event: EventNote): void {
    const { onNotice } = this.#options;
    switch (event.kind) {
      case "joined":
        clearTimeout(this.#alone);
        this.#join(event);
        return;
      case "left":
        this.#workers.delete(event.worker);
        if (event.reason !== undefined) onNotice(`${event.worker} takes no part: ${event.reason}`);
        return;
    }
    const waiting = this.#waiting.get(event.id);
    if (waiting === undefined) return;
    switch (event.kind) {
      case "begun":
        waiting.begun = true;
        return;
      case "done":
        // Of an earlier round, an image may have been made of files that have changed since.
        if (event.stamp === this.#stamp && sameStamps(event.in, waiting.image.in)) {
          waiting.resolve(event);
        }
        return;
      case "failed":
        if (!event.again) return waiting.reject(reviveError(event.error));
        waiting.begun = false;
        onNotice(`${event.id} failed and goes to another worker: ${event.error.message}`);
    }
  }

  #join({ worker, lanes, settings, unlike }: Extract<EventNote, { kind: "joined" }>): void {
    const { onNotice } = this.#options;
    const [other] = this.#workers;
    if (!this.#workers.has(worker)) {
      onNotice(`${worker} works on ${lanes === 1 ? "1 image" : `${lanes} images`} at once`);
    }
    this.#workers.set(worker, settings);
    for (const difference of unlike) {
      onNotice(`warning: ${worker} may make other bytes: ${difference}`);
    }
    if (other === undefined || other[0] === worker) return;
    for (const [name, value] of Object.entries(settings)) {
      const theirs = other[1][name];
      if (theirs === undefined || theirs === value) continue;
      if (unlike.some((difference) => difference.startsWith(`runtime.${name}:`))) continue;
      onNotice(
        `warning: ${worker} may make other bytes than ${
          other[0]
        }: ${name} is ${value}, not ${theirs}`,
      );
    }
  }

  /** Tells where an image's inputs are, after putting them into the store if that is their way. */
  async #give({ id, inputs }: PlannedImage): Promise<JobNote["inputs"]> {
    if (this.#store === null) return inputs;
    const given: JobNote["inputs"] = {};
    for (const [kind, source] of Object.entries(inputs)) {
      if ("text" in source) given[kind] = source;
      else {
        const stored = `in/${kind}/${id}`;
        await put(this.#store, stored, await readSource(source));
        given[kind] = { stored };
      }
    }
    return given;
  }

  /** The files of an image as they lie in the run, after fetching them from the store if they are there. */
  async #collect({ id, files }: DoneNote): Promise<Record<string, FileRecord>> {
    // Files that nobody has written yet have no time.
    if (!Object.values(files).every(({ mtime }) => mtime === 0)) return files;
    this.#store ??= await this.#queue.store(this.#name);
    const collected: Record<string, FileRecord> = {};
    for (const [kind, slot] of Object.entries(this.#batch.outputs)) {
      const content = await this.#store.getBlob(`out/${kind}/${id}`).catch(() => null);
      if (content === null || recordOf(content, 0).sha256 !== files[kind]?.sha256) {
        throw new BatchError(`The queue's store does not hold the ${kind} of ${id}`);
      }
      collected[kind] = await writeOutput(slot, id, content);
    }
    return collected;
  }

  /** Takes an image's files out of the store. */
  async #forget({ id, inputs }: PlannedImage): Promise<void> {
    if (this.#store === null || this.#cancelled) return;
    const kinds = [
      ...Object.keys(inputs).map((kind) => `in/${kind}`),
      ...Object.keys(this.#batch.outputs).map((kind) => `out/${kind}`),
    ];
    for (const kind of kinds) await this.#store.delete(`${kind}/${id}`).catch(() => {});
  }
}

/** Puts content into a store. @throws {QueueError} */
export async function put(store: ObjectStore, name: string, content: Uint8Array): Promise<void> {
  try {
    await store.putBlob({ name }, content);
  } catch (error) {
    throw new QueueError(`The queue's store takes no files: ${(error as Error).message}`);
  }
}

/** The same for every run of a task (or shard) in a folder, whatever the folder is called where. */
function nameBatch({ run, task, shard = "" }: Batch): string {
  const path = join(run, "journal", "queue.id");
  let id: string;
  try {
    try {
      writeFileSync(path, randomUUID(), { flag: "wx" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    id = readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new StorageError(`Cannot write ${path}: ${(error as Error).message}`);
  }
  return [task, shard, id].filter((part) => part !== "").join("_");
}

function plain(outputs: Slots): BatchNote["outputs"] {
  return Object.fromEntries(
    Object.entries(outputs).map(([kind, { folder, ending, madeBy }]) => {
      return [kind, { folder, ending, madeBy }];
    }),
  );
}

function sameStamps(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>) {
  const kinds = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...kinds].every((kind) => a[kind] === b[kind]);
}

/** Lets so many of the functions given run at once. */
function limit(most: number): (run: () => Promise<void>) => Promise<void> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (run) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    running++;
    try {
      await run();
    } finally {
      running--;
      waiting.shift()?.();
    }
  };
}
