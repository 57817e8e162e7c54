/** `GET /health/live` and `GET /health/ready`: for whoever starts, stops and sends requests here. */

import { Hono } from "hono";
import type { WorkerReady } from "../core/runtime/pool.ts";
import type { Silop } from "../core/silop.ts";
import { allowOnly, makeProblem, problemHandler, sendProblem } from "./problem.ts";
import type { RouteOptions } from "./stage.ts";

/**
 * The health routes. `live`: the process answers. `ready`: the models are loaded; until then, and for
 * good when that failed (the logger gets the reason), 503.
 */
export function healthRoutes(silop: Silop, options: RouteOptions = {}): Hono {
  const { logger = console } = options;
  let ready: WorkerReady | null = null;
  let failed = false;
  silop.ready.then((started) => {
    ready = started;
  }, (reason) => {
    failed = true;
    logger.error("The models could not be loaded", reason);
  });

  const app = new Hono();
  app.onError(problemHandler(logger));
  app.get("/health/live", (c) => c.json({ status: "live" }, 200, { "Cache-Control": "no-store" }));
  app.get("/health/ready", (c) => {
    if (ready === null) {
      const detail = failed ? "The models could not be loaded" : "The models are being loaded";
      return sendProblem(makeProblem("not-ready", detail));
    }
    const { device, camModel } = ready;
    return c.json({ status: "ready", device, model: camModel.file, ...silop.plan }, 200, {
      "Cache-Control": "no-store",
    });
  });
  for (const path of ["/health/live", "/health/ready"]) app.all(path, allowOnly("GET", "HEAD"));
  return app;
}
