/**
 * The loss AffinityNet is trained by (J. Ahn, S. Cho and S. Kwak, "Weakly Supervised Learning of Instance
 * Segmentation With Inter-Pixel Relations", CVPR 2019): pairs of near pixels of one class should have no
 * edge between them, pairs of different classes should.
 */

import { affinityPaths } from "../../../kernels/affinity_paths.ts";
import { withGradient } from "../../onnx/gradients/custom.ts";
import type { GradientRule } from "../../onnx/gradients/rule.ts";
import type { GraphBuilder, Value } from "../../onnx/graph_builder.ts";
import { cut, PathMaxima } from "./path_maxima.ts";

/** Options of {@linkcode affinityLoss}. */
export interface AffinityLossOptions {
  /** Distance of the farthest pairs, exclusive, in cells. Default: 10. */
  readonly radius?: number;
}

/** The loss and its parts, scalars. */
export interface AffinityLoss {
  /** `½·(½·background + ½·foreground + different)` */
  readonly loss: Value;
  /** Mean of −log(affinity) over pairs that are both background. */
  readonly background: Value;
  /** The same over pairs of one foreground class. */
  readonly foreground: Value;
  /** Mean of −log(1 − affinity) over pairs of different classes. */
  readonly different: Value;
}

/** Added to affinities before the logarithm. */
const EPSILON = 1e-5;

/** Label of pixels that belong to no pair. */
const IGNORED = 255;

/**
 * The affinity of two pixels is 1 minus the strongest edge (sigmoid) on the straight path between them.
 * Only pixels whose whole neighbourhood lies inside the map start pairs. A mean over no pairs is 0.
 *
 * @param edges `N×1×h×w` logits, plain.
 * @param labels `N×h×w` of any type: 0 background, 1.. classes, 255 ignored.
 */
export function affinityLoss(
  g: GraphBuilder,
  edges: Value,
  labels: Value,
  { radius = 10 }: AffinityLossOptions = {},
): AffinityLoss {
  const [images, , height, width] = edges.shape.map((_, axis) => edges.size(axis)) as [
    number,
    number,
    number,
    number,
  ];
  const reach = radius - 1;
  const window = { top: 0, bottom: height - reach, left: reach, right: width - reach };
  const [rows, columns] = [window.bottom, width - 2 * reach];
  if (rows < 1 || columns < 1) {
    throw new RangeError(
      `Cannot pair pixels of a ${height}×${width} map at distances up to ${radius}: it is too small`,
    );
  }
  const paths = affinityPaths(radius);
  const maxima = new PathMaxima(g, g.reshape(edges, [images, height, width]));
  maxima.prepare(paths);
  const classes = classMaps(g, labels);
  const source = (map: Value) => cut(g, map, 0, rows, reach, columns);
  const [own, used, objects] = [classes.labels, classes.used, classes.objects].map(source) as [
    Value,
    Value,
    Value,
  ];

  // Pairs are taken together by the row they lead to: few nodes, and little memory at a time.
  const bundles = Array.from({ length: radius }, (_, dy) => {
    const steps = paths.filter((path) => path.dy === dy);
    const target = (map: Value) =>
      g.concat(
        steps.map(({ dx }) => {
          const part = cut(g, map, dy, rows, reach + dx, columns);
          return g.reshape(part, [1, images, rows, columns]);
        }),
        0,
      );
    const strongest = g.concat(
      steps.map((path) => g.reshape(maxima.along(path, window), [1, images, rows, columns])),
      0,
    );
    const others = target(classes.labels);
    const valid = target(classes.used);
    // 1 where the classes differ.
    const differ = g.clip(g.abs(g.sub(others, own)), 0, 1);
    // Whether the strongest edge should be one, and how right it is in that.
    const sign = g.sub(g.mul(differ, 2), 1);
    const right = g.sigmoid(g.mul(sign, strongest));
    return { strongest, valid, validDiffer: g.mul(differ, valid), sign, right };
  });

  // How many pairs of each kind, and what they cost: first summed for every source pixel.
  const perPixel = (maps: readonly Value[]) =>
    g.op("Sum", maps.map((map) => g.reduceSum(map, [0], { keep: false })));
  const unlike = perPixel(bundles.map(({ validDiffer }) => validDiffer));
  const alike = g.sub(perPixel(bundles.map(({ valid }) => valid)), unlike);
  const costs = bundles.map(({ right }) => g.neg(g.log(g.add(right, EPSILON))));
  const unlikeCost = perPixel(bundles.map((bundle, at) => g.mul(costs[at]!, bundle.validDiffer)));
  const allCost = perPixel(bundles.map((bundle, at) => g.mul(costs[at]!, bundle.valid)));
  const alikeCost = g.sub(allCost, unlikeCost);

  const usedObjects = g.mul(used, objects);
  const usedGround = g.sub(used, usedObjects);
  /** The mean cost of the pairs of one kind, and the share that one of them has in it. */
  const meanOf = (sources: Value, counts: Value, cost: Value) => {
    const sum = (map: Value) =>
      g.reduceSum(g.reduceSum(g.mul(sources, map), [2]), [], { keep: false });
    const share = g.reciprocal(g.max(sum(counts), 1));
    return { share, mean: g.mul(sum(cost), share) };
  };
  const background = meanOf(usedGround, alike, alikeCost);
  const foreground = meanOf(usedObjects, alike, alikeCost);
  const different = meanOf(used, unlike, unlikeCost);
  const same = g.mul(g.add(background.mean, foreground.mean), 0.5);
  const loss = g.mul(g.add(same, different.mean), 0.5);

  // By hand, as it takes the same weights for all pairs of a source pixel.
  const rule: GradientRule = ({ dy }) => {
    const quarter = g.mul(dy, 0.25);
    const alikeWeight = g.add(
      g.mul(usedGround, g.mul(background.share, quarter)),
      g.mul(usedObjects, g.mul(foreground.share, quarter)),
    );
    const unlikeWeight = g.mul(used, g.mul(different.share, g.mul(dy, 0.5)));
    const change = g.sub(unlikeWeight, alikeWeight);
    return bundles.map(({ valid, validDiffer, sign, right }) => () => {
      const weight = g.add(g.mul(valid, alikeWeight), g.mul(validDiffer, change));
      const slope = g.div(g.mul(right, g.sub(right, 1)), g.add(right, EPSILON));
      return g.mul(g.mul(weight, sign), slope);
    });
  };
  return {
    loss: withGradient(loss, bundles.map(({ strongest }) => strongest), rule),
    background: background.mean,
    foreground: foreground.mean,
    different: different.mean,
  };
}

/** What pairs are told apart by: `N×h×w` each. */
function classMaps(g: GraphBuilder, labels: Value) {
  const numbers = g.cast(labels, "float32");
  // 1 where the label counts, 1 where it is a class rather than background.
  const used = g.clip(g.sub(IGNORED, numbers), 0, 1);
  return { labels: numbers, used, objects: g.clip(numbers, 0, 1) };
}
