/** All handlers as one Hono app. */

import { createSilop, Silop, type SilopOptions } from "../core/silop.ts";
import { camRoutes } from "./cam.ts";
import { createRoutes, type Routes } from "./contract/routes.ts";
import { docsRoutes } from "./docs.ts";
import { healthRoutes } from "./health.ts";
import { allowOnly, type Logger, notFound, problemHandler } from "./problem.ts";
import { pageRoutes } from "./page.ts";
import { perimeterRoutes } from "./perimeter.ts";
import { refineRoutes } from "./refine.ts";
import { segmentRoutes } from "./segment.ts";

/** Options of {@linkcode createApp}. */
export interface AppOptions {
  /**
   * What does the work. Options make the app create its own, which {@linkcode App.close} ends; an
   * object given stays the caller's to close. Default: one with default options.
   */
  silop?: Silop | SilopOptions;
  /** Path before all routes. Default: none. */
  basePath?: string;
  /** Where faults are written. Default: `console`. */
  logger?: Logger;
}

/** A Hono app that may own workers. */
export type App = Routes & Disposable & {
  readonly silop: Silop;
  /** Ends the workers that the app has created. */
  close(): void;
};

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
  ["GET", "/health/live", "whether the process answers"],
  ["GET", "/health/ready", "whether the models are loaded"],
  ["GET", "/openapi.json", "all of this, described for programs"],
  ["GET", "/docs", "and for people"],
] as const;

/**
 * Creates the app: `POST /cam`, `POST /segment`, `POST /perimeter`, `POST /refine`, `GET /health/live`,
 * `GET /health/ready`, and at `GET /` the demo page for browsers, a list of
 * the routes for others.
 *
 * @example As a part of another app
 * ```ts
 * const vision = createApp();
 * const gateway = new Hono().route("/vision", vision);
 * // POST /vision/segment
 * ```
 */
export function createApp(options: AppOptions = {}): App {
  const { logger = console, basePath } = options;
  const given = options.silop instanceof Silop ? options.silop : null;
  const silop = given ?? createSilop({
    onFault: (message, error) => logger.error(message, error),
    ...options.silop as SilopOptions | undefined,
  });

  const app = basePath === undefined ? createRoutes() : createRoutes().basePath(basePath);
  app.onError(problemHandler(logger));
  app.notFound(notFound);
  app.route("/", pageRoutes(silop, { logger }));
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
  app.route("/", camRoutes(silop, { logger }));
  app.route("/", segmentRoutes(silop, { logger }));
  app.route("/", perimeterRoutes(silop, { logger }));
  app.route("/", refineRoutes(silop, { logger }));
  app.route("/", healthRoutes(silop, { logger }));
  app.route("/", docsRoutes(app, { logger }));

  const close = () => {
    if (given === null) silop.close();
  };
  return Object.assign(app, { silop, close, [Symbol.dispose]: close });
}
