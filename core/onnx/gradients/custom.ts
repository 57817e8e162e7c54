/**
 * Gradients given by hand, for parts of a graph whose derivative is known in a better form than
 * the one their nodes would give.
 */

import type { Value } from "../graph_builder.ts";
import type { GradientRule } from "./rule.ts";

interface CustomGradient {
  readonly inputs: readonly (Value | null)[];
  readonly rule: GradientRule;
}

const customGradients = new WeakMap<Value, CustomGradient>();

/**
 * Says how the gradient by `inputs` follows from the gradient by `output`, which must be the first
 * output of a node. `gradients()` then asks this rule and does not look at the nodes in between;
 * the rule's `x` are `inputs`, `null` where one is left out.
 *
 * @returns `output`.
 */
export function withGradient(
  output: Value,
  inputs: readonly (Value | null)[],
  rule: GradientRule,
): Value {
  if (output.node?.outputs[0] !== output) {
    throw new TypeError(`Cannot give "${output.name}" a gradient: it is no node's first output`);
  }
  customGradients.set(output, { inputs, rule });
  return output;
}

/** The gradient given by hand for a value, if there is one. */
export function customGradient(output: Value): CustomGradient | undefined {
  return customGradients.get(output);
}
