/** What the handlers of all stages have in common. */

import type { Silop } from "../core/silop.ts";
import type { StageName, StageResult } from "../core/stages/render.ts";
import { type Admission, freeWork } from "./admission.ts";
import { readImage } from "./body.ts";
import { addRoute, createRoutes, type Routes, stageRoute } from "./contract/routes.ts";
import { answerTag, isKnown } from "./entity_tag.ts";
import { readParams } from "./params.ts";
import { allowOnly, type Logger, ProblemError, problemHandler } from "./problem.ts";
import { chooseRepresentation, sendResult } from "./respond.ts";

/** Options of every handler. */
export interface RouteOptions {
  /** Where faults are written. Default: `console`. */
  logger?: Logger;
  /** What bounds the work. Default: nothing does. */
  admission?: Admission;
}

/**
 * `POST /STAGE`: the image in the body goes through the stage; the answer is JSON, a picture or arrays.
 * The request is checked from its cheapest part on: query, headers, body, the image's header.
 */
export function stageRoutes(
  stage: StageName,
  silop: Silop,
  options: RouteOptions = {},
): Routes {
  const { logger = console, admission } = options;
  const app = createRoutes();
  app.onError(problemHandler(logger));
  addRoute(app, stageRoute(stage), async (c) => {
    const request = c.req.raw;
    const { format, options: stageOptions } = readParams(new URL(request.url).searchParams);
    const representation = chooseRepresentation(stage, format, request.headers.get("Accept"));
    const work = admission?.workOf(request) ?? freeWork(request);
    const image = await readImage(request, silop.limits.maxBytes, work.signal);
    const start = performance.now();
    const tag = await answerTag(silop, image, stage, representation, stageOptions);
    // RFC 9110 has no 304 for POST.
    if (isKnown(c, tag, false)) {
      throw new ProblemError(
        "precondition-failed",
        "The answer is the one that If-None-Match names",
        {
          ETag: tag,
        },
      );
    }
    const files = representation.format === "json" ? [] : [representation.format];
    const run = await work.queue();
    const result: StageResult = await silop.render(stage, image, stageOptions, files, run);
    const response = sendResult(stage, result, representation, performance.now() - start);
    response.headers.set("ETag", tag);
    return response;
  });
  app.all(`/${stage}`, allowOnly("POST"));
  return app;
}
