/**
 * A detector for CVAT, as its serverless functions are: `POST /` takes `{"image": base64, "threshold": 0.5}` and
 * answers a list of masks, one for each region.
 *
 * Alone: `deno serve --allow-read --allow-ffi functions/adapters/cvat.ts`. CVAT finds functions through
 * nuclio's API, of which the little that it uses is answered as well: started with
 * `CVAT_NUCLIO_HOST` and `CVAT_NUCLIO_PORT` naming this server, and `CVAT_NUCLIO_INVOKE_METHOD=dashboard`, it
 * needs no nuclio. Where there is one, `nuclio/function.yaml` is its configuration.
 */

import { Buffer } from "node:buffer";
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Silop } from "../../core/silop.ts";
import { colorOf, modelLegend } from "../../core/runtime/legend.ts";
import type { CamModelInfo } from "../../core/runtime/models.ts";
import { freeWork } from "../admission.ts";
import { addRoute, createRoutes, problems, type Routes } from "../contract/routes.ts";
import { queryOf, readParams } from "../params.ts";
import { allowOnly, badRequest, makeProblem, problemHandler, sendProblem } from "../problem.ts";
import { inPieces } from "../respond.ts";
import type { RouteOptions } from "../stage.ts";
import { standalone } from "../standalone.ts";
import { readBase64, readJson } from "./json_body.ts";

/** Name of the function in CVAT's lists and in `nuclio/function.yaml`. */
export const FUNCTION_NAME = "silop-segment";

/** What CVAT sends to a detector. */
const detectorRequest = z.object({
  image: z.string().min(1).openapi({ description: "An image file in base64" }),
  threshold: z.number().min(0).max(1).nullish()
    .openapi({ description: "Least score of a class. Default: the model's, per class" }),
}).openapi("CvatRequest");

const shape = z.object({
  confidence: z.string(),
  label: z.string(),
  type: z.literal("mask"),
  points: z.array(z.number()).openapi({ description: "Border of the region: x, y, x, y, …" }),
  mask: z.array(z.number()).openapi({
    description: "Its bounding box row by row, 0 and 1; then left, top, right, bottom, inclusive",
  }),
}).openapi("CvatShape");

/**
 * The detector's routes.
 *
 * @param options.path Where the detector is, its other routes below. Default: `/`.
 */
export function cvatRoutes(
  silop: Silop,
  options: RouteOptions & { path?: string } = {},
): Routes {
  const { logger = console, admission, path = "/" } = options;
  const below = (rest: string) => `${path === "/" ? "" : path}${rest}`;
  const app = createRoutes();
  app.onError(problemHandler(logger));

  const detect = async (c: Context): Promise<Response> => {
    const request = c.req.raw;
    const { format, options: named } = readParams(new URL(request.url).searchParams);
    if (format !== undefined) throw badRequest("CVAT is always answered in its own format");
    const work = admission?.workOf(request) ?? freeWork(request);
    const { maxBytes } = silop.limits;
    const { image, threshold } = await readJson(request, detectorRequest, maxBytes, work.signal);
    const bytes = readBase64(image, maxBytes, "The body's image");
    const run = await work.queue();
    const wanted = { ...named, minScore: threshold ?? 0 };
    const { files } = await silop.render("segment", bytes, wanted, ["cvat"], run);
    return new Response(inPieces(files.cvat! as Uint8Array<ArrayBuffer>), {
      headers: { "Content-Type": "application/json", "Cache-Control": "no-store" },
    });
  };
  addRoute(app, {
    method: "post",
    path,
    operationId: "cvat",
    tags: ["adapters"],
    summary: "Masks for CVAT",
    description: "The contract of CVAT's serverless detectors.",
    request: {
      query: queryOf("segment").omit({ format: true }),
      body: {
        required: true,
        // Read by the handler, which bounds it.
        content: { "application/json": { schema: detectorRequest } },
      },
    },
    responses: {
      200: {
        description: "Masks, one for each region",
        content: { "application/json": { schema: z.array(shape) } },
      },
      ...problems(400, 413, 415, 422, 429, 500, 503),
    },
  }, detect);

  // What CVAT asks nuclio.
  app.get(below("/api/functions"), async (c) => {
    return c.json({ [FUNCTION_NAME]: describeFunction((await silop.ready).camModel, c.req.url) });
  });
  app.get(below("/api/functions/:name"), async (c) => {
    if (c.req.param("name") !== FUNCTION_NAME) {
      return sendProblem(makeProblem("not-found", `There is no function ${c.req.param("name")}`));
    }
    return c.json(describeFunction((await silop.ready).camModel, c.req.url));
  });
  app.post(below("/api/function_invocations"), (c) => {
    const name = c.req.header("x-nuclio-function-name");
    if (name === FUNCTION_NAME) return detect(c);
    return sendProblem(
      makeProblem("not-found", `There is no function ${name ?? "without a name"}`),
    );
  });
  app.all(path, allowOnly("POST"));
  return app;
}

/** A function as nuclio describes it, as far as CVAT looks. */
function describeFunction(model: CamModelInfo, url: string): Record<string, unknown> {
  const { port, protocol } = new URL(url);
  const { names, palette } = modelLegend(model);
  // CVAT's labels have colours in this form, for who makes a project of these.
  const labels = names.map((name, i) => ({
    id: i + 1,
    name,
    color: `#${Buffer.from(colorOf(palette, i + 1)).toString("hex")}`,
    type: "mask",
  }));
  return {
    metadata: {
      name: FUNCTION_NAME,
      namespace: "nuclio",
      annotations: {
        name: "SILOP",
        type: "detector",
        framework: "onnx",
        spec: JSON.stringify(labels),
      },
    },
    spec: { description: "Segmentation learnt from image-level labels" },
    status: {
      state: "ready",
      httpPort: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port),
    },
  };
}

export default standalone(cvatRoutes, import.meta.main);
