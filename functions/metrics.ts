/**
 * Metrics in Prometheus's text format, in a registry of their own.
 *
 * Requests are counted by route, status and reason: why one that failed did so.
 */

import process from "node:process";
import type { Context, MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { DecodeError, LimitError, UnsupportedFormatError } from "../core/errors.ts";
import type { Silop } from "../core/silop.ts";
import type { Admission } from "./admission.ts";
import { addRoute, createRoutes, problems, type Routes } from "./contract/routes.ts";
import { JOB_STATES, type Jobs } from "./jobs.ts";
import { allowOnly, ProblemError, problemHandler, type ProblemKind } from "./problem.ts";
import type { RouteOptions } from "./stage.ts";

/** Why a request was not answered as it wished; `none`: it was. */
export type Reason =
  | "none"
  | "rejected"
  | "cancelled"
  | "timeout"
  | "decode"
  | "invalid"
  | "backend";

const REASONS: Readonly<Partial<Record<ProblemKind, Reason>>> = {
  "too-many-requests": "rejected",
  "rate-limited": "rejected",
  "overloaded": "rejected",
  "shutting-down": "rejected",
  "unauthorized": "rejected",
  "not-ready": "backend",
  "cancelled": "cancelled",
  "slow-request": "timeout",
  "deadline-exceeded": "timeout",
};

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Why a request failed, by what was thrown and what it was answered. */
export function reasonOf(error: unknown, status: number): Reason {
  if (status < 400) return "none";
  if (status === 499) return "cancelled";
  if (error instanceof ProblemError) return REASONS[error.kind] ?? "invalid";
  const unreadable = [DecodeError, LimitError, UnsupportedFormatError];
  if (unreadable.some((type) => error instanceof type)) return "decode";
  return status >= 500 ? "backend" : "invalid";
}

/** The route of a request as it was registered: `other` when there is none. */
export function routeOf(c: Context): string {
  const path = routePath(c, -1);
  return path.includes("*") ? "other" : path;
}

/** What there is to measure. */
export interface Measured {
  readonly silop: Silop;
  readonly admission: Admission;
  readonly jobs: Jobs;
}

/** Counts what a service does. */
export class Metrics {
  readonly registry: Registry = new Registry();
  readonly #requests: Counter;
  readonly #seconds: Histogram;
  readonly #steps: Histogram;
  readonly #waited: Histogram;

  constructor({ silop, admission, jobs }: Measured) {
    const registers = [this.registry];
    this.#requests = new Counter({
      name: "silop_requests_total",
      help: "Requests answered, and why they failed",
      labelNames: ["route", "method", "status", "reason"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "silop_request_seconds",
      help: "Time from a request's arrival to its answer",
      labelNames: ["route"],
      buckets: SECONDS,
      registers,
    });
    this.#steps = new Histogram({
      name: "silop_stage_seconds",
      help: "Time of the parts of a stage's work, as its Server-Timing tells",
      labelNames: ["stage", "step"],
      buckets: SECONDS,
      registers,
    });
    this.#waited = new Histogram({
      name: "silop_queue_wait_seconds",
      help: "Time requests have waited for a worker",
      buckets: SECONDS,
      registers,
    });
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    gauge("silop_queue_depth", "Requests that wait for a worker", () => admission.waiting);
    gauge("silop_requests_active", "Requests that have a place", () => admission.active);
    gauge("silop_workers", "Workers that take work", () => silop.state.working);
    gauge("silop_job_result_bytes", "Memory of the jobs' results", () => jobs.resultBytes);
    gauge("process_resident_memory_bytes", "Memory of the process", () => memory().rss);
    gauge("silop_heap_bytes", "JavaScript's heap of the main thread", () => memory().heapUsed);
    new Gauge({
      name: "silop_jobs",
      help: "Jobs by state",
      labelNames: ["state"],
      registers,
      collect() {
        for (const state of JOB_STATES) this.set({ state }, jobs.count(state));
      },
    });
    new Counter({
      name: "silop_worker_restarts_total",
      help: "Workers replaced",
      labelNames: ["reason"],
      registers,
      collect() {
        this.reset();
        for (const [reason, count] of Object.entries(silop.restarts)) this.inc({ reason }, count);
      },
    });
  }

  /** Notes how long a request has waited for a worker. */
  noteWait(milliseconds: number): void {
    this.#waited.observe(milliseconds / 1000);
  }

  /** Counts the requests that go through it. */
  readonly middleware: MiddlewareHandler = async (c, next) => {
    const start = performance.now();
    await next();
    const { status, headers } = c.res;
    const route = routeOf(c);
    const reason = reasonOf(c.error, status);
    this.#requests.inc({ route, method: c.req.method, status, reason });
    this.#seconds.observe({ route }, (performance.now() - start) / 1000);
    const stage = route.slice(route.lastIndexOf("/") + 1);
    for (const [step, milliseconds] of parseServerTiming(headers.get("Server-Timing"))) {
      this.#steps.observe({ stage, step }, milliseconds / 1000);
    }
  };
}

/** `GET /metrics`. */
export function metricsRoutes({ registry }: Metrics, options: RouteOptions = {}): Routes {
  const { logger = console } = options;
  const app = createRoutes();
  app.onError(problemHandler(logger));
  addRoute(app, {
    method: "get",
    path: "/metrics",
    operationId: "metrics",
    tags: ["service"],
    summary: "What has been done, for Prometheus",
    responses: {
      200: {
        description: "Metrics in Prometheus's text format",
        content: { "text/plain": { schema: { type: "string" } } },
      },
      ...problems(500),
    },
  }, async (c) =>
    c.body(await registry.metrics(), 200, {
      "Content-Type": registry.contentType,
      "Cache-Control": "no-store",
    }));
  app.all("/metrics", allowOnly("GET", "HEAD"));
  return app;
}

/** Names and milliseconds of the header `Server-Timing` as stages send it. */
function parseServerTiming(header: string | null): [name: string, milliseconds: number][] {
  const entries = (header ?? "").matchAll(/([\w-]+);dur=([\d.]+)/g);
  return [...entries].map(([, name, dur]) => [name!, Number(dur)]);
}

function memory(): { rss: number; heapUsed: number } {
  return process.memoryUsage();
}
