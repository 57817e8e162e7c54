/** Backbones that are partly another network's. */

import type { StateDict } from "../weights/state_dict.ts";
import { BACKBONE_PREFIX } from "./cam_classifier.ts";

/**
 * A backbone's weights with those in their place that a network has of the same backbone. Layers the network
 * does without, such as the widening one before ImageNet's classifier, stay as they are.
 *
 * @param backbone Names as ImageNet checkpoints have them.
 * @param network What `recognizeNetwork` made, told the same backbone: it has all of a layer or nothing.
 */
export function overlayBackbone(backbone: StateDict, network: StateDict): StateDict {
  const result = new Map(backbone);
  for (const [name, tensor] of network) {
    const own = name.startsWith(BACKBONE_PREFIX) ? name.slice(BACKBONE_PREFIX.length) : name;
    if (backbone.has(own)) result.set(own, tensor);
  }
  return result;
}
