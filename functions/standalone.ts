/** Handlers deployed alone, each a module of its own for `deno serve`. */

import { createSilop, type Silop, type SilopOptions } from "../core/silop.ts";
import { createRoutes, type Routes } from "./contract/routes.ts";
import { docsRoutes } from "./docs.ts";
import { healthRoutes } from "./health.ts";
import { notFound, problemHandler } from "./problem.ts";
import { Service, type ServiceOptions } from "./service.ts";
import type { RouteOptions } from "./stage.ts";

/** What `deno serve` and most serverless platforms expect as a module's default export. */
export interface FetchHandler {
  fetch(request: Request, connection?: unknown): Response | Promise<Response>;
}

/**
 * Makes a handler of a stage's routes, with the routes of health, metrics, jobs and the description. The
 * models are loaded at once when `eager` (the module was started itself), else at the first request (it
 * was imported for its routes).
 */
export function standalone(
  routes: (silop: Silop, options: RouteOptions) => Routes,
  eager: boolean,
  options: SilopOptions = {},
  serviceOptions: ServiceOptions = {},
): FetchHandler {
  let app: Routes | null = null;
  const open = (): Routes => {
    if (app === null) {
      const silop = createSilop({
        onFault: (message, error) => service.logger.error(message, error),
        ...options,
      });
      const service = new Service(silop, serviceOptions);
      const { routeOptions } = service;
      app = createRoutes();
      service.mountStage(app, routes(silop, routeOptions));
      for (const own of service.ownRoutes()) service.mount(app, own);
      service.mount(app, healthRoutes(silop, routeOptions));
      service.mount(
        app,
        docsRoutes(app, { ...routeOptions, secured: serviceOptions.auth !== undefined }),
      );
      app.onError(problemHandler(service.logger));
      app.notFound(notFound);
    }
    return app;
  };
  if (eager) open();
  return { fetch: (request, connection) => open().fetch(request, connection as object) };
}
