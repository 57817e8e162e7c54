/**
 * Jobs: work that a client does not wait for. `POST /STAGE` with `Prefer: respond-async` (RFC 7240) is
 * answered with 202 and the job's address as soon as the request has been read and found good; with
 * `wait=5` as well, with the result if that is there within 5 seconds.
 *
 * Jobs and their results live in memory: a bounded number of them, for a while.
 */

import { clearTimeout, setTimeout } from "node:timers";
import type { Context, Hono, MiddlewareHandler } from "hono";
import type { RunOptions } from "../core/runtime/worker_pool.ts";
import type { Admission, Work } from "./admission.ts";
import { makeProblem, type Problem, ProblemError, sendProblem } from "./problem.ts";

/** How many jobs there may be, and for how long. */
export interface JobLimits {
  /** Jobs that wait or run. Default: 16. */
  readonly maxPending: number;
  /** Jobs at work at once. Default: 1, so that a worker is left for others where there are several. */
  readonly maxRunning: number;
  /** Bytes of all results kept; the oldest go first. Default: 256 MiB. */
  readonly maxResultBytes: number;
  /** Milliseconds a job may take, waiting included. Default: 600 000. */
  readonly deadlineMs: number;
  /** Milliseconds for which an ended job is remembered. Default: 600 000. */
  readonly keepMs: number;
}

/** See {@linkcode JobLimits}. */
export const DEFAULT_JOB_LIMITS: JobLimits = {
  maxPending: 16,
  maxRunning: 1,
  maxResultBytes: 256 * 2 ** 20,
  deadlineMs: 600_000,
  keepMs: 600_000,
};

/** Most ended jobs that are remembered. */
const MAX_ENDED = 1000;
/** The longest `wait` that is obeyed, in seconds. */
const MAX_WAIT = 20;

export const JOB_STATES = ["queued", "running", "succeeded", "failed", "cancelled"] as const;
export type JobState = typeof JOB_STATES[number];

/** What `GET /jobs/ID` tells. */
export interface JobStatus {
  readonly id: string;
  readonly status: JobState;
  /** The last part of the path it was posted to. */
  readonly stage: string;
  /** Times in ISO 8601. */
  readonly created: string;
  readonly started?: string;
  readonly ended?: string;
  /** When the job will be forgotten. */
  readonly expires?: string;
  /** Steps done so far, in order, with the milliseconds from the start of the work to their end. */
  readonly steps: readonly { readonly name: string; readonly at: number }[];
  /** Path of the result. */
  readonly result?: string;
  /** Why there is none. */
  readonly problem?: Problem;
}

interface Job {
  readonly id: string;
  readonly stage: string;
  readonly created: number;
  readonly controller: AbortController;
  state: JobState;
  started?: number;
  ended?: number;
  readonly steps: Map<string, number>;
  response?: { readonly status: number; readonly headers: Headers; readonly body: ArrayBuffer };
  problem?: Problem;
  /** Whether somebody has had the result. */
  fetched: boolean;
}

/** The jobs of one service. */
export class Jobs {
  readonly limits: JobLimits;
  readonly #admission: Admission;
  readonly #jobs = new Map<string, Job>();
  /** Jobs that wait for their turn. */
  readonly #turns: (() => void)[] = [];
  #running = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #onChange: (() => void)[] = [];

  constructor(admission: Admission, limits: Partial<JobLimits> = {}) {
    this.#admission = admission;
    this.limits = { ...DEFAULT_JOB_LIMITS, ...limits };
  }

