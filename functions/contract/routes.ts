/** Descriptions of routes, and what they have in common. */

import { createRoute, OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import type { Context, Handler } from "hono";
import type { BlankEnv } from "hono/types";
import type { StageName } from "../../core/stages/render.ts";
import { queryOf } from "../params.ts";
import { mediaTypesOf, STAGE_FORMATS } from "../respond.ts";
import { cocoAnswer, geojsonAnswer, problemSchema, STAGE_ANSWERS } from "./answers.ts";

/** A Hono app whose routes are described; it can be mounted in any other. */
export type Routes = OpenAPIHono<BlankEnv>;

/** Makes an app without routes. */
export function createRoutes(): Routes {
  return new OpenAPIHono<BlankEnv>();
}

type Responses = RouteConfig["responses"];

const PROBLEM_TEXTS = {
  400: "The query, the body or the image cannot be read",
  404: "There is nothing at this path",
  406: "The header Accept, or it and the format named, leave nothing that can be sent",
  408: "The body did not arrive in time",
  409: "It is too late, or too early, for that",
  410: "It was there, and has expired",
  412: "The answer is the one that If-None-Match names",
  413: "Too many bytes or pixels",
  415: "The bytes are of a format that is not read",
  422: "A parameter is understood but cannot be served",
  429: "Too many requests are under way, or of this client; Retry-After tells when to come back",
  500: "A fault of this program",
  503: "The models are being loaded, or cannot be, or the request waited or took too long",
} as const;

/** Statuses that are answered with a problem document. */
export type ProblemStatus = keyof typeof PROBLEM_TEXTS;

/** The problem documents among a route's responses. */
export function problems(...statuses: readonly ProblemStatus[]): Responses {
  return Object.fromEntries(
    statuses.map((status) => [status, {
      description: PROBLEM_TEXTS[status],
      content: { "application/problem+json": { schema: problemSchema } },
    }]),
  );
}

/** Adds a route to an app, and its description to the app's OpenAPI document. */
export function addRoute(
  app: Routes,
  route: RouteConfig,
  handler: (c: Context) => Response | Promise<Response>,
): void {
  app.openAPIRegistry.registerPath(route);
  // Not app.openapi(): that would parse bodies before their size is known.
  app.on(
    route.method.toUpperCase(),
    createRoute(route as RouteConfig & { path: string }).getRoutingPath(),
    handler as Handler,
  );
}

const BINARY = { type: "string", format: "binary" } as const;
const IMAGE_TYPES = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/tiff"] as const;

/** The body of a stage's request: an image as it is, or as a field of a form. */
export const imageBody: NonNullable<NonNullable<RouteConfig["request"]>["body"]> = {
  description: "An image: its bytes tell what it is, whatever the Content-Type",
  required: true,
  content: {
    ...Object.fromEntries(IMAGE_TYPES.map((type) => [type, { schema: BINARY }])),
    "application/octet-stream": { schema: BINARY },
    "multipart/form-data": {
      schema: { type: "object", properties: { image: BINARY }, required: ["image"] },
    },
  },
};

const STAGE_TEXTS: Readonly<Record<StageName, readonly [summary: string, description: string]>> = {
  segment: [
    "One class per pixel",
    "JSON tells the classes found with their areas and boxes; png is the mask, its stored values the " +
    "classes' indices; overlay its colours over the photo; npz the mask as an array, in mode fast with " +
    "its classes' probabilities; coco a data set of one image with run lengths; geojson polygons with " +
    "holes, in pixels; scores a zip archive with a grey PNG of each class's probability in mode fast " +
    "and map in mode cam; mode pipeline has none.",
  ],
  cam: [
    "Class activation maps",
    "Where the classifier sees each class: JSON, the strongest map as a picture, heat over the photo, " +
    "all maps as arrays, or a zip archive with a grey PNG of each.",
  ],
  perimeter: [
    "Regions without classes and their perimeters",
    "A small network is trained on the photo itself, which takes seconds.",
  ],
  refine: [
    "Class activation maps refined by perimeters",
    "The whole chain from photo to mask, which takes seconds; pictures show the step that `result` " +
    "names, npz has all of them.",
  ],
};

function schemaOf(stage: StageName, mediaType: string) {
  if (mediaType === "application/geo+json") return geojsonAnswer;
  if (mediaType !== "application/json") return BINARY;
  const formats: readonly string[] = STAGE_FORMATS[stage];
  if (!formats.includes("coco")) return STAGE_ANSWERS[stage];
  return z.union([STAGE_ANSWERS[stage], cocoAnswer]);
}

const conditions = z.object({
  "If-None-Match": z.string().optional().openapi({
    description:
      "Entity tags of answers that are known: they are not made again, but answered with 412",
    example: 'W/"bm90IGEgcmVhbCB0YWc"',
  }),
});

/** The description of `POST /STAGE`. */
export function stageRoute(stage: StageName): RouteConfig {
  const [summary, description] = STAGE_TEXTS[stage];
  const content = Object.fromEntries(
    mediaTypesOf(stage).map((type) => [type, { schema: schemaOf(stage, type) }]),
  );
  return {
    method: "post",
    path: `/${stage}`,
    operationId: stage,
    tags: ["stages"],
    summary,
    description,
    request: { query: queryOf(stage), headers: conditions, body: imageBody },
    responses: {
      200: {
        description: "The result",
        headers: {
          ETag: {
            description:
              "Weak: names the image, the options, the form of the answer and the models",
            schema: { type: "string" },
          },
          "Server-Timing": {
            description: "Milliseconds spent in each part of the work",
            schema: { type: "string" },
          },
        },
        content,
      },
      202: {
        description: "With `Prefer: respond-async`: the work has become a job",
        headers: {
          Location: { description: "Path of the job", schema: { type: "string" } },
        },
      },
      ...problems(400, 406, 408, 412, 413, 415, 422, 429, 500, 503),
    },
  };
}
