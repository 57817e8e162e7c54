/**
 * `POST /cam`: class activation maps of a photo.
 *
 * Alone: `deno serve --allow-read --allow-ffi functions/cam.ts`.
 */

import type { Silop } from "../core/silop.ts";
import type { Routes } from "./contract/routes.ts";
import { type RouteOptions, stageRoutes } from "./stage.ts";
import { standalone } from "./standalone.ts";

/** The routes of the stage `cam`, to be mounted in a Hono app. */
export function camRoutes(silop: Silop, options: RouteOptions = {}): Routes {
  return stageRoutes("cam", silop, options);
}

export default standalone(camRoutes, import.meta.main);
