/** Losses of classifiers, as nodes of a graph. */

import type { GraphBuilder, Value } from "../onnx/graph_builder.ts";

/**
 * Binary cross-entropy of logits, the mean over all elements, in the form that does not overflow:
 * `max(z, 0) − z·y + log(1 + exp(−|z|))`.
 *
 * @param logits any shape
 * @param targets 0 or 1, of the same shape
 */
export function binaryCrossEntropy(g: GraphBuilder, logits: Value, targets: Value): Value {
  const tail = g.log(g.add(g.exp(g.neg(g.abs(logits))), 1));
  return g.reduceMean(g.add(g.sub(g.relu(logits), g.mul(logits, targets)), tail), [], {
    keep: false,
  });
}

/**
 * Cross-entropy of softmax, the mean over rows.
 *
 * @param logits `N×C`
 * @param targets `N` class indices, int64
 */
export function crossEntropy(g: GraphBuilder, logits: Value, targets: Value): Value {
  const chosen = g.oneHot(targets, logits.size(1));
  const perRow = g.reduceSum(g.mul(g.logSoftmax(logits, 1), chosen), [1], { keep: false });
  return g.neg(g.reduceMean(perRow, [], { keep: false }));
}

/** The sum of squares of all elements. */
export function sumOfSquares(g: GraphBuilder, x: Value): Value {
  return g.reduceSum(g.mul(x, x), [], { keep: false });
}
