/** The loss of networks that name a class for every pixel. */

import { withGradient } from "../onnx/gradients/custom.ts";
import type { GraphBuilder, Value } from "../onnx/graph_builder.ts";

/**
 * Cross-entropy of softmax over channels, the mean over all pixels. The gradient is written by hand: it
 * is made of the probabilities the loss itself needs.
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
