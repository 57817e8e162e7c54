/**
 * Query parameters of the stages: described once, for reading them and for the OpenAPI document.
 *
 * A parameter that is unknown, given twice or not of its type is a broken request (400); one that is
 * understood but out of range is left for the stage to refuse (422).
 */

import { z } from "@hono/zod-openapi";
import { OptionError } from "../core/errors.ts";
import { parseList, parseNumber, parseNumbers } from "../core/parse.ts";
import { DETECTORS, METHOD_CHOICES } from "../core/stages/perimeter_choices.ts";
import {
  EDGE_KINDS,
  FIT_RULES,
  REFINE_RESULTS,
  SEGMENT_MODES,
} from "../core/stages/refine_choices.ts";
import type { StageName } from "../core/stages/render.ts";
import { USS_RANGES } from "../core/stages/uss_options.ts";
import { COLOUR_MAPS } from "../core/image/colour_maps.ts";
import { RLE_KINDS } from "../core/formats/coco.ts";
import { FILE_FORMATS, STAGE_FILES } from "../core/stages/file_formats.ts";
import { badRequest } from "./problem.ts";

/** What a stage can answer. */
export const RESPONSE_FORMATS = ["json", ...FILE_FORMATS] as const;
export type ResponseFormat = typeof RESPONSE_FORMATS[number];

/** A parameter read by a function that throws `SyntaxError`. */
function read<T>(parse: (text: string) => T) {
  return z.string().transform((text, context) => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
      return z.NEVER;
    }
  }).optional();
}

/** A number; its range is for the document, the stage is who refuses it. */
function number(
  description: string,
  range: { minimum?: number; maximum?: number; type?: "number" | "integer" } = {},
) {
  return read(parseNumber).openapi({ type: "number", ...range, description });
}

/** A list, as `a,b` or by naming the parameter several times. */
function list<T>(
  parse: (text: string) => T[],
  items: { type: "string" | "number"; minimum?: number; maximum?: number; pattern?: string },
  description: string,
  minItems = 0,
) {
  return read(parse).openapi({
    type: "array",
    items,
    minItems,
    description,
    param: { style: "form", explode: false },
  });
}

/** A parameter that is `true` or `false`. */
function flag(description: string) {
  return z.enum(["true", "false"]).transform((text) => text === "true").optional()
    .openapi({ type: "boolean", enum: undefined, description });
}

/** One of several words. */
function choice<const T extends readonly [string, ...string[]]>(words: T, description: string) {
  return z.enum(words).optional().openapi({ description });
}

/** The working size; how large it may be depends on what is done at it. */
function workingSize(maximum: number) {
  return number(
    "Long side, in pixels, to which larger images are reduced. Default: 512. For perimeters, refinement " +
      "and CRFs no more than 331776 pixels in all, as 768×432 or 576×576 are",
    { minimum: 16, maximum, type: "integer" },
  );
}

const FORMAT_TEXT = "What to answer; without it the header Accept decides";

/** The query of every stage, so that one query can be sent to all of them. */
export const stageQuery = z.strictObject({
  labels: list(
    parseList,
    // Neither empty nor with a comma.
    { type: "string", pattern: "^[^,]*[^,\\s][^,]*$" },
    "Classes known to be in the image, as cat,dog; empty: none. Default: those the classifier finds",
  ),
  scales: list(
    parseNumbers,
    { type: "number", minimum: 0.1, maximum: 4 },
    "Scales at which the image is looked at, as 0.5,1,1.5. Default: the model's",
    1,
  ),
  mirror: flag(
    "Whether the mirrored image is looked at as well. Default: true of maps, of mode fast the model's",
  ),
  "working-size": workingSize(2048),
  threshold: number("Map value above which a pixel is foreground; for masks", { minimum: 0 }),
  "min-area": number(
    "Regions of a smaller share of the image take their surroundings' class; for masks",
    { minimum: 0, maximum: 1 },
  ),
  method: choice(
    METHOD_CHOICES,
    "Superpixels by slic, quickshift or both, each with a result; for perimeters",
  ),
  detector: choice(
    DETECTORS,
    "Exact boundary, canny on a picture of the regions, canny-photo; for perimeters",
  ),
  reference: flag("Whether perimeters are those of the published code, by canny. Default: false"),
  iterations: number("Most iterations of the training on the image; for perimeters", {
    minimum: USS_RANGES.iterations[0],
    maximum: USS_RANGES.iterations[1],
    type: "integer",
  }),
  "min-labels": number("Training ends with fewer labels than this; for perimeters", {
    minimum: USS_RANGES.minLabels[0],
    maximum: USS_RANGES.minLabels[1],
    type: "integer",
  }),
  seed: number("Seed of the training's initial weights; for perimeters", {
    minimum: USS_RANGES.seed[0],
    maximum: USS_RANGES.seed[1],
    type: "integer",
  }),
  fit: choice(FIT_RULES, "How maps are fitted to perimeters; for refinement"),
  walk: flag(
    "Whether fitted maps walk at random between edges; for refinement. Default: where there is an AffinityNet",
  ),
  edge: choice(
    EDGE_KINDS,
    "Whose edges a walk respects: AffinityNet's (model) or perimeter. Default: model, where there is one",
  ),
  crf: flag("Whether a dense CRF revises the mask. Default: true of refinement, else the model's"),
  result: choice(REFINE_RESULTS, "What the pictures of a refinement show"),
  mode: choice(
    SEGMENT_MODES,
    "fast: by a segmentation network; cam: cut from maps as they are; pipeline: from refined maps. " +
      "Default: fast where there is such a network and no cam-model is named, else cam",
  ),
  "cam-model": z.string().optional().openapi({
    description: "Name of the CAM model to ask; the service tells which may be named",
  }),
  "affinity-model": z.string().optional().openapi({ description: "The same of the AffinityNet" }),
  "segmentation-model": z.string().optional().openapi({
    description: "The same of the segmentation network",
  }),
  colormap: choice(
    COLOUR_MAPS,
    "Colours of heat maps. Default: grey for png and scores, inferno for overlay",
  ),
  tolerance: number(
    "Pixels that polygons of geojson may be away from the mask's borders; 0: exact. Default: 1",
    { minimum: 0 },
  ),
  rle: choice(RLE_KINDS, "How coco writes run lengths. Default: compressed"),
  format: choice(RESPONSE_FORMATS, FORMAT_TEXT),
});

