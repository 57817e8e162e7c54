/**
 * `POST /segment`: one class per pixel of a photo.
 *
 * Alone: `deno serve --allow-read --allow-ffi functions/segment.ts`.
 */

import type { Silop } from "../core/silop.ts";
import type { Routes } from "./contract/routes.ts";
import { type RouteOptions, stageRoutes } from "./stage.ts";
import { standalone } from "./standalone.ts";

/** The routes of the stage `segment`, to be mounted in a Hono app. */
export function segmentRoutes(silop: Silop, options: RouteOptions = {}): Routes {
  return stageRoutes("segment", silop, options);
}

export default standalone(segmentRoutes, import.meta.main);
