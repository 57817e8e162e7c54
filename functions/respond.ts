/** Results as HTTP answers: which form is wanted, and how it is sent. */

import { HTTPException } from "hono/http-exception";
import { parseAccept } from "hono/utils/accept";
import type { StageName, StageResult } from "../core/stages/render.ts";
import type { ResponseFormat } from "./params.ts";

/** A form of answer and the media type it is sent as. */
export interface Representation {
  readonly format: ResponseFormat;
  readonly mediaType: string;
}

/** What the header `Accept` can choose, the first being preferred. */
const REPRESENTATIONS: readonly Representation[] = [
  { format: "json", mediaType: "application/json" },
  { format: "png", mediaType: "image/png" },
  { format: "npz", mediaType: "application/x-npz" },
  { format: "npz", mediaType: "application/octet-stream" },
];

const MEDIA_TYPES: Record<ResponseFormat, string> = {
  json: "application/json",
  png: "image/png",
  overlay: "image/png",
  npz: "application/x-npz",
};

const FILE_ENDINGS: Record<ResponseFormat, string> = {
  json: ".json",
  png: ".png",
  overlay: ".overlay.png",
  npz: ".npz",
};

/**
 * Chooses the form of an answer: the format named in the query, else what `Accept` likes best (RFC
 * 9110, §12.5.1: of the ranges that match a media type the most specific one counts), else JSON.
 *
 * @throws {HTTPException} of status 406.
 */
export function chooseRepresentation(
  format: ResponseFormat | undefined,
  accept: string | null,
): Representation {
  if (format !== undefined) return { format, mediaType: MEDIA_TYPES[format] };
  const ranges = parseAccept(accept ?? "*/*");
  if (ranges.length === 0) return REPRESENTATIONS[0]!;
  let best: Representation | null = null;
  let bestQuality = 0;
  for (const representation of REPRESENTATIONS) {
    const quality = qualityOf(representation.mediaType, ranges);
    if (quality > bestQuality) {
      best = representation;
      bestQuality = quality;
    }
  }
  if (best !== null) return best;
  const offered = REPRESENTATIONS.map(({ mediaType }) => mediaType).join(", ");
  throw new HTTPException(406, {
    message: `Accept is "${accept}"; this can be sent: ${offered}`,
  });
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
    ? JSON.stringify({ stage, ...summary, timings: Object.fromEntries(durations) })
    : files[format]! as Uint8Array<ArrayBuffer>;
  return new Response(body, {
    headers: {
      "Content-Type": mediaType,
      "Content-Disposition": `inline; filename="${stage}${FILE_ENDINGS[format]}"`,
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
      "Server-Timing": durations.map(([name, dur]) => `${name};dur=${dur}`).join(", "),
    },
  });
}
