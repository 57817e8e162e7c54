/** Files of weights, whichever their format. */

import { isSafetensors, readSafetensors } from "./safetensors.ts";
import { readStateDict } from "./state_dict.ts";
import type { WeightTensor } from "./tensor.ts";

/**
 * The tensors of a file that PyTorch (`.pth`, `.pt`, `.bin`) or safetensors wrote, told apart by its bytes.
 * Most are views of `bytes`: keep the array unchanged as long as they are in use.
 *
 * @throws {UnsupportedFormatError} when it is neither. Errors of `readStateDict` and `readSafetensors` pass
 *   through.
 */
export function readWeights(bytes: Uint8Array): Map<string, WeightTensor> {
  return isSafetensors(bytes) ? readSafetensors(bytes).tensors : readStateDict(bytes);
}
