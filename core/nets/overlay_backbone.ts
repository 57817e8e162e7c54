/** Backbones that are partly another network's. */

import { ModelError } from "../errors.ts";
import { shapeText } from "../onnx/shape.ts";
import type { StateDict } from "../weights/state_dict.ts";
import { BACKBONE_PREFIX } from "./cam_classifier.ts";

/**
 * A backbone's weights with those in their place that a network has of the same backbone. Layers the network
 * does without, such as the widening one before ImageNet's classifier, stay as they are.
 *
 * @param backbone Names as ImageNet checkpoints have them.
 * @param network See `recognizeNetwork`: of a whole network or of a backbone alone.
 * @throws {ModelError} A tensor has another shape in the network, or no tensor is the backbone's.
 */
export function overlayBackbone(backbone: StateDict, network: StateDict): StateDict {
  const result = new Map(backbone);
  let taken = 0;
  for (const [name, tensor] of network) {
    const own = name.startsWith(BACKBONE_PREFIX) ? name.slice(BACKBONE_PREFIX.length) : name;
    const old = backbone.get(own);
    if (old === undefined) continue;
    if (shapeText(old.shape) !== shapeText(tensor.shape)) {
      throw new ModelError(
        `Cannot take the backbone's weights: ${name} is ${shapeText(tensor.shape)}, ` +
          `not ${shapeText(old.shape)}`,
      );
    }
    result.set(own, tensor);
    taken++;
  }
  if (taken === 0) throw new ModelError("Cannot take the backbone's weights: there are none of it");
  return result;
}
