/** What stages write their results with. */

import type { Raster } from "../../core/raster.ts";
import type { StageModels, Writing } from "../../core/stages/stage.ts";
import { createFakeClassifier } from "./fake_classifier.ts";

/** The image, and a classifier that tells which classes there are and their colours. */
export function writing<Options>(image: Raster): Writing<Options> {
  return {
    image,
    options: {} as Writing<Options>["options"],
    models: { classifier: createFakeClassifier() } as Partial<StageModels> as StageModels,
    checkpoint: () => {},
  };
}
