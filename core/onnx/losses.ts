/** Losses of classifiers and of networks that name a class for every pixel, as nodes of a graph. */

import { withGradient } from "./gradients/custom.ts";
import type { GraphBuilder, Value } from "./graph_builder.ts";

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

/**
 * Cross-entropy of softmax over channels, the mean over all pixels, every one of which has a label.
 * The gradient is written by hand: it is made of the probabilities the loss itself needs.
 *
 * @param scores `C×N`, a column for each pixel.
 * @param targets `N` classes, int64.
 * @param best `N` classes of the highest scores, int64, where they are known already.
 * @returns a scalar.
 */
export function pixelCrossEntropy(
  g: GraphBuilder,
  scores: Value,
  targets: Value,
  best?: Value,
): Value {
  const pixels = scores.size(1);
  const greatest = best
    ? g.gatherElements(scores, g.unsqueeze(best, [0]), 0)
    : g.reduceMax(scores, [0]);
  const exponentials = g.exp(g.sub(scores, greatest));
  const sums = g.reduceSum(exponentials, [0]);
  const places = g.unsqueeze(targets, [0]);
  const chosen = g.div(g.gatherElements(exponentials, places, 0), sums);
  // No pixel is so hopeless that its probability rounds to zero and the loss to infinity.
  const loss = g.neg(g.reduceMean(g.log(g.max(chosen, 1e-38)), [], { keep: false }));
  return withGradient(loss, [scores], ({ dy }) => [() => {
    const share = g.mul(dy, 1 / pixels);
    const probabilities = g.mul(exponentials, g.div(share, sums));
    const updates = g.expand(g.neg(share), [1, pixels]);
    return g.scatterElements(probabilities, places, updates, { axis: 0, reduction: "add" });
  }]);
}

/** Label of pixels that do not count. */
const IGNORED = 255;

/**
 * Cross-entropy of softmax over channels, the mean over all pixels with a label; 0 where there are none.
 * The gradient is written by hand: it is made of the exponentials that the loss itself needs.
 *
 * @param logits `N×C×H×W`, plain
 * @param labels `N×H×W` of any type: 0..C−1, or 255 where the pixel does not count
 */
export function segmentationCrossEntropy(g: GraphBuilder, logits: Value, labels: Value): Value {
  const numbers = g.unsqueeze(g.cast(labels, "float32"), [1]);
  // 1 where the label counts.
  const used = g.clip(g.sub(IGNORED, numbers), 0, 1);
  const places = g.cast(g.mul(numbers, used), "int64");
  const share = g.reciprocal(g.max(sumOfAll(g, used), 1));
  const centred = g.sub(logits, g.reduceMax(logits, [1]));
  const exponentials = g.exp(centred);
  const sums = g.reduceSum(exponentials, [1]);
  const costs = g.sub(g.log(sums), g.gatherElements(centred, places, 1));
  const loss = g.mul(sumOfAll(g, g.mul(costs, used)), share);
  return withGradient(loss, [logits], ({ dy }) => [() => {
    const weights = g.mul(used, g.mul(share, dy));
    const probabilities = g.mul(exponentials, g.div(weights, sums));
    return g.scatterElements(probabilities, places, g.neg(weights), { axis: 1, reduction: "add" });
  }]);
}

/** The sum of all elements, rows first, so that float32 loses nothing on large maps. */
function sumOfAll(g: GraphBuilder, x: Value): Value {
  return g.reduceSum(g.reduceSum(x, [-1]), [], { keep: false });
}

/** The sum of squares of all elements. */
export function sumOfSquares(g: GraphBuilder, x: Value): Value {
  return g.reduceSum(g.mul(x, x), [], { keep: false });
}
