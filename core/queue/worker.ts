/** A worker of the queue: does images of any batch there is, in workers of its own process. */

import type { Consumer, JsMsg } from "@nats-io/jetstream";
import type { ObjectStore } from "@nats-io/obj";
import { type BatchPool, openBatchPool } from "../batch/crew.ts";
import { differences, type Json, type MadeWith } from "../batch/manifest.ts";
import type { BatchJob, BatchResult, BatchSetup, BatchSurroundings, Slot } from "../batch/task.ts";
import type { Source } from "../data/data_set.ts";
import { BatchError, QueueError, StorageError } from "../errors.ts";
import { EMBEDDED_MODELS } from "../runtime/models.ts";
import { packError } from "../runtime/wire_error.ts";
import { type BatchNote, type EventNote, type JobNote, readJobNote } from "./messages.ts";
import type { Queue } from "./queue.ts";
import { put } from "./queue_crew.ts";

/** Options of {@linkcode workOnQueue}. */
export interface QueueWorkerOptions {
  /** Name by which others know this worker; no other may have it. */
  readonly name: string;
  /** Images worked on at once by threads of each. */
  lanes(threads: number): number;
  /** Native threads of each. Default: as the batch says. */
  readonly threads?: number;
  /** Address of a folder of models, searched before the embedded ones. Default: as the batch says. */
  readonly models?: string;
  /** Folders that have other names here: `[there, here]`. Default: none. */
  readonly folders?: readonly (readonly [there: string, here: string])[];
  /** What a batch's results would be made with here; see `RUN/run.json`. */
  describe(note: BatchNote, surroundings: BatchSurroundings): Promise<MadeWith>;
  /** Digest of how this machine rounds; see `rounding.ts`. */
  probeRounding(threads: number): Promise<string>;
  /** Ends after so many milliseconds without work. Default: never. */
  readonly idle?: number;
  /** Told what is worth telling. Default: nobody is. */
  readonly onNotice?: (text: string) => void;
  /** Told of every image that has been done. Default: nobody is. */
  readonly onDone?: (id: string, task: string) => void;
}

/** Milliseconds that one request for work waits on the server, and in which nothing new is heard of. */
const WAIT_MS = 1000;
/** Pause before an image that failed is handed out again, in milliseconds. */
const AGAIN_MS = 500;
/** What others may set otherwise: it decides how sums are rounded, not what is computed. */
const SETTINGS = /^(silop|runtime\.\w+): /;

/**
 * Does what is on the queue until the signal comes, images in work being finished first.
 *
 * @returns How many images were done.
 * @throws {StorageError} Results cannot be written here; what was begun goes to other workers.
 * @throws {QueueError} The queue cannot be used any more.
 */
export async function workOnQueue(
  queue: Queue,
  options: QueueWorkerOptions,
  signal: AbortSignal,
): Promise<number> {
  const worker = new QueueWorker(queue, options, signal);
  return await worker.work();
}

/** What a worker needs for one batch. */
interface Bench {
  readonly note: BatchNote;
  readonly lanes: number;
  readonly pool: BatchPool;
  readonly store: ObjectStore | null;
  readonly unlike: readonly string[];
}

class QueueWorker {
  readonly #queue: Queue;
  readonly #options: QueueWorkerOptions;
  readonly #signal: AbortSignal;
  /** Open batches, the oldest first. */
  readonly #open = new Map<string, BatchNote>();
  /** Batches that cannot be worked on here, as they were then. */
  readonly #refused = new Set<string>();
  #bench: Bench | null = null;
  #fatal: unknown = null;
  #made = 0;
  #busyAt = performance.now();
  /** Something about the batches has changed. */
  #news = Promise.withResolvers<void>();

  constructor(queue: Queue, options: QueueWorkerOptions, signal: AbortSignal) {
    this.#queue = queue;
    this.#options = options;
    this.#signal = signal;
  }

