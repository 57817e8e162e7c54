/** Training of CAM classifiers on image-level labels, with or without the Puzzle-CAM module. */

import * as ort from "onnxruntime-node";
import type { Backbone } from "../../nets/backbones.ts";
import { camClassifier } from "../../nets/cam_classifier.ts";
import type { LearntLayers } from "../../nets/learnt_layers.ts";
import type { GraphBuilder, Value } from "../../onnx/graph_builder.ts";
import type { Batch } from "../data/sample_loader.ts";
import { binaryCrossEntropy } from "../../onnx/losses.ts";
import type { Feeds } from "./network_trainer.ts";
import { cutTiles, mergeTiles, reconstructionLoss } from "./puzzle.ts";

/** What the graph is built for. */
export interface ClassifierTraining {
  readonly backbone: Backbone;
  readonly classes: number;
  readonly batch: number;
  /** Side of the crops, in pixels. */
  readonly size: number;
  /** Whether the maps of the image's tiles are compared with its own. */
  readonly puzzle: boolean;
}

/**
 * The multi-label soft margin of the logits; with the puzzle module that of the merged maps' logits too, and
 * `alpha` times their distance. Inputs: `image` `N×3×S×S`, `labels` `N×K` of 0 and 1, with the puzzle module
 * `alpha`, a scalar.
 */
export function classifierLosses(
  { backbone, classes, batch, size, puzzle }: ClassifierTraining,
): (g: GraphBuilder, layers: LearntLayers) => Record<string, Value> & { loss: Value } {
  return (g, layers): Record<string, Value> & { loss: Value } => {
    const image = g.input("image", "float32", [batch, 3, size, size]);
    const labels = g.input("labels", "float32", [batch, classes]);
    const mapsOf = (images: Value) =>
      layers.leave(camClassifier(layers, images, backbone, classes).map, classes);
    const margin = (maps: Value) =>
      binaryCrossEntropy(g, g.reduceMean(maps, [2, 3], { keep: false }), labels);
    const maps = mapsOf(image);
    const whole = margin(maps);
    if (!puzzle) return { loss: whole };
    const alpha = g.input("alpha", "float32", []);
    const merged = mergeTiles(g, mapsOf(cutTiles(g, image)));
    const tiles = margin(merged);
    const distance = reconstructionLoss(g, maps, merged, labels);
    return {
      loss: g.add(g.add(whole, tiles), g.mul(distance, alpha)),
      whole,
      tiles,
      distance,
    };
  };
}

/**
 * What a step is fed of a batch.
 *
 * @param alpha Weight of the distance.
 */
export function classifierFeeds(
  { images, labels }: Batch,
  { batch, classes, size, puzzle }: ClassifierTraining,
  alpha: number,
): Feeds {
  return {
    image: new ort.Tensor("float32", images, [batch, 3, size, size]),
    labels: new ort.Tensor("float32", labels!, [batch, classes]),
    ...(puzzle && { alpha: new ort.Tensor("float32", Float32Array.of(alpha), []) }),
  };
}

/** Weight of the distance at a step: rises in a straight line to `most` over the first half. */
export function puzzleWeight(step: number, steps: number, most: number): number {
  return most * Math.min(1, step / (steps / 2));
}
