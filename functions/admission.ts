/**
 * Admission: how many requests are worked on or wait, how long each may wait and take, and that the work
 * of those that nobody waits for any more ends.
 *
 * A request has a place from its arrival on, so that bodies in memory are bounded as well: one for each
 * worker and {@linkcode ServiceLimits.maxQueue} more. When all are taken it is refused before its body is
 * read.
 */

import { clearTimeout, setTimeout } from "node:timers";
import type { MiddlewareHandler } from "hono";
import type { RunOptions } from "../core/runtime/worker_pool.ts";
import type { Silop } from "../core/silop.ts";
import { ProblemError } from "./problem.ts";

/** What a service may be asked for. */
export interface ServiceLimits {
  /** Requests that may wait for a worker. Default: 16. */
  readonly maxQueue: number;
  /** Milliseconds a request may wait for a worker. Default: 10 000. */
  readonly maxWaitMs: number;
  /** Milliseconds a request may take from its arrival on. Default: 30 000. */
  readonly deadlineMs: number;
}

/** See {@linkcode ServiceLimits}. */
export const DEFAULT_SERVICE_LIMITS: ServiceLimits = {
  maxQueue: 16,
  maxWaitMs: 10_000,
  deadlineMs: 30_000,
};

/** The work of one request, as its handler sees it. */
export interface Work {
  /** Aborts when the client has gone, when time is up, or the service ends. */
  readonly signal: AbortSignal;
  /**
   * To be called when the request has been read and found good: it waits for a worker from now on.
   * Resolves when it may be given to `Silop`.
   */
  queue(): Promise<RunOptions>;
}

/** Told of what becomes of requests, for metrics. */
export interface AdmissionObserver {
  /** A worker took a request that has waited this long. */
  onWaited?(milliseconds: number): void;
}

/** Options of {@linkcode Admission}. */
export interface AdmissionOptions extends Partial<ServiceLimits>, AdmissionObserver {}

/** The longest that clients are told to stay away, in seconds. */
const MAX_RETRY_AFTER = 60;
/** Share of the newest run in the mean time of runs. */
const SMOOTHING = 0.1;

/** Counts the requests to one `Silop`. */
export class Admission {
  readonly limits: ServiceLimits;
  readonly #silop: Silop;
  readonly #observer: AdmissionObserver;
  /** Work by the request as the server gave it. */
  readonly #work = new WeakMap<Request, Work>();
  readonly #under = new Set<AbortController>();
  /** Called when nothing is under way. */
  #onIdle: (() => void)[] = [];
  #waiting = 0;
  #draining = false;
  /** Mean milliseconds a worker is busy with a request. */
  #mean = 500;

  constructor(silop: Silop, options: AdmissionOptions = {}) {
    const { maxQueue, maxWaitMs, deadlineMs } = { ...DEFAULT_SERVICE_LIMITS, ...defined(options) };
    for (const [name, value] of Object.entries({ maxQueue, maxWaitMs, deadlineMs })) {
      if (!(value >= 0)) throw new RangeError(`${name} must not be below 0, got ${value}`);
    }
    this.#silop = silop;
    this.limits = { maxQueue, maxWaitMs, deadlineMs };
    this.#observer = options;
  }

  /** Requests that have a place. */
  get active(): number {
    return this.#under.size;
  }

  /** Requests that wait for a worker. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether no more requests are taken because the service ends. */
  get draining(): boolean {
    return this.#draining;
  }

  /** Refuses all requests from now on; those that have a place keep it. */
  drain(): void {
    this.#draining = true;
  }