  async work(): Promise<number> {
    const watch = await this.#queue.hearBatches((note) => this.#hear(note));
    this.#signal.addEventListener("abort", () => this.#news.resolve());
    void this.#queue.closed.then((reason) => {
      this.#fatal ??= new QueueError(`The connection was closed${reason ? `: ${reason}` : ""}`);
      this.#news.resolve();
    });
    try {
      while (!this.#ended) {
        const note = await this.#choose();
        if (note !== null) await this.#serve(note);
        else await this.#rest();
      }
    } finally {
      await watch.close().catch(() => {});
      const reason = this.#fatal === null ? undefined : String((this.#fatal as Error).message);
      await this.#leave(reason).catch(() => {});
    }
    if (this.#fatal !== null) throw this.#fatal;
    return this.#made;
  }

  get #ended(): boolean {
    const { idle = Infinity } = this.#options;
    return this.#signal.aborted || this.#fatal !== null ||
      performance.now() - this.#busyAt > idle;
  }

  #hear(note: BatchNote): void {
    this.#open.delete(note.batch);
    if (note.state === "open") this.#open.set(note.batch, note);
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  /** The oldest batch with jobs that nobody has; else the one that work was last done for, or any. */
  async #choose(): Promise<BatchNote | null> {
    const open = [...this.#open.values()].filter((note) => !this.#refused.has(keyOf(note)))
      .sort((a, b) => a.begun - b.begun);
    for (const note of open) {
      const info = await (await this.#queue.jobs(note.batch))?.info().catch(() => null);
      if ((info?.num_pending ?? 0) > 0) return note;
    }
    return open.find(({ batch }) => batch === this.#bench?.note.batch) ?? open[0] ?? null;
  }

  async #rest(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const time = new Promise<void>((resolve) => timer = setTimeout(resolve, WAIT_MS));
    await Promise.race([this.#news.promise, time]);
    clearTimeout(timer);
  }

  /** Does a batch's images for as long as there is no reason to look for others. */
  async #serve(note: BatchNote): Promise<void> {
    const consumer = await this.#queue.jobs(note.batch);
    const bench = await this.#set(note);
    if (bench === null) return;
    // Its jobs are taken back, or not handed over yet.
    if (consumer === null) return await this.#rest();
    const lanes = Array.from({ length: bench.lanes }, () => this.#lane(bench, consumer));
    await Promise.all(lanes);
  }

  async #lane(bench: Bench, consumer: Consumer): Promise<void> {
    while (!this.#ended && this.#isCurrent(bench)) {
      let message: JsMsg | null;
      try {
        message = await consumer.next({ expires: WAIT_MS });
      } catch {
        // The connection is taken up again, or the consumer is gone.
        return await this.#rest();
      }
      if (message === null) {
        if (this.#open.size > 1) return;
        continue;
      }
      this.#busyAt = performance.now();
      if (this.#signal.aborted || this.#fatal !== null) message.nak();
      else await this.#do(bench, message);
      this.#busyAt = performance.now();
    }
  }

  #isCurrent({ note }: Bench): boolean {
    const now = this.#open.get(note.batch);
    return now !== undefined && keyOf(now) === keyOf(note);
  }

  async #do(bench: Bench, message: JsMsg): Promise<void> {
    const { note } = bench;
    const job = readJobNote(message.string());
    if (job === null) return message.term("unreadable");
    // Meant for the batch as it was before, or as it is now.
    if (job.stamp !== note.stamp) return message.nak(AGAIN_MS);
    const worker = this.#options.name;
    const { id } = job;
    const tell = (event: EventNote) => this.#queue.tell(note.batch, event);
    const life = setInterval(() => message.working(), note.ackWait / 3);
    const delivery = message.info.deliveryCount;
    try {
      if (delivery > note.deliveries) {
        throw new BatchError(`Nobody has lived to finish it, ${note.deliveries} times`);
      }
      // What follows is told after it in any case; nothing depends on its being heard.
      tell({ kind: "begun", worker, id }).catch(() => {});
      const files = await this.#make(bench, job);
      const { stamp, in: inputs } = job;
      const unlike = bench.unlike.length === 0 ? undefined : [...bench.unlike];
      const at = Date.now();
      await tell({ kind: "done", worker, id, at, stamp, in: inputs, files, unlike });
      this.#made++;
      this.#options.onDone?.(id, note.task);
      await finish(message);
    } catch (error) {
      if (error instanceof StorageError || error instanceof QueueError) {
        this.#fatal ??= error;
        message.nak();
        return;
      }
      const again = delivery < note.deliveries;
      const { name, message: text } = packError(error);
      try {
        const error = { name, message: text };
        await tell({ kind: "failed", worker, id, at: Date.now(), error, again });
        if (again) message.nak(AGAIN_MS);
        else await finish(message);
      } catch (reason) {
        this.#fatal ??= reason;
      }
    } finally {
      clearInterval(life);
    }
  }

  async #make({ pool, store }: Bench, job: JobNote): Promise<BatchResult["files"]> {
    const inputs: Record<string, BatchJob["inputs"][string]> = {};
    for (const [kind, source] of Object.entries(job.inputs)) {
      inputs[kind] = "stored" in source
        ? { bytes: await fetchFrom(store, source.stored) }
        : this.#here(source);
    }
    const { files, contents } = await pool.run({ id: job.id, inputs });
    for (const [kind, content] of Object.entries(contents ?? {})) {
      await put(store!, `out/${kind}/${job.id}`, content);
    }
    return files;
  }

  /** Gets ready for a batch; `null` when that cannot be done here. */
  async #set(note: BatchNote): Promise<Bench | null> {
    if (this.#bench !== null && keyOf(this.#bench.note) === keyOf(note)) return this.#bench;
    await this.#leave();
    const { name, onNotice = () => {}, describe, probeRounding, lanes: lanesOf } = this.#options;
    let pool: BatchPool | null = null;
    try {
      const surroundings = this.#surroundings(note);
      const { threads } = surroundings;
      const made = await describe(note, surroundings);
      const unlike = differences(note.madeWith as Json, made);
      const wrong = unlike.filter((difference) => !SETTINGS.test(difference));
      if (wrong.length > 0) throw new BatchError(`Here it would be made otherwise: ${wrong[0]}`);
      const lanes = lanesOf(threads);
      pool = openBatchPool(this.#setup(note, surroundings), lanes);
      await pool.ready;
      const store = note.results === "store" ? await this.#queue.store(note.batch) : null;
      const settings = await settingsIn(made, () => probeRounding(threads));
      for (const difference of unlike) {
        onNotice(`warning: ${note.task} may come out with other bytes: ${difference}`);
      }
      await this.#queue.tell(note.batch, { kind: "joined", worker: name, lanes, settings, unlike });
      this.#bench = { note, lanes, pool, store, unlike };
      return this.#bench;
    } catch (error) {
      pool?.close();
      if (error instanceof QueueError) throw error;
      const reason = (error as Error).message;
      this.#refused.add(keyOf(note));
      onNotice(`Cannot work on ${note.task} in ${note.run}: ${reason}`);
      await this.#queue.tell(note.batch, { kind: "left", worker: name, reason });
      return null;
    }
  }

  async #leave(reason?: string): Promise<void> {
    if (this.#bench === null) return;
    const { note, pool } = this.#bench;
    this.#bench = null;
    pool.close();
    const worker = this.#options.name;
    // Of a batch that has ended nobody wants to hear.
    if (!this.#open.has(note.batch)) return;
    await this.#queue.tell(note.batch, { kind: "left", worker, reason });
  }

  #surroundings(note: BatchNote): BatchSurroundings {
    const { models, threads } = this.#options;
    const theirs = note.surroundings as unknown as BatchSurroundings & typeof note.surroundings;
    const folders = theirs.models.map((href) => href ?? EMBEDDED_MODELS.href);
    return {
      ...theirs,
      models: models === undefined ? folders : [models, EMBEDDED_MODELS.href],
      threads: threads ?? theirs.threads,
    };
  }

  #setup(note: BatchNote, surroundings: BatchSurroundings): BatchSetup {
    const { module, options, outputs, results } = note;
    const slots = Object.entries(outputs).map(([kind, slot]): [string, Slot] => {
      return [kind, { ...slot, folder: this.#pathHere(slot.folder) }];
    });
    return {
      // Nothing but the tasks of this project is ever loaded.
      module: new URL(`../batch/tasks/${module}.ts`, import.meta.url).href,
      options,
      outputs: results === "store" ? Object.keys(outputs) : Object.fromEntries(slots),
      surroundings,
    };
  }

  #here(source: Source): Source {
    return "path" in source ? { path: this.#pathHere(source.path) } : source;
  }

  #pathHere(path: string): string {
    for (const [there, here] of this.#options.folders ?? []) {
      if (path === there || path.startsWith(there + "/")) return here + path.slice(there.length);
    }
    return path;
  }
}

/** What tells whether a batch is still the same. */
function keyOf({ batch, stamp, begun }: BatchNote): string {
  return `${batch} ${stamp} ${begun}`;
}

/** What decides rounding: nothing of tasks without networks. */
async function settingsIn(
  { runtime }: MadeWith,
  probe: () => Promise<string>,
): Promise<Extract<EventNote, { kind: "joined" }>["settings"]> {
  if (typeof runtime !== "object" || runtime === null) return {};
  const settings = Object.entries(runtime).filter(([, value]) => typeof value !== "object");
  return { ...Object.fromEntries(settings), rounding: await probe() };
}

async function fetchFrom(store: ObjectStore | null, name: string): Promise<Uint8Array> {
  const content = await store?.getBlob(name);
  if (content) return content;
  throw new BatchError(`The queue's store does not hold ${name}`);
}

/** Acknowledges. Where the server does not hear it, another worker makes the same again. */
async function finish(message: JsMsg): Promise<void> {
  await message.ackAck().catch(() => {});
}
