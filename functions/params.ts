/**
 * Query parameters of the stages.
 *
 * A parameter that is unknown, given twice or not of its type is a broken request (400); one that is
 * understood but out of range is left for the stage to refuse (422).
 */

import { z } from "zod";
import { parseList, parseNumber, parseNumbers } from "../core/parse.ts";
import {
  type Detector,
  DETECTORS,
  METHOD_CHOICES,
  type MethodChoice,
} from "../core/stages/perimeter_choices.ts";
import {
  FIT_RULES,
  type FitRule,
  REFINE_RESULTS,
  type RefineResult,
  SEGMENT_MODES,
  type SegmentMode,
} from "../core/stages/refine_choices.ts";
import { FILE_FORMATS } from "../core/stages/stage.ts";
import { badRequest } from "./problem.ts";

/** What a stage can answer. */
export const RESPONSE_FORMATS = ["json", ...FILE_FORMATS] as const;
export type ResponseFormat = typeof RESPONSE_FORMATS[number];

/** A parameter read by a function that throws `SyntaxError`. */
function read<T>(parse: (text: string) => T, description: string) {
  return z.string().transform((text, context) => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
      return z.NEVER;
    }
  }).optional().describe(description);
}

/** A parameter that is `true` or `false`. */
function flag(description: string) {
  return z.enum(["true", "false"]).transform((text) => text === "true").optional()
    .describe(description);
}

/** The query of every stage, so that one query can be sent to all of them. */
const stageQuery = z.strictObject({
  labels: read(parseList, "Classes known to be in the image, as cat,dog; empty: none"),
  scales: read(parseNumbers, "Scales at which the image is looked at, as 0.5,1,1.5"),
  mirror: flag("Whether the mirrored image is looked at as well"),
  "working-size": read(parseNumber, "Long side, in pixels, to which larger images are reduced"),
  threshold: read(parseNumber, "Map value, 0..1, from which a pixel is foreground; for masks"),
  "min-area": read(parseNumber, "Smallest region kept, as a share of the image; for masks"),
  method: z.enum(METHOD_CHOICES).optional()
    .describe("Superpixels by slic, quickshift or both, each with a result; for perimeters"),
  detector: z.enum(DETECTORS).optional()
    .describe("Exact boundary, canny on a picture of the regions, canny-photo; for perimeters"),
  reference: flag("Whether perimeters are those of the published code, by canny"),
  iterations: read(parseNumber, "Most iterations of the training on the image; for perimeters"),
  "min-labels": read(parseNumber, "Training ends with fewer labels than this; for perimeters"),
  seed: read(parseNumber, "Seed of the training's initial weights; for perimeters"),
  fit: z.enum(FIT_RULES).optional()
    .describe("How maps are fitted to perimeters; for refinement"),
  walk: flag("Whether fitted maps walk at random between perimeters; for refinement"),
  crf: flag("Whether a dense CRF revises the mask; for refinement"),
  result: z.enum(REFINE_RESULTS).optional()
    .describe("What the pictures of a refinement show"),
  mode: z.enum(SEGMENT_MODES).optional()
    .describe("cam: masks are cut from maps as they are; pipeline: from refined ones; for masks"),
  format: z.enum(RESPONSE_FORMATS).optional()
    .describe("What to answer; without it the header Accept decides"),
});

/** Options and format as a query names them. */
export interface StageParams {
  readonly format?: ResponseFormat;
  readonly options: {
    readonly labels?: readonly string[];
    readonly scales?: readonly number[];
    readonly mirror?: boolean;
    readonly workingSize?: number;
    readonly threshold?: number;
    readonly minArea?: number;
    readonly method?: MethodChoice;
    readonly detector?: Detector;
    readonly reference?: boolean;
    readonly iterations?: number;
    readonly minLabels?: number;
    readonly seed?: number;
    readonly fit?: FitRule;
    readonly walk?: boolean;
    readonly crf?: boolean;
    readonly result?: RefineResult;
    readonly mode?: SegmentMode;
  };
}

/** Lists may also be written by naming the parameter several times. */
const LISTS: readonly string[] = ["labels", "scales"];

/**
 * Reads a stage's query.
 *
 * @throws {HTTPException} of status 400.
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
  const {
    format,
    "working-size": workingSize,
    "min-area": minArea,
    "min-labels": minLabels,
    ...rest
  } = parsed.data;
  return { format, options: { ...rest, workingSize, minArea, minLabels } };
}
