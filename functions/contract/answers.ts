/** What answers look like, as zod schemas for the OpenAPI document. */

import { z } from "@hono/zod-openapi";
import type { CocoDataset } from "../../core/formats/coco.ts";
import type { MaskFeatures } from "../../core/formats/geojson.ts";
import { MODEL_TASKS } from "../../core/runtime/models.ts";
import type { CamSummary } from "../../core/stages/cam_stage.ts";
import type { PerimeterSummary } from "../../core/stages/perimeter_stage.ts";
import type { RefineSummary } from "../../core/stages/refine_stage.ts";
import type { StageName } from "../../core/stages/render.ts";
import type { SegmentSummary } from "../../core/stages/segment_stage.ts";
import { EDGE_KINDS, FIT_RULES, SEGMENT_MODES } from "../../core/stages/refine_choices.ts";
import { PERIMETER_METHODS } from "../../core/stages/perimeter_choices.ts";
import type { Problem } from "../problem.ts";

const share = z.number().min(0).max(1);
const size = z.int().positive();
const count = z.int().min(0);

/** A problem document (RFC 9457). */
export const problemSchema = z.object({
  type: z.string().openapi({
    format: "uri",
    description: "Tells the kinds of problem apart",
    example: "urn:problem-type:silop:image-too-large",
  }),
  title: z.string().openapi({ description: "The kind in words" }),
  status: z.int().min(400).max(599),
  detail: z.string().optional().openapi({ description: "What is wrong this time" }),
}).openapi("Problem") satisfies z.ZodType<Problem>;

const timings = z.record(z.string(), z.number().min(0)).openapi({
  description: "Milliseconds spent in each part of the work; `total` has the waiting as well",
  example: { decode: 6.1, compute: 120.5, encode: 0, total: 128.3 },
});

const integers = (length: number) => ({
  type: "array" as const,
  items: { type: "integer" as const, minimum: 0 },
  minItems: length,
  maxItems: length,
});

const level = z.int().min(0).max(255);
const color = z.tuple([level, level, level]).openapi({
  ...integers(3),
  items: { type: "integer", minimum: 0, maximum: 255 },
  description: "[red, green, blue] in pictures of masks",
  example: [64, 0, 0],
});

const classScore = z.object({
  name: z.string(),
  index: z.int().min(1).max(254).openapi({ description: "Its value in masks" }),
  color,
  score: share.openapi({ description: "The classifier's sigmoid score" }),
}).openapi("ClassScore");

const segmentedClass = classScore.extend({
  pixels: count,
  area: share.openapi({ description: "Share of the image" }),
  box: z.tuple([count, count, count, count]).nullable().openapi({
    type: ["array", "null"],
    items: { type: "integer", minimum: 0 },
    minItems: 4,
    maxItems: 4,
    description:
      "[left, top, right, bottom] in pixels, the last two exclusive; null without pixels",
  }),
}).openapi("SegmentedClass");

const sizes = {
  width: size.openapi({ description: "Of the image, upright" }),
  height: size,
  workingWidth: size.openapi({ description: "Of the maps, which is reduced for large images" }),
  workingHeight: size,
};

const seen = {
  ...sizes,
  scales: z.array(z.number()),
  scores: z.record(z.string(), share).openapi({
    description:
      "Of every class the model knows the sigmoid score; of masks in mode fast the highest " +
      "probability anywhere",
  }),
};

const branch = z.object({
  method: z.enum(PERIMETER_METHODS),
  superpixels: count,
  iterations: count,
  labels: count.openapi({ description: "Different labels that are left" }),
  regions: count.openapi({ description: "4-connected regions of equal labels" }),
  perimeter: share.openapi({ description: "Share of the image that is perimeter" }),
}).openapi("PerimeterResult");

const camAnswer = z.object({
  stage: z.literal("cam"),
  ...seen,
  classes: z.array(classScore),
  timings,
}).openapi("CamAnswer");