  /** Resolves when no request has a place. */
  async idle(): Promise<void> {
    if (this.#under.size === 0) return;
    await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  /** Ends the work of all requests; they are answered that the service ends. */
  abort(): void {
    const reason = new ProblemError("shutting-down", "The service ends");
    for (const controller of this.#under) controller.abort(reason);
  }

  /**
   * The work of a request; of one that has not come through the middleware, work that ends only when the
   * client goes.
   */
  workOf(request: Request): Work {
    return this.#work.get(request) ?? freeWork(request);
  }

  /** Makes a request's work known to its handler. */
  assign(request: Request, work: Work): void {
    this.#work.set(request, work);
  }

  /** @throws {ProblemError} The service ends. */
  checkOpen(): void {
    if (this.#draining) {
      throw new ProblemError("shutting-down", "The service ends; ask another one", {
        "Retry-After": "1",
        "Connection": "close",
      });
    }
  }

  /** Seconds after which there may be room again. */
  retryAfter(): number {
    const { workers } = this.#silop.plan;
    const seconds = (this.#waiting + 1) * this.#mean / workers / 1000;
    return Math.min(MAX_RETRY_AFTER, Math.max(1, Math.ceil(seconds)));
  }

  /** Gives requests that post something a place, or refuses them. */
  readonly middleware: MiddlewareHandler = async (c, next) => {
    if (c.req.method !== "POST") return await next();
    this.checkOpen();
    const { maxQueue, deadlineMs } = this.limits;
    if (this.#under.size >= this.#silop.plan.workers + maxQueue) {
      throw new ProblemError("too-many-requests", `${this.#under.size} are under way`, {
        "Retry-After": String(this.retryAfter()),
      });
    }
    const request = c.req.raw;
    const controller = new AbortController();
    const onGone = () => controller.abort(reasonOfClient(request.signal));
    if (request.signal.aborted) onGone();
    request.signal.addEventListener("abort", onGone, { once: true });
    let read = false;
    let started: number | undefined;
    let leaveQueue = () => {};
    const deadline = setTimeout(() => {
      const seconds = `${deadlineMs / 1000} s`;
      controller.abort(
        read
          ? new ProblemError("deadline-exceeded", `The work took longer than ${seconds}`)
          : new ProblemError("slow-request", `The body did not arrive within ${seconds}`),
      );
    }, deadlineMs);
    this.#work.set(request, {
      signal: controller.signal,
      queue: () => {
        read = true;
        const { run, leave } = this.#queue(controller, () => started = performance.now());
        leaveQueue = leave;
        return Promise.resolve(run);
      },
    });
    this.#under.add(controller);
    try {
      await next();
    } finally {
      clearTimeout(deadline);
      leaveQueue();
      request.signal.removeEventListener("abort", onGone);
      if (started !== undefined && !controller.signal.aborted) {
        this.#mean += SMOOTHING * (performance.now() - started - this.#mean);
      }
      this.#under.delete(controller);
      if (this.#under.size === 0) this.#onIdle.splice(0).forEach((resolve) => resolve());
    }
  };

  /** Starts the wait for a worker. */
  #queue(
    controller: AbortController,
    onStart: () => void,
  ): { readonly run: RunOptions; readonly leave: () => void } {
    const { maxWaitMs } = this.limits;
    const since = performance.now();
    const { signal } = controller;
    let waiting = true;
    this.#waiting++;
    const leave = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", leave);
      if (waiting) this.#waiting--;
      waiting = false;
    };
    const timer = setTimeout(() => {
      controller.abort(
        new ProblemError("overloaded", `No worker was free within ${maxWaitMs / 1000} s`, {
          "Retry-After": String(this.retryAfter()),
        }),
      );
    }, maxWaitMs);
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    const run: RunOptions = {
      signal,
      onStart: () => {
        onStart();
        if (waiting) this.#observer.onWaited?.(performance.now() - since);
        leave();
      },
    };
    return { run, leave };
  }
}

/** Work that nobody has admitted. */
export function freeWork(request: Request): Work {
  const controller = new AbortController();
  const onGone = () => controller.abort(reasonOfClient(request.signal));
  if (request.signal.aborted) onGone();
  request.signal.addEventListener("abort", onGone, { once: true });
  const { signal } = controller;
  return { signal, queue: () => Promise.resolve({ signal }) };
}

/** Why a client's signal has aborted, as an error: some servers abort with a string, others with nothing. */
function reasonOfClient({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new ProblemError("cancelled", "The client went away");
}

function defined<T extends object>(options: T): Partial<T> {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<T>;
}
