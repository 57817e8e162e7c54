/** Activations behind a map, as nodes of their own. */

import type { GraphBuilder, Value } from "../graph_builder.ts";
import type { Activation } from "../layouts.ts";

/**
 * A map's activation.
 *
 * @param name What the node is named after. Default: the builder names it.
 */
export function activate(
  g: GraphBuilder,
  x: Value,
  activation: Activation | undefined,
  name?: string,
): Value {
  if (activation === undefined) return x;
  const named = { name: name === undefined ? undefined : `${name}.${activation}` };
  return activation === "relu" ? g.relu(x, named) : g.clip(x, 0, 6, named);
}
