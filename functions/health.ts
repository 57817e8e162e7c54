/** `GET /health/live` and `GET /health/ready`: for whoever starts, stops and sends requests here. */

import type { WorkerReady } from "../core/runtime/stage_pool.ts";
import type { Silop } from "../core/silop.ts";
import { liveAnswer, readyAnswer } from "./contract/answers.ts";
import { addRoute, createRoutes, problems, type Routes } from "./contract/routes.ts";
import { allowOnly, makeProblem, problemHandler, sendProblem } from "./problem.ts";
import type { RouteOptions } from "./stage.ts";

/**
 * The health routes. `live`: the process answers. `ready`: images are taken, with how many workers; 503
 * while the models are being loaded, or the only worker replaced, and for good when that failed (the
 * logger gets the reason) or the service ends.
 */
export function healthRoutes(silop: Silop, options: RouteOptions = {}): Routes {
  const { logger = console, admission } = options;
  let ready: WorkerReady | null = null;
  silop.ready.then((started) => {
    ready = started;
  }, (reason) => logger.error("The models could not be loaded", reason));

  const app = createRoutes();
  app.onError(problemHandler(logger));
  addRoute(app, {
    method: "get",
    path: "/health/live",
    operationId: "live",
    tags: ["service"],
    summary: "Whether the process answers",
    responses: {
      200: { description: "It does", content: { "application/json": { schema: liveAnswer } } },
      ...problems(500),
    },
  }, (c) => c.json({ status: "live" }, 200, { "Cache-Control": "no-store" }));
  addRoute(app, {
    method: "get",
    path: "/health/ready",
    operationId: "ready",
    tags: ["service"],
    summary: "Whether images are taken",
    responses: {
      200: { description: "They are", content: { "application/json": { schema: readyAnswer } } },
      ...problems(500, 503),
    },
  }, (c) => {
    if (admission?.draining) {
      return sendProblem(makeProblem("shutting-down", "The service takes no more work"));
    }
    const { working, ended } = silop.state;
    if (ended !== null) {
      const detail = ready === null ? "The models could not be loaded" : "No worker is left";
      return sendProblem(makeProblem("not-ready", detail));
    }
    if (ready === null || working === 0) {
      return sendProblem(makeProblem("not-ready", "The models are being loaded"));
    }
    const { device, camModel, names: models } = ready;
    const { threads } = silop.plan;
    return c.json(
      { status: "ready", device, model: camModel.file, models, workers: working, threads },
      200,
      {
        "Cache-Control": "no-store",
      },
    );
  });
  for (const path of ["/health/live", "/health/ready"]) app.all(path, allowOnly("GET", "HEAD"));
  return app;
}
