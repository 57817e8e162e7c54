/**
 * A machine learning backend for Label Studio: `POST /predict`, `POST /setup`, `POST /webhook`, `GET /health`.
 *
 * Alone, fetching images from one server:
 * `LABEL_STUDIO_URL=http://studio:8080 LABEL_STUDIO_API_KEY=… deno serve --allow-read --allow-ffi
 * --allow-net=studio:8080 --allow-env=LABEL_STUDIO_URL,LABEL_STUDIO_API_KEY functions/adapters/label_studio.ts`.
 * `label_studio/labeling_config.xml` is a configuration for projects.
 */

import process from "node:process";
import { z } from "@hono/zod-openapi";
import type { BrushStrokes } from "../../core/formats/mask_files.ts";
import type { MaskFeatures } from "../../core/formats/geojson.ts";
import type { Silop } from "../../core/silop.ts";
import type { StageOptions } from "../../core/stages/render.ts";
import { freeWork, type Work } from "../admission.ts";
import { addRoute, createRoutes, problems, type Routes } from "../contract/routes.ts";
import { allowOnly, describeError, makeProblem, problemHandler, sendProblem } from "../problem.ts";
import type { RouteOptions } from "../stage.ts";
import { standalone } from "../standalone.ts";
import { readJson } from "./json_body.ts";
import { type Control, findControl } from "./labeling_config.ts";
import { brushRegions, type Region, shapeRegions } from "./predictions.ts";
import { type LabelStudioServer, readTaskImage } from "./task_images.ts";

/** Options of {@linkcode labelStudioRoutes}. */
export interface LabelStudioOptions extends RouteOptions {
  /** Where images may be fetched from. Default: nowhere; tasks must hold them as `data:` addresses. */
  server?: LabelStudioServer;
  /** How tasks are segmented. Default: as `/segment` does. */
  segmenting?: StageOptions<"segment">;
  /** Path before the routes. Default: none. */
  path?: string;
}

/** Most tasks of one request. */
const MAX_TASKS = 64;

const predictRequest = z.object({
  tasks: z.array(z.object({
    id: z.union([z.int(), z.string()]).optional(),
    data: z.record(z.string(), z.unknown()),
  })).max(MAX_TASKS),
  label_config: z.string().openapi({
    description: "The project's labelling configuration, as XML",
  }),
}).openapi("LabelStudioPredict");

const setupRequest = z.object({
  schema: z.string().openapi({ description: "The project's labelling configuration, as XML" }),
}).openapi("LabelStudioSetup");

const region = z.object({
  id: z.string(),
  from_name: z.string(),
  to_name: z.string(),
  type: z.enum(["brushlabels", "polygonlabels", "rectanglelabels"]),
  original_width: z.int().positive(),
  original_height: z.int().positive(),
  image_rotation: z.literal(0),
  score: z.number().min(0).max(1),
  value: z.record(z.string(), z.unknown()),
}).openapi("LabelStudioRegion");

const prediction = z.object({
  model_version: z.string(),
  score: z.number().min(0).max(1),
  result: z.array(region),
  error: z.string().optional().openapi({ description: "Why there is nothing of this task" }),
}).openapi("LabelStudioPrediction");

const predictAnswer = z.object({ results: z.array(prediction), model_version: z.string() });

