/**
 * AffinityNet as IRN has it (J. Ahn et al., arXiv 1904.05044): edges from five depths of a backbone.
 *
 * Every stage's map is reduced to 32 channels, normalised in groups, brought to stride 4 and rectified; a
 * 1×1 convolution on all of them gives one map of edge logits. Weights go by the published names: the
 * backbone's behind `model.`, `fc_edge1.0.weight`, `fc_edge1.1.*`, …, `fc_edge6.*`.
 *
 * On EfficientNet-Lite, whose first stage has stride 2, the first branch is a 3×3 convolution of stride 2.
 */

import type { Value } from "../onnx/graph_builder.ts";
import type { Backbone } from "./backbones.ts";
import { BACKBONE_PREFIX } from "./cam_classifier.ts";
import type { FeatureMap } from "./features.ts";
import type { NetworkLayers } from "./network_layers.ts";

/** Channels of each branch. */
const BRANCH_CHANNELS = 32;
const GROUPS = 4;
/** Pixels per cell of the edge map. */
const STRIDE = 4;

/**
 * The logits of edges.
 *
 * @param image `N×3×H×W`, normalised as the backbone wants it.
 * @returns One channel of `⌈H/4⌉×⌈W/4⌉`, a map of `layers`.
 */
export function affinityNet(layers: NetworkLayers, image: Value, backbone: Backbone): FeatureMap {
  const { stages } = backbone.build(layers, image, BACKBONE_PREFIX);
  const fine = stages[1].map;
  const branches = stages.map(({ map, channels, stride }, i) => {
    const name = `fc_edge${i + 1}`;
    const size = stride < STRIDE ? 3 : 1;
    const thin = layers.conv(map, `${name}.0`, [BRANCH_CHANNELS, channels, size, size], {
      stride: Math.max(1, STRIDE / stride),
      padding: "same",
    });
    const larger = stride > STRIDE;
    const even = layers.groupNorm(thin, `${name}.1`, BRANCH_CHANNELS, GROUPS, {
      activation: larger ? undefined : "relu",
    });
    if (!larger) return even;
    return layers.relu(layers.enlargeLike(even, stride / STRIDE, fine, BRANCH_CHANNELS));
  });
  const joined = layers.concat(branches, branches.map(() => BRANCH_CHANNELS));
  const all = branches.length * BRANCH_CHANNELS;
  const edge = layers.conv(joined, "fc_edge6", [1, all, 1, 1], { bias: true });
  return { map: edge, channels: 1, stride: STRIDE };
}
