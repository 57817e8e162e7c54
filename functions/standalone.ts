/** Handlers deployed alone, each a module of its own for `deno serve`. */

import { Hono } from "hono";
import { createSilop, type Silop, type SilopOptions } from "../core/silop.ts";
import { healthRoutes } from "./health.ts";
import { notFound } from "./problem.ts";

/** What `deno serve` and most serverless platforms expect as a module's default export. */
export interface FetchHandler {
  fetch(request: Request): Response | Promise<Response>;
}

/**
 * Makes a handler of some routes and the health routes. The models are loaded at once when `eager`
 * (the module was started itself), else at the first request (it was imported for its routes).
 */
export function standalone(
  routes: (silop: Silop) => Hono,
  eager: boolean,
  options: SilopOptions = {},
): FetchHandler {
  let app: Hono | null = null;
  const open = (): Hono => {
    if (app === null) {
      const silop = createSilop({
        onFault: (message, error) => console.error(message, error),
        ...options,
      });
      app = new Hono().route("/", routes(silop)).route("/", healthRoutes(silop));
      app.notFound(notFound);
    }
    return app;
  };
  if (eager) open();
  return { fetch: (request) => open().fetch(request) };
}
