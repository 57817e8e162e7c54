/** The models that batch tasks run, looked up in the same way everywhere. */

import { type ChosenModels, ModelLibrary } from "../runtime/model_library.ts";
import type { BatchSurroundings } from "./task.ts";

/**
 * Looks up the models that the surroundings name, or the standard ones.
 *
 * @throws {ModelError} There is no such model.
 */
export async function chooseModels(
  { models, ...names }: Pick<
    BatchSurroundings,
    "models" | "camModel" | "affinityModel" | "segmentationModel"
  >,
): Promise<ChosenModels> {
  const library = await ModelLibrary.open(models.map((address) => new URL(address)));
  return library.choose(names);
}
