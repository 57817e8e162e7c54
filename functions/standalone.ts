/** Handlers deployed alone, each a module of its own for `deno serve`. */

import { createSilop, type Silop, type SilopOptions } from "../core/silop.ts";
import { createRoutes, type Routes } from "./contract/routes.ts";
import { docsRoutes } from "./docs.ts";
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
  routes: (silop: Silop) => Routes,
  eager: boolean,
  options: SilopOptions = {},
): FetchHandler {
  let app: Routes | null = null;
  const open = (): Routes => {
    if (app === null) {
      const silop = createSilop({
        onFault: (message, error) => console.error(message, error),
        ...options,
      });
      app = createRoutes().route("/", routes(silop)).route("/", healthRoutes(silop));
      app.route("/", docsRoutes(app));
      app.notFound(notFound);
    }
    return app;
  };
  if (eager) open();
  return { fetch: (request) => open().fetch(request) };
}