  /** Jobs by state. */
  count(state: JobState): number {
    return [...this.#jobs.values()].filter((job) => job.state === state).length;
  }

  /** Bytes of all results kept. */
  get resultBytes(): number {
    return [...this.#jobs.values()].reduce((sum, job) => sum + sizeOf(job), 0);
  }

  /** Resolves when no job waits or runs. */
  async settled(): Promise<void> {
    while (this.#pending > 0) await this.#changed();
  }

  /** Resolves when somebody has had every result. */
  async collected(): Promise<void> {
    const left = () => [...this.#jobs.values()].some((job) => job.response && !job.fetched);
    while (left()) await this.#changed();
  }

  /** Cancels and forgets all jobs. */
  close(): void {
    clearTimeout(this.#timer);
    const reason = new ProblemError("shutting-down", "The service ends");
    for (const { controller } of this.#jobs.values()) controller.abort(reason);
    this.#jobs.clear();
    this.#notify();
  }

  /**
   * Makes jobs of requests that prefer it.
   *
   * @param routes The stage's routes.
   * @param stage The last part of its path.
   */
  middleware(routes: Hono, stage: string): MiddlewareHandler {
    return async (c, next) => {
      const prefer = c.req.method === "POST" ? parsePrefer(c.req.header("Prefer")) : null;
      if (prefer === null) return await next();
      this.#admission.checkOpen();
      if (this.#pending >= this.limits.maxPending) {
        throw new ProblemError("too-many-requests", `${this.#pending} jobs wait or run`, {
          "Retry-After": String(this.#admission.retryAfter()),
        });
      }
      const job = this.#create(stage);
      const read = Promise.withResolvers<"read">();
      const answer = this.#run(job, forward(c, stage), routes, () => read.resolve("read"));
      // What is wrong with a request is told at once.
      const first = await Promise.race([answer, read.promise]);
      if (first !== "read") {
        this.#jobs.delete(job.id);
        return first;
      }
      if (prefer.wait > 0) {
        const result = await within(answer, prefer.wait * 1000);
        if (result !== null) {
          this.#jobs.delete(job.id);
          return result;
        }
      }
      const base = c.req.path.slice(0, -`/${stage}`.length);
      return c.json(this.#describe(job, `${base}/jobs`), 202, {
        "Location": `${base}/jobs/${job.id}`,
        "Preference-Applied": "respond-async",
        "Cache-Control": "no-store",
      });
    };
  }

  /**
   * The state of a job.
   *
   * @param base Path of the jobs.
   * @throws {ProblemError} There is none of this name (any more).
   */
  status(id: string, base: string): JobStatus {
    return this.#describe(this.#find(id), base);
  }

  /**
   * The answer that the request would have got.
   *
   * @throws {ProblemError} There is none yet, or never will be, or no job of this name.
   */
  result(id: string): Response {
    const job = this.#find(id);
    if (job.state === "queued" || job.state === "running") {
      throw new ProblemError("not-finished", `The job is ${job.state}`, { "Retry-After": "1" });
    }
    if (job.state === "cancelled") throw new ProblemError("not-finished", "The job was cancelled");
    if (job.problem) return sendProblem(job.problem);
    job.fetched = true;
    this.#notify();
    const { status, headers, body } = job.response!;
    return new Response(body, { status, headers });
  }

  /**
   * Cancels a job, or forgets an ended one.
   *
   * @throws {ProblemError} There is none of this name.
   */
  remove(id: string): void {
    const job = this.#find(id);
    if (job.ended === undefined) {
      job.controller.abort(new ProblemError("cancelled", "The job was cancelled"));
    } else {
      this.#jobs.delete(id);
      this.#notify();
    }
  }

  get #pending(): number {
    return this.count("queued") + this.count("running");
  }

  #create(stage: string): Job {
    const job: Job = {
      id: crypto.randomUUID(),
      stage,
      created: Date.now(),
      controller: new AbortController(),
      state: "queued",
      steps: new Map(),
      fetched: false,
    };
    this.#jobs.set(job.id, job);
    return job;
  }

  /** Runs the request to its end; resolves with what it is answered. */
  async #run(job: Job, request: Request, routes: Hono, onRead: () => void): Promise<Response> {
    const { deadlineMs } = this.limits;
    const { controller } = job;
    const deadline = setTimeout(() => {
      const detail = `The job took longer than ${deadlineMs / 1000} s`;
      controller.abort(new ProblemError("deadline-exceeded", detail));
    }, deadlineMs);
    let leave = () => {};
    const work: Work = {
      signal: controller.signal,
      queue: async () => {
        onRead();
        leave = await this.#turn(controller.signal);
        return this.#options(job);
      },
    };
    this.#admission.assign(request, work);
    try {
      const response = await routes.fetch(request);
      const { status, headers } = response;
      const body = await response.arrayBuffer();
      this.#end(job, { status, headers, body });
      return new Response(body, { status, headers });
    } finally {
      clearTimeout(deadline);
      leave();
    }
  }

  #options(job: Job): RunOptions {
    return {
      signal: job.controller.signal,
      onStart: () => {
        job.state = "running";
        job.started = Date.now();
        job.steps.clear();
      },
      onStep: (step) => job.steps.set(step, Date.now() - job.started!),
    };
  }

  /** Waits until fewer than `maxRunning` jobs run; resolves with what ends the turn. */
  async #turn(signal: AbortSignal): Promise<() => void> {
    // The next in line takes the turn over, so that nobody comes between.
    const leave = () => {
      const next = this.#turns.shift();
      if (next === undefined) this.#running--;
      else next();
    };
    if (this.#running < this.limits.maxRunning) {
      this.#running++;
      return leave;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => {
      const at = this.#turns.indexOf(resolve);
      if (at < 0) return;
      this.#turns.splice(at, 1);
      reject(signal.reason);
    };
    this.#turns.push(resolve);
    signal.addEventListener("abort", abort, { once: true });
    await promise;
    return leave;
  }

  #end(job: Job, response: NonNullable<Job["response"]>): void {
    job.ended = Date.now();
    const { reason } = job.controller.signal;
    if (response.status < 400) {
      job.state = "succeeded";
      job.response = response;
    } else {
      const cancelled = reason instanceof ProblemError && reason.kind === "cancelled";
      job.state = cancelled ? "cancelled" : "failed";
      job.problem = problemOf(response);
    }
    this.#trim();
    this.#notify();
    this.#expectExpiry();
  }

  /** Forgets the oldest results while there is too much of them. */
  #trim(): void {
    const ended = [...this.#jobs.values()].filter((job) => job.ended !== undefined)
      .sort((a, b) => a.ended! - b.ended!);
    let bytes = this.resultBytes;
    let count = ended.length;
    for (const job of ended) {
      if (bytes <= this.limits.maxResultBytes && count <= MAX_ENDED) return;
      bytes -= sizeOf(job);
      count--;
      this.#jobs.delete(job.id);
    }
  }

  /** Forgets jobs when their time has come. */
  #expectExpiry(): void {
    clearTimeout(this.#timer);
    const { keepMs } = this.limits;
    const now = Date.now();
    let next = Infinity;
    for (const job of this.#jobs.values()) {
      if (job.ended === undefined) continue;
      if (job.ended + keepMs <= now) this.#jobs.delete(job.id);
      else next = Math.min(next, job.ended + keepMs);
    }
    if (next === Infinity) return;
    this.#timer = setTimeout(() => this.#expectExpiry(), next - now + 1);
    this.#timer.unref();
  }

  #find(id: string): Job {
    const job = this.#jobs.get(id);
    if (job === undefined) {
      throw new ProblemError("not-found", "There is no such job, or it has been forgotten");
    }
    return job;
  }

