/**
 * A pool of worker threads for any module that calls `serveJobs()`; `stage_pool.ts` has the one that runs
 * stages.
 *
 * ONNX Runtime blocks the thread that calls it, so every worker holds sessions of its own and the
 * calling thread only passes messages. A native run cannot be stopped; a cancelled job ends at the next
 * checkpoint between two runs.
 */

import process from "node:process";
import { clearInterval, clearTimeout, setInterval, setTimeout } from "node:timers";
import { setTimeout as sleep } from "node:timers/promises";
import { WorkerError } from "../errors.ts";
import { disableTelemetryOrTell } from "../telemetry.ts";
import { reviveError } from "./wire_error.ts";
import type { FromWorker, ToWorker } from "./worker_messages.ts";
import { startWorkerThread, type WorkerThread } from "./worker_thread.ts";

/** How a pool is doing at the moment. */
export interface PoolState {
  /** Workers that take jobs: all of them but those that are starting or being replaced. */
  readonly working: number;
  /** Why no more jobs are taken; `null` while they are. */
  readonly ended: { readonly reason: unknown } | null;
}

/** Why a worker was replaced: it crashed, would not end a cancelled job, or memory ran short. */
export type RestartReason = "crash" | "stuck" | "memory";

/** Options of a {@linkcode WorkerPool}. */
export interface WorkerPoolOptions {
  /**
   * Told of what no job's caller hears: a crash, that a worker could not be replaced, and, once a process,
   * that ONNX Runtime's telemetry cannot be turned off. Default: nobody is.
   */
  onFault?: (message: string, error: unknown) => void;
  /**
   * Milliseconds until a failed replacement is tried again, doubled after every failure up to a minute.
   * Default: 1000.
   */
  retryMs?: number;
  /**
   * Bytes of resident memory of this process above which a worker that has done its job is replaced, one
   * a minute; above half as much again the one at work for longest is ended with its job.
   * Default: `Infinity`.
   */
  memoryLimit?: number;
  /** Tells that memory. Default: as the runtime reports it. */
  readMemory?: () => number;
  /**
   * Milliseconds after which a worker that has not come to a checkpoint of its cancelled job is replaced.
   * Ending it leaves the memory of its networks behind, so that is for those only that hang.
   * Default: 20 000.
   */
  stuckMs?: number;
}

/** Options of one {@linkcode WorkerPool.run}. */
export interface RunOptions {
  /** Aborting rejects with the signal's reason; running work ends at its next checkpoint. */
  signal?: AbortSignal;
  /** Called when a worker takes the job; a second time when the first one crashed. */
  onStart?: () => void;
  /** Called with the name of every step done. */
  onStep?: (step: string) => void;
}

interface Job<Request, Result> {
  readonly request: Request;
  readonly options: RunOptions;
  /** Set to 1 by the caller to stop the job at its next checkpoint. */
  readonly cancelled: Int32Array<SharedArrayBuffer>;
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
  /** Workers that have crashed over it. */
  crashes: number;
}

interface Member<Request, Result> {
  readonly worker: WorkerThread;
  /** Whether it has said that it can work. */
  started: boolean;
  /** Settles the worker's start as failed, if it has not ended yet. */
  readonly fail: (reason: unknown) => void;
  job: Job<Request, Result> | null;
  /** When it took its job, by `performance.now()`. */
  since: number;
  /** Ends it when it hangs. */
  stuck?: ReturnType<typeof setTimeout>;
}

const MAX_RETRY_MS = 60_000;
/** A job that two workers have crashed over does not get a third. */
const MAX_CRASHES = 2;
/** Least milliseconds between two replacements for memory's sake. */
const RECYCLE_MS = 60_000;
const WATCH_MS = 250;
/** Least milliseconds between two workers ended for memory's sake. */
const RELIEF_MS = 3000;
/** How far beyond the limit memory must be for running work to be ended. */
const HARD_LIMIT = 1.5;

/**
 * Workers with a first-in, first-out queue before them. `Setup`, `Request`, `Ready` and `Result` are
 * what the workers' module is told and answers; all must be clonable.
 *
 * A worker that crashes is replaced, and its job given to another one once more. The pool ends when the
 * last one cannot be replaced.
 */
export class WorkerPool<Setup, Request, Ready, Result> {
  /** Settles when all workers are set up, or the first has failed to be. */
  readonly ready: Promise<Ready>;
  /** How many workers have been replaced, and why. */
  readonly restarts: Record<RestartReason, number> = { crash: 0, stuck: 0, memory: 0 };
  readonly #module: URL;
  readonly #setup: Setup;
  readonly #options: Required<WorkerPoolOptions>;
  readonly #members = new Set<Member<Request, Result>>();
  readonly #idle: Member<Request, Result>[] = [];
  readonly #queue: Job<Request, Result>[] = [];
  /** Stops waiting for the next attempt to replace a worker. */
  readonly #ending = new AbortController();
  #ended: PoolState["ended"] = null;
  #recycled = -Infinity;
  #relieved = -Infinity;
  #watch: ReturnType<typeof setInterval> | undefined;

