/** What stages write their results with. */

import type { Raster } from "../../core/raster.ts";
import type { StageModels, Writing } from "../../core/stages/stage.ts";

/** Nothing but the image: for files that tell no classes. */
export function writing<Options>(image: Raster): Writing<Options> {
  return {
    image,
    options: {} as Writing<Options>["options"],
    models: {} as StageModels,
    checkpoint: () => {},
  };
}
