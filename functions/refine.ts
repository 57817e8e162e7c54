/**
 * `POST /refine`: the whole chain, from a photo to a mask that follows the perimeters of things, and what
 * every step of it found.
 *
 * Alone: `deno serve --allow-read --allow-ffi functions/refine.ts`.
 */

import type { Silop } from "../core/silop.ts";
import type { Routes } from "./contract/routes.ts";
import { type RouteOptions, stageRoutes } from "./stage.ts";
import { standalone } from "./standalone.ts";

/** The routes of the stage `refine`, to be mounted in a Hono app. */
export function refineRoutes(silop: Silop, options: RouteOptions = {}): Routes {
  return stageRoutes("refine", silop, options);
}

export default standalone(refineRoutes, import.meta.main);
