/** `GET /jobs/ID`, `GET /jobs/ID/result` and `DELETE /jobs/ID`. */

import { z } from "@hono/zod-openapi";
import { problemSchema } from "./contract/answers.ts";
import { addRoute, createRoutes, problems, type Routes } from "./contract/routes.ts";
import { JOB_STATES, type Jobs, type JobStatus } from "./jobs.ts";
import { allowOnly, problemHandler } from "./problem.ts";
import type { RouteOptions } from "./stage.ts";

const time = z.string().openapi({ format: "date-time" });

const jobAnswer = z.object({
  id: z.string().openapi({ format: "uuid" }),
  status: z.enum(JOB_STATES),
  stage: z.string(),
  created: time,
  started: time.optional(),
  ended: time.optional(),
  expires: time.optional().openapi({ description: "When the job will be forgotten" }),
  steps: z.array(z.object({
    name: z.string(),
    at: z.number().min(0).openapi({ description: "Milliseconds from the start of the work" }),
  })).openapi({ description: "Steps of the work done so far" }),
  result: z.string().optional().openapi({ description: "Path of the result" }),
  problem: problemSchema.optional().openapi({ description: "Why there is no result" }),
}).openapi("Job") satisfies z.ZodType<JobStatus>;

/** The routes of jobs, wherever they are mounted. */
export function jobRoutes(jobs: Jobs, options: RouteOptions = {}): Routes {
  const { logger = console } = options;
  const app = createRoutes();
  app.onError(problemHandler(logger));
  const request = { params: z.object({ id: z.string().openapi({ format: "uuid" }) }) };
  const noStore = { "Cache-Control": "no-store" };
  addRoute(app, {
    method: "get",
    path: "/jobs/{id}",
    operationId: "job",
    tags: ["jobs"],
    summary: "How a job is doing",
    description: "Jobs come from posting to a stage with the header `Prefer: respond-async`.",
    request,
    responses: {
      200: { description: "Its state", content: { "application/json": { schema: jobAnswer } } },
      ...problems(404, 500),
    },
  }, (c) => {
    const id = c.req.param("id")!;
    const base = c.req.path.slice(0, -(id.length + 1));
    return c.json(jobs.status(id, base), 200, noStore);
  });
  addRoute(app, {
    method: "get",
    path: "/jobs/{id}/result",
    operationId: "jobResult",
    tags: ["jobs"],
    summary: "What the request would have been answered without waiting",
    request,
    responses: {
      200: { description: "The result, of the form that was asked for" },
      ...problems(400, 404, 409, 413, 415, 422, 500, 503),
    },
  }, (c) => jobs.result(c.req.param("id")!));
  addRoute(app, {
    method: "delete",
    path: "/jobs/{id}",
    operationId: "endJob",
    tags: ["jobs"],
    summary: "Cancels a job, or forgets one that has ended",
    request,
    responses: {
      204: { description: "It is being cancelled, or forgotten" },
      ...problems(404, 500),
    },
  }, (c) => {
    jobs.remove(c.req.param("id")!);
    return c.body(null, 204);
  });
  app.all("/jobs/:id/result", allowOnly("GET", "HEAD"));
  app.all("/jobs/:id", allowOnly("GET", "HEAD", "DELETE"));
  return app;
}