type StageQuery = z.output<typeof stageQuery>;
/** The name of a query parameter. */
export type ParamName = keyof StageQuery;

const CAM_PARAMS = ["labels", "scales", "mirror", "working-size"] as const;
const TRAINING_PARAMS = ["method", "detector", "iterations", "min-labels", "seed"] as const;
const MASK_PARAMS = ["threshold", "min-area"] as const;
const FILE_PARAMS = ["colormap", "tolerance", "rle"] as const;
const REFINE_PARAMS = [
  ...CAM_PARAMS,
  ...MASK_PARAMS,
  ...TRAINING_PARAMS,
  "fit",
  "walk",
  "edge",
  "crf",
  "cam-model",
  "affinity-model",
] as const;

/** The parameters that make a difference to each stage; the others are taken, and do nothing. */
export const STAGE_PARAMS: Readonly<Record<StageName, readonly ParamName[]>> = {
  cam: [...CAM_PARAMS, "cam-model", "colormap", "format"],
  segment: [...REFINE_PARAMS, "segmentation-model", "mode", ...FILE_PARAMS, "format"],
  perimeter: ["working-size", ...TRAINING_PARAMS, "reference", "format"],
  refine: [...REFINE_PARAMS, "result", ...FILE_PARAMS, "format"],
};

/** The stages that train a network on the photo, whatever the query says. */
const TRAINED: readonly StageName[] = ["perimeter", "refine"];

/** The part of the query that a stage looks at, for its description. */
export function queryOf(stage: StageName) {
  const picked = Object.fromEntries(STAGE_PARAMS[stage].map((name) => [name, true]));
  return stageQuery.pick(picked as Record<ParamName, true>).extend({
    "working-size": workingSize(TRAINED.includes(stage) ? 768 : 2048),
    format: choice(["json", ...STAGE_FILES[stage]], FORMAT_TEXT),
  });
}

/** The names of parameters as options have them. */
type CamelCase<Name extends string> = Name extends `${infer A}-${infer B}`
  ? `${A}${Capitalize<CamelCase<B>>}`
  : Name;
type CamelCaseKeys<T> = { readonly [K in keyof T as CamelCase<K & string>]: T[K] };

/** Options and format as a query names them. */
export interface StageParams {
  readonly format?: ResponseFormat;
  readonly options: CamelCaseKeys<Omit<StageQuery, "format">>;
}

/**
 * Parameters, with their ranges, that a stage does not look at in some of its modes: what is said of them
 * holds all the same.
 */
const WHOLE_NUMBERS = [
  ["iterations", USS_RANGES.iterations],
  ["min-labels", USS_RANGES.minLabels],
  ["seed", USS_RANGES.seed],
] as const;

/** Lists may also be written by naming the parameter several times. */
const LISTS: readonly string[] = ["labels", "scales"];

/**
 * Reads a stage's query.
 *
 * @throws {HTTPException} of status 400.
 * @throws {OptionError} A number is of its type, but never to be served.
 */
export function readParams(query: URLSearchParams): StageParams {
  const given = new Map<string, string>();
  for (const name of new Set(query.keys())) {
    if (!Object.hasOwn(stageQuery.shape, name)) {
      const known = Object.keys(stageQuery.shape).join(", ");
      throw badRequest(`Unknown query parameter "${name}"; there are ${known}`);
    }
    const values = query.getAll(name);
    if (values.length > 1 && !LISTS.includes(name)) {
      throw badRequest(`Query parameter "${name}" is given ${values.length} times`);
    }
    given.set(name, values.join(","));
  }
  const parsed = stageQuery.safeParse(Object.fromEntries(given));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw badRequest(`Query parameter "${issue!.path.join(".")}": ${issue!.message}`);
  }
  const { format, ...named } = parsed.data;
  for (const [name, [least, most]] of WHOLE_NUMBERS) {
    const value = named[name];
    if (value !== undefined && !(Number.isInteger(value) && value >= least && value <= most)) {
      throw new OptionError(`${name} must be a whole number in ${least}..${most}, got ${value}`);
    }
  }
  const options = Object.fromEntries(
    Object.entries(named).map(([name, value]) => [camelCase(name), value]),
  );
  return { format, options: options as StageParams["options"] };
}

function camelCase(name: string): string {
  return name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
