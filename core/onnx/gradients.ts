/**
 * Gradients of a graph, written into the same graph: one table from operator to rule, and a walk
 * through the nodes in reverse.
 */

import type { GraphBuilder, Node, Value } from "./graph_builder.ts";
import { mayEqualShapes, shapeText } from "./shape.ts";
import { isFloat } from "./tensor_data.ts";
import { blockedGradients } from "./gradients/blocked.ts";
import { customGradient } from "./gradients/custom.ts";
import { elementwiseGradients } from "./gradients/elementwise.ts";
import { indexingGradients } from "./gradients/indexing.ts";
import { layoutGradients } from "./gradients/layout.ts";
import { linearGradients } from "./gradients/linear.ts";
import { reductionGradients } from "./gradients/reduction.ts";
import { type Backward, type GradientTable, zerosLike } from "./gradients/rule.ts";
import { windowGradients } from "./gradients/window.ts";

/** The rule of every operator that can be differentiated. */
export const gradientRules: GradientTable = {
  ...elementwiseGradients,
  ...linearGradients,
  ...reductionGradients,
  ...layoutGradients,
  ...indexingGradients,
  ...windowGradients,
  ...blockedGradients,
};

/** What gradients start from and where they stop. */
export interface GradientOptions {
  /** The gradient by `loss` itself, of its shape. Default: 1, for which `loss` must be a scalar. */
  seed?: Value;
  /** Values taken for constants: nothing flows through them. Default none. */
  stop?: readonly Value[];
  /** What becomes of a value that the loss does not hang on. Default `"zeros"`. */
  unreachable?: "zeros" | "error";
}

/**
 * Adds nodes to `g` that compute the gradient of `loss` by each of `wrt`.
 *
 * `wrt` may be inputs, weights, or values along the way. Nodes are named `gradient/<node>/…`
 * after the node they belong to.
 *
 * @returns one value for each of `wrt`, of its shape and type.
 * @throws {TypeError} when `loss` is not a scalar and no seed is given, when an operator on the way
 * has no rule, or a rule does not cover how it is used.
 */
export function gradients(
  g: GraphBuilder,
  loss: Value,
  wrt: readonly Value[],
  options: GradientOptions = {},
): Value[] {
  const seed = options.seed ?? unitSeed(g, loss);
  checkGradient(seed, loss, "the seed");
  const active = dependents(g, wrt, options.stop ?? []);
  const parts = new Map<Value, Value[]>([[loss, [seed]]]);
  for (const node of [...g.nodes].reverse()) {
    if (!node.outputs.some((output) => active.has(output) && parts.has(output))) continue;
    g.scope(`gradient/${node.name}`, () => walkBack(g, node, active, parts));
  }
  return g.scope("gradient", () =>
    wrt.map((value) => {
      const sum = total(g, value, parts);
      if (!sum && options.unreachable === "error") {
        throw new TypeError(`Cannot differentiate by "${value.name}": the loss does not use it`);
      }
      return sum ?? zerosLike(g, value);
    }));
}

function unitSeed(g: GraphBuilder, loss: Value): Value {
  if (loss.shape.some((dim) => dim !== 1)) {
    throw new TypeError(`Cannot differentiate ${shapeText(loss.shape)}: the loss must be a scalar`);
  }
  return g.constant([1], loss.shape.map(() => 1), { dtype: loss.dtype });
}

/** The floating-point values of `g` that hang on any of `sources`, and these themselves. */
function dependents(
  g: GraphBuilder,
  sources: readonly Value[],
  stop: readonly Value[],
): Set<Value> {
  const active = new Set(sources);
  const stopped = new Set(stop);
  for (const node of g.nodes) {
    if (!node.inputs.some((input) => input && active.has(input))) continue;
    for (const output of node.outputs) {
      if (isFloat(output.dtype) && !stopped.has(output)) active.add(output);
    }
  }
  return active;
}

/** The gradients that reached a value from all its uses, added up; `null` where none did. */
function total(g: GraphBuilder, value: Value, parts: Map<Value, Value[]>): Value | null {
  const list = parts.get(value);
  if (!list) return null;
  const sum = list.length < 3 ? list.reduce((a, b) => g.add(a, b)) : g.op("Sum", list);
  parts.set(value, [sum]);
  return sum;
}

/** Carries the gradient of a node's outputs to its inputs. */
function walkBack(
  g: GraphBuilder,
  node: Node,
  active: ReadonlySet<Value>,
  parts: Map<Value, Value[]>,
): void {
  const custom = customGradient(node.outputs[0]!);
  const inputs = custom?.inputs ?? node.inputs;
  if (!inputs.some((input) => input && active.has(input))) return;
  const rule = custom?.rule ??
    gradientRules[node.domain ? `${node.domain}:${node.type}` : node.type];
  if (!rule) {
    throw new TypeError(`Cannot differentiate ${node.type} "${node.name}": it has no rule`);
  }
  const dys = node.outputs.map((output) => total(g, output, parts));
  const back: Backward = {
    g,
    node,
    dys,
    // Rules of one output read it; rules of several find it among `dys`.
    dy: dys[0]!,
    y: node.outputs[0]!,
    x: inputs as readonly Value[],
  };
  const rules = rule(back);
  inputs.forEach((input, index) => {
    const derive = rules[index];
    if (!input || !active.has(input) || !derive) return;
    const gradient = derive();
    checkGradient(gradient, input, `${node.type} "${node.name}"`);
    const list = parts.get(input);
    if (list) list.push(gradient);
    else parts.set(input, [gradient]);
  });
}

function checkGradient(gradient: Value, value: Value, origin: string): void {
  if (
    gradient.dtype === value.dtype && gradient.layout === value.layout &&
    mayEqualShapes(gradient.shape, value.shape)
  ) return;
  const [is, want] = [gradient, value].map(({ dtype, shape, layout }) =>
    `${layout} ${dtype}${shapeText(shape)}`
  );
  throw new TypeError(
    `Cannot use the gradient from ${origin}: it is ${is}, "${value.name}" ${want}`,
  );
}