/** The backend's routes. */
export function labelStudioRoutes(silop: Silop, options: LabelStudioOptions = {}): Routes {
  const { logger = console, admission, path = "", server, segmenting = {} } = options;
  const app = createRoutes();
  app.onError(problemHandler(logger));
  const modelVersion = async () => (await silop.ready).camModel.file.replace(/\.onnx$/, "");

  /** What is found in one task's image. */
  const predict = async (address: unknown, control: Control, work: Work): Promise<Region[]> => {
    const { maxBytes } = silop.limits;
    const image = await readTaskImage(address, { server, maxBytes, signal: work.signal });
    const run = await work.queue();
    const file = control.tag === "BrushLabels" ? "brush" : "geojson";
    const { files, summary } = await silop.render("segment", image, segmenting, [file], run);
    const found = JSON.parse(new TextDecoder().decode(files[file]));
    return file === "brush"
      ? brushRegions(control, found as BrushStrokes)
      : shapeRegions(control, found as MaskFeatures, summary.width, summary.height);
  };

  addRoute(app, {
    method: "post",
    path: `${path}/predict`,
    operationId: "labelStudioPredict",
    tags: ["adapters"],
    summary: "Predictions for Label Studio",
    request: { body: bodyOf(predictRequest) },
    responses: {
      200: {
        description: "A prediction for each task, in order",
        content: { "application/json": { schema: predictAnswer } },
      },
      ...problems(400, 413, 415, 422, 429, 500, 503),
    },
  }, async (c) => {
    const request = c.req.raw;
    const work = admission?.workOf(request) ?? freeWork(request);
    const { maxBytes } = silop.limits;
    const { tasks, label_config } = await readJson(request, predictRequest, maxBytes, work.signal);
    const control = findControl(label_config);
    const version = await modelVersion();
    const results: z.output<typeof prediction>[] = [];
    for (const { data } of tasks) {
      try {
        const result = await predict(data[control.imageKey], control, work);
        results.push({ model_version: version, score: meanScore(result), result });
      } catch (error) {
        const { status, detail, title } = describeError(error);
        // One bad image among many leaves the others their predictions.
        if (tasks.length === 1 || status >= 500 || work.signal.aborted) throw error;
        results.push({ model_version: version, score: 0, result: [], error: detail ?? title });
      }
    }
    return c.json({ results, model_version: version }, 200, { "Cache-Control": "no-store" });
  });

  addRoute(app, {
    method: "post",
    path: `${path}/setup`,
    operationId: "labelStudioSetup",
    tags: ["adapters"],
    summary: "Whether a labelling configuration can be served",
    request: { body: bodyOf(setupRequest) },
    responses: {
      200: {
        description: "It can be",
        content: { "application/json": { schema: z.object({ model_version: z.string() }) } },
      },
      ...problems(400, 413, 422, 500, 503),
    },
  }, async (c) => {
    // The host and token that come with it are not used: requests do not say where to fetch from.
    const { schema } = await readJson(c.req.raw, setupRequest, 0, c.req.raw.signal);
    findControl(schema);
    return c.json({ model_version: await modelVersion() });
  });

  addRoute(app, {
    method: "post",
    path: `${path}/webhook`,
    operationId: "labelStudioWebhook",
    tags: ["adapters"],
    summary: "Told of annotations, from which nothing is learnt",
    request: { body: bodyOf(z.object({ action: z.string() })) },
    responses: {
      200: {
        description: "It was heard",
        content: { "application/json": { schema: z.object({ status: z.literal("ignored") }) } },
      },
      ...problems(400, 413, 500),
    },
  }, async (c) => {
    await readJson(c.req.raw, z.object({ action: z.string() }), 0, c.req.raw.signal);
    return c.json({ status: "ignored" });
  });

  addRoute(app, {
    method: "get",
    path: `${path}/health`,
    operationId: "labelStudioHealth",
    tags: ["adapters"],
    summary: "Whether Label Studio may ask",
    responses: {
      200: {
        description: "It may",
        content: {
          "application/json": {
            schema: z.object({ status: z.literal("UP"), model_class: z.string() }),
          },
        },
      },
      ...problems(500, 503),
    },
  }, (c) => {
    const { working, ended } = silop.state;
    if (ended !== null || working === 0) {
      return sendProblem(makeProblem("not-ready", "No worker is ready"));
    }
    return c.json({ status: "UP", model_class: "silop" }, 200, { "Cache-Control": "no-store" });
  });

  for (const name of ["predict", "setup", "webhook"]) app.all(`${path}/${name}`, allowOnly("POST"));
  app.all(`${path}/health`, allowOnly("GET", "HEAD"));
  return app;
}

function bodyOf(schema: z.ZodType) {
  return { required: true, content: { "application/json": { schema } } };
}

function meanScore(regions: readonly Region[]): number {
  return regions.reduce((sum, { score }) => sum + score, 0) / Math.max(1, regions.length);
}

/** The server that the environment names, where it may be read. */
function serverFromEnvironment(): LabelStudioServer | undefined {
  const read = (variable: string): string | undefined => {
    const asks = typeof Deno !== "undefined" &&
      Deno.permissions.querySync({ name: "env", variable }).state === "prompt";
    if (asks) return undefined;
    return process.env[variable];
  };
  const url = read("LABEL_STUDIO_URL");
  return url === undefined ? undefined : { url, token: read("LABEL_STUDIO_API_KEY") };
}

export default standalone(
  (silop) => labelStudioRoutes(silop, { server: serverFromEnvironment() }),
  import.meta.main,
);
