/** Results as HTTP answers: which form is wanted, and how it is sent. */

import { HTTPException } from "hono/http-exception";
import { parseAccept } from "hono/utils/accept";
import { STAGE_FILES } from "../core/stages/file_formats.ts";
import type { StageName, StageResult } from "../core/stages/render.ts";
import type { ResponseFormat } from "./params.ts";

/** A form of answer and the media type it is sent as. */
export interface Representation {
  readonly format: ResponseFormat;
  readonly mediaType: string;
}

/** The media types of every form of answer, the first being the usual one, and its files' ending. */
const FORMATS: Readonly<
  Record<ResponseFormat, { mediaTypes: readonly [string, ...string[]]; ending: string }>
> = {
  json: { mediaTypes: ["application/json"], ending: ".json" },
  png: { mediaTypes: ["image/png"], ending: ".png" },
  overlay: { mediaTypes: ["image/png"], ending: ".overlay.png" },
  npz: { mediaTypes: ["application/x-npz", "application/octet-stream"], ending: ".npz" },
  coco: { mediaTypes: ["application/json"], ending: ".coco.json" },
  geojson: { mediaTypes: ["application/geo+json"], ending: ".geojson" },
  scores: { mediaTypes: ["application/zip"], ending: ".scores.zip" },
};

/** What the stages can answer. Of forms of the same media type `Accept` alone chooses the first. */
export const STAGE_FORMATS: Readonly<Record<StageName, readonly ResponseFormat[]>> = {
  cam: ["json", ...STAGE_FILES.cam],
  segment: ["json", ...STAGE_FILES.segment],
  perimeter: ["json", ...STAGE_FILES.perimeter],
  refine: ["json", ...STAGE_FILES.refine],
};

/** All media types a stage can answer with, the preferred one first. */
export function mediaTypesOf(stage: StageName): string[] {
  return [...new Set(STAGE_FORMATS[stage].flatMap((format) => FORMATS[format].mediaTypes))];
}

/**
 * Chooses the form of an answer: the format named in the query, else what `Accept` likes best (RFC
 * 9110, §12.5.1: of the ranges that match a media type the most specific one counts), else JSON.
 *
 * @throws {HTTPException} of status 400: the stage has no such format; of status 406: `Accept` leaves
 *   nothing that can be sent, or refuses the format that the query names.
 */
export function chooseRepresentation(
  stage: StageName,
  format: ResponseFormat | undefined,
  accept: string | null,
): Representation {
  const formats = STAGE_FORMATS[stage];
  if (format !== undefined && !formats.includes(format)) {
    throw new HTTPException(400, {
      message: `There is no format "${format}" of /${stage}; there are ${formats.join(", ")}`,
    });
  }
  const offered = (format === undefined ? formats : [format]).flatMap((each) =>
    FORMATS[each].mediaTypes.map((mediaType) => ({ format: each, mediaType }))
  );
  const ranges = parseAccept(accept ?? "*/*");
  if (ranges.length === 0) return offered[0]!;
  let best: Representation | null = null;
  let bestQuality = 0;
  for (const representation of offered) {
    const quality = qualityOf(representation.mediaType, ranges);
    if (quality > bestQuality) {
      best = representation;
      bestQuality = quality;
    }
  }
  if (best !== null) return best;
  const types = [...new Set(offered.map(({ mediaType }) => mediaType))].join(", ");
  const what = format === undefined ? "this can be sent" : `format=${format} can be sent as`;
  throw new HTTPException(406, { message: `Accept is "${accept}"; ${what}: ${types}` });
}

function qualityOf(mediaType: string, ranges: readonly { type: string; q: number }[]): number {
  const main = mediaType.slice(0, mediaType.indexOf("/"));
  for (const wanted of [mediaType, `${main}/*`, "*/*"]) {
    const range = ranges.find(({ type }) => type.toLowerCase() === wanted);
    if (range !== undefined) return range.q;
  }
  return 0;
}

/**
 * Sends a stage's result.
 *
 * @param taken Milliseconds from the image's arrival to the result, waiting for a worker included.
 */
export function sendResult(
  stage: StageName,
  { summary, files, timings }: StageResult,
  { format, mediaType }: Representation,
  taken: number,
): Response {
  const durations = Object.entries({ ...timings, total: taken })
    .map(([name, milliseconds]) => [name, Number(milliseconds.toFixed(2))] as const);
  const body = format === "json"
    ? new TextEncoder().encode(
      JSON.stringify({ stage, ...summary, timings: Object.fromEntries(durations) }),
    )
    : files[format]! as Uint8Array<ArrayBuffer>;
  return new Response(inPieces(body), {
    headers: {
      "Content-Type": mediaType,
      // Told, so that small answers are not compressed.
      "Content-Length": String(body.length),
      "Content-Disposition": `inline; filename="${stage}${FORMATS[format].ending}"`,
      "Cache-Control": "no-store",
      "Vary": "Accept",
      "X-Content-Type-Options": "nosniff",
      "Server-Timing": durations.map(([name, dur]) => `${name};dur=${dur}`).join(", "),
    },
  });
}

/** Bytes of an answer that may be compressed at once; more are handed out by the piece. */
const PIECE = 256 * 1024;

/**
 * A large body as a stream of pieces, so that compressing it leaves the thread that answers requests free
 * in between.
 */
export function inPieces(body: Uint8Array<ArrayBuffer>): BodyInit {
  if (body.length <= 2 * PIECE) return body;
  let at = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      // A turn of the event loop, not of the queue of promises.
      await new Promise((resolve) => setTimeout(resolve));
      controller.enqueue(body.subarray(at, at += PIECE));
      if (at >= body.length) controller.close();
    },
  });
}