  /**
   * @param module What every worker runs.
   * @param setup What every worker is told first.
   * @param workers How many there are.
   */
  constructor(module: URL, setup: Setup, workers: number, options: WorkerPoolOptions = {}) {
    const { onFault = () => {}, retryMs = 1000, stuckMs = 20_000 } = options;
    const { memoryLimit = Infinity, readMemory = residentMemory } = options;
    this.#module = module;
    this.#setup = setup;
    this.#options = { onFault, retryMs, stuckMs, memoryLimit, readMemory };
    disableTelemetryOrTell(options.onFault);
    this.ready = Promise.all(Array.from({ length: workers }, () => this.#hire()))
      .then(([first]) => first!);
    // Whoever awaits `ready` or runs a job learns why; nobody else need crash of it.
    this.ready.catch((reason) => this.#end(reason));
  }

  /** How the pool is doing now; a pool that has been ready may have lost workers since. */
  get state(): PoolState {
    const working = [...this.#members].filter(({ started }) => started).length;
    return { working, ended: this.#ended };
  }

  /** Jobs waiting or running. */
  get load(): number {
    return this.#queue.length + [...this.#members].filter((member) => member.job !== null).length;
  }

  /**
   * Runs one job on the next free worker. The request's bytes are copied, not taken.
   *
   * @throws Whatever the work throws; the signal's reason when aborted; `WorkerError` when its workers
   *   crash or run out of memory; `Error` when the pool is closed.
   */
  async run(request: Request, options: RunOptions = {}): Promise<Result> {
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.#ended !== null) throw this.#ended.reason;
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const cancelled = new Int32Array(new SharedArrayBuffer(4));
    const job: Job<Request, Result> = { request, options, cancelled, resolve, reject, crashes: 0 };
    const abort = () => {
      Atomics.store(cancelled, 0, 1);
      const waiting = this.#queue.indexOf(job);
      if (waiting >= 0) this.#queue.splice(waiting, 1);
      else this.#expectEnd(job);
      reject(signal!.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
    this.#queue.push(job);
    this.#dispatch();
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Ends all workers; jobs not finished are rejected. */
  close(): void {
    this.#end(new Error("The worker pool is closed"));
  }

  /** Starts one worker; settles when it is ready or has failed. */
  #hire(): Promise<Ready> {
    const { promise, resolve, reject } = Promise.withResolvers<Ready>();
    const onMessage = (message: FromWorker<Ready, Result>) => {
      switch (message.kind) {
        case "ready":
          member.started = true;
          this.#idle.push(member);
          this.#dispatch();
          return resolve(message.ready);
        case "failed":
          this.#dismiss(member);
          return reject(reviveError(message.error));
        case "step":
          member.job?.options.onStep?.(message.step);
          return;
        case "done":
          this.#finish(member)?.resolve(message.result);
          return;
        case "error":
          this.#finish(member)?.reject(reviveError(message.error));
          return;
        case "retired":
          this.#dismiss(member);
          void this.#replace();
          return;
      }
    };
    const onCrash = (message: string) => {
      const reason = new WorkerError(`A worker crashed: ${message}`);
      if (!member.started && this.#members.has(member)) {
        this.#dismiss(member);
        return reject(reason);
      }
      this.#lose(member, "crash", reason, "A worker crashed and is being replaced");
    };
    const member: Member<Request, Result> = {
      worker: startWorkerThread(this.#module, { onMessage, onCrash }),
      started: false,
      fail: reject,
      job: null,
      since: 0,
    };
    this.#members.add(member);
    this.#tell(member, { kind: "setup", setup: this.#setup });
    return promise;
  }

  /** Parts with a worker that is of no more use; its job is tried once more if a crash ended it. */
  #lose(member: Member<Request, Result>, why: RestartReason, reason: Error, message: string): void {
    if (!this.#members.has(member)) return;
    const { job } = member;
    this.#dismiss(member);
    if (job !== null) {
      const again = why === "crash" && ++job.crashes < MAX_CRASHES && job.cancelled[0] === 0;
      if (again) this.#queue.unshift(job);
      else job.reject(reason);
    }
    if (this.#ended !== null) return;
    this.restarts[why]++;
    this.#options.onFault(message, reason);
    void this.#replace();
    this.#dispatch();
  }

  /** Hires a worker for one that is gone; tries again for as long as others do the work. */
  async #replace(): Promise<void> {
    for (let delay = this.#options.retryMs;; delay = Math.min(2 * delay, MAX_RETRY_MS)) {
      try {
        await this.#hire();
        return;
      } catch (failure) {
        if (this.#ended !== null) return;
        const last = this.#members.size === 0;
        this.#options.onFault(
          last ? "No worker is left" : "A worker cannot be replaced, others work on",
          failure,
        );
        if (last) return this.#end(failure);
      }
      try {
        // The wait alone shall not keep a program running.
        await sleep(delay, undefined, { signal: this.#ending.signal, ref: false });
      } catch {
        return;
      }
    }
  }

  #dispatch(): void {
    while (this.#idle.length > 0 && this.#queue.length > 0) {
      const member = this.#idle.shift()!;
      const job = this.#queue.shift()!;
      const { request, cancelled, options: { onStart, onStep } } = job;
      member.job = job;
      member.since = performance.now();
      try {
        this.#tell(member, { kind: "run", request, cancelled, steps: onStep !== undefined });
      } catch (reason) {
        // Options that cannot be sent to a worker; it does not know of the job.
        this.#finish(member)?.reject(reason);
        continue;
      }
      this.#watchMemory();
      onStart?.();
    }
  }

  #finish(member: Member<Request, Result>): Job<Request, Result> | null {
    const { job } = member;
    member.job = null;
    clearTimeout(member.stuck);
    if (this.#members.has(member)) {
      if (this.#shouldRecycle()) this.#retire(member);
      else this.#idle.push(member);
    }
    this.#dispatch();
    return job;
  }

  #shouldRecycle(): boolean {
    const { memoryLimit, readMemory } = this.#options;
    return memoryLimit < Infinity && performance.now() - this.#recycled > RECYCLE_MS &&
      readMemory() > memoryLimit;
  }

  /** Has a worker that does nothing give back what it holds, and replaces it. */
  #retire(member: Member<Request, Result>): void {
    this.#recycled = performance.now();
    this.restarts.memory++;
    member.started = false;
    this.#tell(member, { kind: "retire" });
  }

  /** While there is work and a limit, looks whether memory runs short in the midst of it. */
  #watchMemory(): void {
    const { memoryLimit, readMemory } = this.#options;
    if (memoryLimit === Infinity || this.#watch !== undefined) return;
    this.#watch = setInterval(() => {
      const busy = [...this.#members].filter(({ job }) => job !== null);
      if (busy.length === 0) return this.#unwatch();
      // What an ended worker held takes a moment to be free again.
      if (performance.now() - this.#relieved < RELIEF_MS) return;
      if (readMemory() <= HARD_LIMIT * memoryLimit) return;
      const longest = busy.reduce((a, b) => a.since <= b.since ? a : b);
      this.#relieved = this.#recycled = performance.now();
      const reason = new WorkerError("The work took more memory than there is for it");
      this.#lose(longest, "memory", reason, "A worker ran out of memory and is being replaced");
      this.#unwatch();
    }, WATCH_MS);
    this.#watch.unref();
  }

  #unwatch(): void {
    clearInterval(this.#watch);
    this.#watch = undefined;
  }

  /** Ends the worker of a cancelled job if it does not come to a checkpoint. */
  #expectEnd(job: Job<Request, Result>): void {
    const member = [...this.#members].find((each) => each.job === job);
    if (member === undefined) return;
    member.stuck = setTimeout(() => {
      const reason = new WorkerError("A worker did not end its cancelled work");
      this.#lose(member, "stuck", reason, "A worker hangs and is being replaced");
    }, this.#options.stuckMs);
    member.stuck.unref();
  }

  #dismiss(member: Member<Request, Result>): void {
    member.worker.terminate();
    clearTimeout(member.stuck);
    this.#members.delete(member);
    const at = this.#idle.indexOf(member);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** Ends all workers and rejects what starts, waits and runs. */
  #end(reason: unknown): void {
    if (this.#ended !== null) return;
    this.#ended = { reason };
    this.#ending.abort();
    this.#unwatch();
    for (const job of this.#queue.splice(0)) job.reject(reason);
    for (const { worker, fail, job, stuck } of this.#members) {
      clearTimeout(stuck);
      worker.terminate();
      fail(reason);
      job?.reject(reason);
    }
    this.#members.clear();
    this.#idle.length = 0;
  }

  #tell(member: Member<Request, Result>, message: ToWorker<Setup, Request>): void {
    member.worker.postMessage(message);
  }
}

function residentMemory(): number {
  return process.memoryUsage().rss;
}