const segmentAnswer = z.object({
  stage: z.literal("segment"),
  mode: z.enum(SEGMENT_MODES),
  ...seen,
  classes: z.array(segmentedClass),
  timings,
}).openapi("SegmentAnswer");

const perimeterAnswer = z.object({
  stage: z.literal("perimeter"),
  ...sizes,
  detector: z.string(),
  results: z.array(branch),
  timings,
}).openapi("PerimeterAnswer");

const refineAnswer = z.object({
  stage: z.literal("refine"),
  ...seen,
  classes: z.array(segmentedClass),
  fit: z.enum(FIT_RULES),
  walk: z.boolean(),
  edge: z.enum(EDGE_KINDS).optional().openapi({
    description: "Whose edges the walk respected, if there was one",
  }),
  crf: z.boolean(),
  threshold: z.number(),
  detector: z.string(),
  perimeters: z.array(branch),
  timings,
}).openapi("RefineAnswer");

const cocoAnnotation = z.object({
  id: count,
  image_id: count,
  category_id: count,
  segmentation: z.object({
    size: z.tuple([size, size]).openapi({ ...integers(2), description: "[height, width]" }),
    counts: z.union([z.string(), z.array(count)]),
  }),
  area: count,
  bbox: z.tuple([count, count, count, count]).openapi({
    ...integers(4),
    description: "[left, top, width, height]",
  }),
  iscrowd: z.literal(0),
  score: share,
}).openapi("CocoAnnotation");

/** The answer in the format `coco`. */
export const cocoAnswer = z.object({
  images: z.array(z.object({ id: count, width: size, height: size, file_name: z.string() })),
  annotations: z.array(cocoAnnotation),
  categories: z.array(z.object({ id: count, name: z.string(), color })),
}).openapi("CocoDataset");

const feature = z.object({
  type: z.literal("Feature"),
  id: count,
  bbox: z.tuple([count, count, count, count]).openapi(integers(4)),
  properties: segmentedClass,
  geometry: z.object({
    type: z.literal("MultiPolygon"),
    coordinates: z.array(z.array(z.array(z.tuple([count, count]).openapi(integers(2))))).openapi({
      description:
        "Pixels from the image's top left corner; for each region its border, then holes",
    }),
  }),
}).openapi("MaskFeature");

/** The answer in the format `geojson`. */
export const geojsonAnswer = z.object({
  type: z.literal("FeatureCollection"),
  features: z.array(feature),
}).openapi("MaskFeatures");

/** JSON answers by stage. */
export const STAGE_ANSWERS = {
  cam: camAnswer,
  segment: segmentAnswer,
  perimeter: perimeterAnswer,
  refine: refineAnswer,
} as const satisfies Record<StageName, z.ZodObject>;

// The compiler compares the summaries with what is said of them here.
type Told<S extends StageName> = Omit<z.output<typeof STAGE_ANSWERS[S]>, "stage" | "timings">;
type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;
type Agrees<Summary, Schema> = Summary extends Frozen<Schema> ? true : never;
export const SUMMARIES_AGREE: readonly [
  Agrees<CamSummary, Told<"cam">>,
  Agrees<SegmentSummary, Told<"segment">>,
  Agrees<PerimeterSummary, Told<"perimeter">>,
  Agrees<RefineSummary, Told<"refine">>,
  Agrees<CocoDataset, z.output<typeof cocoAnswer>>,
  Agrees<MaskFeatures, z.output<typeof geojsonAnswer>>,
] = [true, true, true, true, true, true];

/** Answer of `GET /health/live`. */
export const liveAnswer = z.object({ status: z.literal("live") }).openapi("Live");

/** Answer of `GET /health/ready`. */
export const readyAnswer = z.object({
  status: z.literal("ready"),
  device: z.string().openapi({ example: "cpu" }),
  model: z.string().openapi({ description: "File of the CAM model" }),
  models: z.partialRecord(z.enum(MODEL_TASKS), z.string()).openapi({
    description: "Names of the models asked unless a request names others, by task",
  }),
  workers: z.int().positive(),
  threads: z.int().positive(),
}).openapi("Ready");
