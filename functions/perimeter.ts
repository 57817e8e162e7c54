/**
 * `POST /perimeter`: the regions of a photo, without classes, and the lines between them.
 *
 * Alone: `deno serve --allow-read --allow-ffi functions/perimeter.ts`.
 */

import type { Silop } from "../core/silop.ts";
import type { Routes } from "./contract/routes.ts";
import { type RouteOptions, stageRoutes } from "./stage.ts";
import { standalone } from "./standalone.ts";

/** The routes of the stage `perimeter`, to be mounted in a Hono app. */
export function perimeterRoutes(silop: Silop, options: RouteOptions = {}): Routes {
  return stageRoutes("perimeter", silop, options);
}

export default standalone(perimeterRoutes, import.meta.main);
