/**
 * A pool of Web Workers that run stages.
 *
 * ONNX Runtime blocks the thread that calls it, so every worker holds sessions of its own and the
 * calling thread only passes messages. A native run cannot be stopped; a cancelled job ends at the next
 * checkpoint between two runs.
 */

import type { StageName, StageRequest, StageResult } from "../stages/render.ts";
import type { ActualDevice, DeviceName } from "./device_names.ts";
import type { WorkPlan } from "./machine.ts";
import type { CamModelInfo } from "./models.ts";
import { reviveError } from "./wire_error.ts";
import type { FromWorker, ToWorker } from "./worker_messages.ts";

/** What every worker of a pool loads when it starts. */
export interface WorkerSetup {
  /** The folder of models, with its manifest. */
  readonly models: URL;
  /** Name of the CAM model in the manifest. */
  readonly camModel: string;
  readonly device: DeviceName;
}

/** What a worker says once it can work. */
export interface WorkerReady {
  readonly device: ActualDevice;
  readonly camModel: CamModelInfo;
}

/** Options of one {@linkcode StagePool.run}. */
export interface RunOptions {
  /** Aborting rejects with the signal's reason; running work ends at its next checkpoint. */
  signal?: AbortSignal;
}

interface Job {
  readonly request: StageRequest;
  /** Set to 1 by the caller to stop the job at its next checkpoint. */
  readonly cancelled: Int32Array<SharedArrayBuffer>;
  readonly resolve: (result: StageResult) => void;
  readonly reject: (reason: unknown) => void;
}

interface Member {
  readonly worker: Worker;
  /** Settles the worker's start as failed, if it has not ended yet. */
  readonly fail: (reason: unknown) => void;
  job: Job | null;
}

/** Workers with a first-in, first-out queue before them. */
export class StagePool {
  /** Settles when all workers have loaded and tried their models, or the first has failed to. */
  readonly ready: Promise<WorkerReady>;
  readonly #setup: WorkerSetup;
  readonly #plan: WorkPlan;
  readonly #members = new Set<Member>();
  readonly #idle: Member[] = [];
  readonly #queue: Job[] = [];
  /** Why no more jobs are taken. */
  #ended: { readonly reason: unknown } | null = null;

  constructor(setup: WorkerSetup, plan: WorkPlan) {
    this.#setup = setup;
    this.#plan = plan;
    this.ready = Promise.all(Array.from({ length: plan.workers }, () => this.#hire()))
      .then(([first]) => first!);
    // Whoever awaits `ready` or runs a job learns why; nobody else need crash of it.
    this.ready.catch((reason) => this.#end(reason));
  }

  /** Jobs waiting or running. */
  get load(): number {
    return this.#queue.length + [...this.#members].filter((member) => member.job !== null).length;
  }

  /**
   * Runs one job on the next free worker. The request's bytes are copied, not taken.
   *
   * @throws Whatever the stage throws; the signal's reason when aborted; `Error` when the worker
   *   crashes or the pool is closed.
   */
  async run<S extends StageName>(
    request: StageRequest<S>,
    { signal }: RunOptions = {},
  ): Promise<StageResult<S>> {
    signal?.throwIfAborted();
    if (this.#ended !== null) throw this.#ended.reason;
    const { promise, resolve, reject } = Promise.withResolvers<StageResult<S>>();
    const cancelled = new Int32Array(new SharedArrayBuffer(4));
    const job: Job = {
      request: request as StageRequest,
      cancelled,
      resolve: resolve as Job["resolve"],
      reject,
    };
    const abort = () => {
      Atomics.store(cancelled, 0, 1);
      const waiting = this.#queue.indexOf(job);
      if (waiting >= 0) this.#queue.splice(waiting, 1);
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
    this.#end(new Error("The stage pool is closed"));
  }

  /** Starts one worker; settles when it is ready or has failed. */
  #hire(): Promise<WorkerReady> {
    const worker = new Worker(new URL("./stage_worker.ts", import.meta.url), { type: "module" });
    const { promise, resolve, reject } = Promise.withResolvers<WorkerReady>();
    const member: Member = { worker, fail: reject, job: null };
    this.#members.add(member);
    let started = false;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      switch (data.kind) {
        case "ready":
          started = true;
          this.#idle.push(member);
          this.#dispatch();
          return resolve(data);
        case "failed":
          this.#dismiss(member);
          return reject(reviveError(data.error));
        case "done":
          this.#finish(member)?.resolve(data.result);
          return;
        case "error":
          this.#finish(member)?.reject(reviveError(data.error));
          return;
      }
    };
    worker.onerror = (event) => {
      event.preventDefault();
      const reason = new Error(`A worker crashed: ${event.message}`);
      const job = member.job;
      this.#dismiss(member);
      job?.reject(reason);
      if (!started) return reject(reason);
      if (this.#ended !== null) return;
      this.#hire().catch((failure) => this.#members.size === 0 && this.#end(failure));
    };
    this.#tell(member, {
      kind: "setup",
      models: this.#setup.models.href,
      camModel: this.#setup.camModel,
      device: this.#setup.device,
      threads: this.#plan.threads,
    });
    return promise;
  }

  #dispatch(): void {
    while (this.#idle.length > 0 && this.#queue.length > 0) {
      const member = this.#idle.shift()!;
      const job = this.#queue.shift()!;
      member.job = job;
      try {
        this.#tell(member, { kind: "run", request: job.request, cancelled: job.cancelled });
      } catch (reason) {
        // Options that cannot be sent to a worker; it does not know of the job.
        this.#finish(member)?.reject(reason);
      }
    }
  }

  #finish(member: Member): Job | null {
    const { job } = member;
    member.job = null;
    if (this.#members.has(member)) this.#idle.push(member);
    this.#dispatch();
    return job;
  }

  #dismiss(member: Member): void {
    member.worker.terminate();
    this.#members.delete(member);
    const at = this.#idle.indexOf(member);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** Ends all workers and rejects what starts, waits and runs. */
  #end(reason: unknown): void {
    if (this.#ended !== null) return;
    this.#ended = { reason };
    for (const job of this.#queue.splice(0)) job.reject(reason);
    for (const { worker, fail, job } of this.#members) {
      worker.terminate();
      fail(reason);
      job?.reject(reason);
    }
    this.#members.clear();
    this.#idle.length = 0;
  }

  #tell(member: Member, message: ToWorker): void {
    member.worker.postMessage(message);
  }
}
