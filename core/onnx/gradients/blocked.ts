/**
 * Gradients of moving data in and out of the blocked layout. The blocked Conv has its gradient from
 * `layouts/blocked.ts`, which knows the weights before they were reordered.
 */

import { BLOCKED } from "../inference/blocked.ts";
import type { GradientRule, GradientTable } from "./rule.ts";

const reorderInput: GradientRule = (
  { g, dy, x: [x] },
) => [() => g.op("ReorderOutput", [dy], { channels: x!.size(1) }, { domain: BLOCKED })];

const reorderOutput: GradientRule = ({ g, node, dy, x: [x] }) => [() => {
  if (node.attributes.channels_last) {
    throw new TypeError(`Cannot differentiate ReorderOutput "${node.name}" with channels last`);
  }
  const missing = x!.size(1) - dy.size(1);
  const whole = missing === 0 ? dy : g.pad(dy, [0, 0, 0, 0, 0, missing, 0, 0]);
  return g.op("ReorderInput", [whole], {}, { domain: BLOCKED });
}];

export const blockedGradients: GradientTable = {
  [`${BLOCKED}:ReorderInput`]: reorderInput,
  [`${BLOCKED}:ReorderOutput`]: reorderOutput,
};
