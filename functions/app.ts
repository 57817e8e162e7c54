/** All handlers as one Hono app. */

import { createSilop, Silop, type SilopOptions } from "../core/silop.ts";
import { cvatRoutes } from "./adapters/cvat.ts";
import { labelStudioRoutes } from "./adapters/label_studio.ts";
import type { LabelStudioServer } from "./adapters/task_images.ts";
import { camRoutes } from "./cam.ts";
import { createRoutes, type Routes } from "./contract/routes.ts";
import { docsRoutes } from "./docs.ts";
import { healthRoutes } from "./health.ts";
import { allowOnly, notFound, problemHandler } from "./problem.ts";
import { pageRoutes } from "./page.ts";
import { perimeterRoutes } from "./perimeter.ts";
import { refineRoutes } from "./refine.ts";
import { segmentRoutes } from "./segment.ts";
import { openToAll } from "./security.ts";
import { Service, type ServiceOptions } from "./service.ts";

/** Options of {@linkcode createApp}. */
export interface AppOptions extends ServiceOptions {
  /**
   * What does the work. Options make the app create its own, which {@linkcode App.close} ends; an
   * object given stays the caller's to close. Default: one with default options.
   */
  silop?: Silop | SilopOptions;
  /**
   * Folders of models for the `silop` that the app creates. Default: those that its options name, or else
   * the embedded ones.
   */
  models?: SilopOptions["models"];
  /** Path before all routes. Default: none. */
  basePath?: string;
  /**
   * The Label Studio server whose tasks' images may be fetched. Default: there is none, tasks must hold their
   * images themselves.
   */
  labelStudio?: LabelStudioServer;
}

/** A Hono app that may own workers. */
export type App = Routes & Disposable & {
  readonly silop: Silop;
  /**
   * Takes no more work, and resolves when what is under way has been answered, or given up after
   * `timeoutMs`; tells which. Default: 18 000.
   */
  drain(timeoutMs?: number): Promise<boolean>;
  /** Ends jobs, and the workers that the app has created. */
  close(): void;
};

/** Leaves some of the 20 s that services usually get to end. */
const DRAIN_MS = 18_000;

const ENDPOINTS = [
  ["POST", "/segment", "one class per pixel: JSON, mask, overlay or arrays"],
  ["POST", "/cam", "class activation maps: JSON, heat map, overlay or arrays"],
  [
    "POST",
    "/perimeter",
    "regions without classes and their perimeters: JSON, map, overlay or arrays",
  ],
  [
    "POST",
    "/refine",
    "class activation maps refined by perimeters: JSON, any step's picture, overlay or arrays",
  ],
  ["POST", "/cvat", "masks for CVAT, as its serverless detectors answer"],
  ["POST", "/label-studio/predict", "predictions for Label Studio"],
  ["GET", "/jobs/ID", "how a job is doing that was posted with Prefer: respond-async"],
  ["GET", "/metrics", "what has been done, for Prometheus"],
  ["GET", "/health/live", "whether the process answers"],
  ["GET", "/health/ready", "whether the models are loaded"],
  ["GET", "/openapi.json", "all of this, described for programs"],
  ["GET", "/docs", "and for people"],
] as const;

/**
 * Creates the app: `POST /cam`, `POST /segment`, `POST /perimeter`, `POST /refine`, `GET /health/live`,
 * `GET /health/ready`, `GET /metrics`, jobs, and at `GET /` the demo page for browsers, a list of
 * the routes for others.
 *
 * @throws {TypeError} There are `models` beside a `silop` that has its own already.
 *
 * @example As a part of another app
 * ```ts
 * const vision = createApp();
 * const gateway = new Hono().route("/vision", vision);
 * // POST /vision/segment
 * ```
 */
export function createApp(options: AppOptions = {}): App {
  const { silop: work, models, basePath, labelStudio, ...serviceOptions } = options;
  const given = work instanceof Silop ? work : null;
  if (given !== null && models !== undefined) {
    throw new TypeError(
      "Cannot take models: the silop given has its own, name them when creating it",
    );
  }
  const silop = given ?? createSilop({
    onFault: (message, error) => service.logger.error(message, error),
    ...work as SilopOptions | undefined,
    ...(models === undefined ? {} : { models }),
  });
  const service = new Service(silop, serviceOptions);
  const { logger, routeOptions } = service;

  const app = basePath === undefined ? createRoutes() : createRoutes().basePath(basePath);
  app.onError(problemHandler(logger));
  app.notFound(notFound);
  const page = pageRoutes(silop, routeOptions);
  openToAll(app, page);
  service.mount(app, page);
  app.get("/", (c) => {
    const base = c.req.path.replace(/\/+$/, "");
    const endpoints = ENDPOINTS.map(([method, path, what]) => ({
      method,
      path: base + path,
      what,
    }));
    return c.json({ name: "silop", endpoints });
  });
  app.all("/", allowOnly("GET", "HEAD"));
  service.mountStage(app, camRoutes(silop, routeOptions));
  service.mountStage(app, segmentRoutes(silop, routeOptions));
  service.mountStage(app, perimeterRoutes(silop, routeOptions));
  service.mountStage(app, refineRoutes(silop, routeOptions));
  service.mountStage(app, cvatRoutes(silop, { ...routeOptions, path: "/cvat" }));
  service.mountStage(
    app,
    labelStudioRoutes(silop, { ...routeOptions, path: "/label-studio", server: labelStudio }),
  );
  for (const routes of service.ownRoutes()) service.mount(app, routes);
  service.mount(app, healthRoutes(silop, routeOptions));
  service.mount(app, docsRoutes(app, { logger, secured: serviceOptions.auth !== undefined }));

  const drain = (timeoutMs = DRAIN_MS) => service.drain(timeoutMs);
  const close = () => {
    service.close();
    if (given === null) silop.close();
  };
  return Object.assign(app, { silop, drain, close, [Symbol.dispose]: close });
}