  #describe(job: Job, base: string): JobStatus {
    const { id, state, stage, created, started, ended, steps, response, problem } = job;
    const time = (name: string, at: number | undefined) =>
      at === undefined ? {} : { [name]: new Date(at).toISOString() };
    return {
      id,
      status: state,
      stage,
      created: new Date(created).toISOString(),
      ...time("started", started),
      ...time("ended", ended),
      ...time("expires", ended === undefined ? undefined : ended + this.limits.keepMs),
      steps: [...steps].map(([name, at]) => ({ name, at })),
      ...(response ? { result: `${base}/${id}/result` } : {}),
      ...(problem ? { problem } : {}),
    };
  }

  async #changed(): Promise<void> {
    await new Promise<void>((resolve) => this.#onChange.push(resolve));
  }

  #notify(): void {
    this.#onChange.splice(0).forEach((resolve) => resolve());
  }
}

/** The preferences of a request that wants a job; `null` when it does not. */
function parsePrefer(header: string | undefined): { readonly wait: number } | null {
  const preferences = (header ?? "").split(/[,;]/).map((part) => part.trim().toLowerCase());
  if (!preferences.includes("respond-async")) return null;
  const wait = preferences.map((text) => /^wait\s*=\s*"?(\d{1,6})"?$/.exec(text)?.[1])
    .find((found) => found !== undefined);
  return { wait: Math.min(MAX_WAIT, Number(wait ?? 0)) };
}

/** The same request to the stage itself, which does not end with its connection. */
function forward(c: Context, stage: string): Request {
  const { method, headers, body } = c.req.raw;
  const { search } = new URL(c.req.url);
  return new Request(`http://localhost/${stage}${search}`, {
    method,
    headers,
    body,
    // Needed for bodies that arrive while they are read; not yet among the types.
    ...{ duplex: "half" },
  });
}

function problemOf({ status, body }: NonNullable<Job["response"]>): Problem {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return { ...makeProblem("internal-error"), status };
  }
}

function sizeOf({ response }: Job): number {
  return response?.body.byteLength ?? 0;
}

/** What a promise resolves with, or `null` if that takes longer. */
async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | null> {
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), milliseconds);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
