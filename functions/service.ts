/**
 * What stands around the routes of a service: admission, jobs, metrics, logs, guards, and the way it
 * ends. Nothing of it is shared between two services.
 */

import type { Context, Hono, MiddlewareHandler } from "hono";
import { compress } from "hono/compress";
import { requestId } from "hono/request-id";
import type { Silop } from "../core/silop.ts";
import { Admission, type ServiceLimits } from "./admission.ts";
import type { Routes } from "./contract/routes.ts";
import { jobRoutes } from "./job_routes.ts";
import { type JobLimits, Jobs } from "./jobs.ts";
import { Metrics, metricsRoutes, reasonOf, routeOf } from "./metrics.ts";
import type { Logger } from "./problem.ts";
import { clientOf, createGuards, type Guards, type SecurityOptions } from "./security.ts";
import type { RouteOptions } from "./stage.ts";

/** Options of {@linkcode Service}. */
export interface ServiceOptions extends SecurityOptions {
  /** How many requests are taken, and how long each may wait and take. */
  limits?: Partial<ServiceLimits>;
  /** The same of jobs. */
  jobs?: Partial<JobLimits>;
  /** Where faults and requests are written. Default: faults go to `console`. */
  logger?: Logger;
}

/** Faults only. */
const CONSOLE: Logger = { error: (message, error) => console.error(message, error) };
/** How long results of jobs wait for whoever wants them when the service ends. */
const COLLECT_MS = 5000;
/** How long requests that have been aborted may take to be answered. */
const ABORT_MS = 1500;

/** One service: made by `createApp()`, or for a handler alone. */
export class Service {
  readonly silop: Silop;
  readonly logger: Logger;
  readonly admission: Admission;
  readonly jobs: Jobs;
  readonly metrics: Metrics;
  readonly #guards: Guards;
  readonly #trustProxy: boolean;
  #drained: Promise<boolean> | null = null;

  constructor(silop: Silop, options: ServiceOptions = {}) {
    const { limits, jobs, logger = CONSOLE, trustProxy = false, ...security } = options;
    this.silop = silop;
    this.logger = logger;
    this.#trustProxy = trustProxy;
    this.#guards = createGuards({ ...security, trustProxy });
    this.admission = new Admission(silop, {
      ...limits,
      onWaited: (milliseconds) => this.metrics.noteWait(milliseconds),
    });
    this.jobs = new Jobs(this.admission, jobs);
    const { admission } = this;
    this.metrics = new Metrics({ silop, admission, jobs: this.jobs });
  }

  /** What the routes need. */
  get routeOptions(): RouteOptions {
    return { logger: this.logger, admission: this.admission };
  }

  /** Mounts routes with everything around them; of paths not among them nothing is touched. */
  mount(app: Hono, routes: Hono): void {
    for (const path of new Set(routes.routes.map((route) => route.path))) {
      app.use(path, ...this.#middleware());
    }
    app.route("/", routes);
  }

  /** Mounts the routes of a stage, whose work is bounded and may become jobs. */
  mountStage(app: Hono, routes: Hono): void {
    for (const path of new Set(routes.routes.map((route) => route.path))) {
      const asJob = this.jobs.middleware(routes, path.slice(1));
      app.use(path, ...this.#middleware(), asJob, this.admission.middleware);
    }
    app.route("/", routes);
  }

  /** The routes of the service itself: jobs and metrics. */
  ownRoutes(): Routes[] {
    return [
      jobRoutes(this.jobs, this.routeOptions),
      metricsRoutes(this.metrics, this.routeOptions),
    ];
  }

  /**
   * Takes no more work and ends what is under way: requests are answered, jobs done and their results
   * fetched, or, after `timeoutMs`, given up with an answer that says so.
   *
   * @returns Whether everything was done in time.
   */
  drain(timeoutMs: number): Promise<boolean> {
    this.#drained ??= this.#drain(timeoutMs);
    return this.#drained;
  }

  /** Ends jobs and timers. */
  close(): void {
    this.admission.drain();
    this.admission.abort();
    this.jobs.close();
    this.#guards.close();
  }

  async #drain(timeoutMs: number): Promise<boolean> {
    const end = performance.now() + timeoutMs;
    const left = (most = Infinity) => Math.max(0, Math.min(most, end - performance.now()));
    this.admission.drain();
    const done = await before(
      Promise.all([this.admission.idle(), this.jobs.settled()]),
      left(),
    );
    if (!done) {
      this.admission.abort();
      await before(this.admission.idle(), ABORT_MS);
      return false;
    }
    await before(this.jobs.collected(), left(COLLECT_MS));
    return true;
  }

  #middleware(): MiddlewareHandler[] {
    return [
      requestId(),
      this.#log,
      this.metrics.middleware,
      compress(),
      ...this.#guards.middleware,
    ];
  }

  readonly #log: MiddlewareHandler = async (c, next) => {
    const start = performance.now();
    await next();
    c.res.headers.set("X-Request-Id", c.get("requestId"));
    this.logger.info?.("request", this.#describe(c, performance.now() - start));
  };

  #describe(c: Context, milliseconds: number): Record<string, unknown> {
    const { status } = c.res;
    const reason = reasonOf(c.error, status);
    return {
      id: c.get("requestId"),
      method: c.req.method,
      path: c.req.path,
      route: routeOf(c),
      status,
      ...(reason === "none" ? {} : { reason, problem: c.error?.message }),
      ms: Math.round(milliseconds * 10) / 10,
      client: clientOf(c, this.#trustProxy),
    };
  }
}

/** Whether a promise settles within some time. */
async function before(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), milliseconds);
  try {
    return await Promise.race([promise.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
