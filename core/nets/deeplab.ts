/**
 * DeepLabv3+ (L.-C. Chen et al., arXiv 1802.02611) with group normalisation: what a map holds is seen
 * through windows of several widths and as a whole, then refined by a finer map.
 *
 * `deepLabV3Plus` is the published network; its weights go by the published names: the backbone's behind
 * `model.`, `aspp.*`, `decoder.*`. `deepLabV3PlusLite` is the same idea for EfficientNet-Lite on
 * processors without a GPU: depthwise separable convolutions, fewer channels.
 */

import type { Value } from "../onnx/graph_builder.ts";
import type { Backbone } from "./backbones.ts";
import { BACKBONE_PREFIX } from "./cam_classifier.ts";
import type { FeatureMap } from "./features.ts";
import type { NetworkLayers } from "./network_layers.ts";

/** Dilations of the windows on the coarse map. */
const RATES = [6, 12, 18] as const;

/** The backbone's maps that both networks look at, and how they normalise what they make of them. */
function begin(layers: NetworkLayers, image: Value, backbone: Backbone, groups: number) {
  const { stages } = backbone.build(layers, image, BACKBONE_PREFIX);
  const normalised = (x: Value, name: string, channels: number) =>
    layers.groupNorm(x, name, channels, groups, { activation: "relu" });
  return { coarse: stages[4], fine: stages[1], normalised };
}

/** Joins views of the coarse map, of `channels` channels each, with the view of it as a whole, `1×1`. */
function joinViews(
  layers: NetworkLayers,
  views: readonly Value[],
  whole: Value,
  channels: number,
  alignCorners: boolean,
): { joined: Value; channels: number } {
  const maps = [...views, layers.resizeLike(whole, views[0]!, channels, alignCorners)];
  const joined = layers.concat(maps, maps.map(() => channels));
  return { joined, channels: channels * maps.length };
}

/** Joins the coarse map, enlarged, with the fine one. */
function joinDetail(
  layers: NetworkLayers,
  coarse: Value,
  fine: Value,
  channels: readonly [coarse: number, fine: number],
  alignCorners: boolean,
): Value {
  const enlarged = layers.resizeLike(coarse, fine, channels[0], alignCorners);
  return layers.concat([enlarged, fine], channels);
}

const CHANNELS = 256;
const LOW_CHANNELS = 48;
const GROUPS = 4;

/**
 * The published network's logits.
 *
 * @param image `N×3×H×W`, normalised as the backbone wants it.
 * @returns `classes` channels at stride 4, a map of `layers`. The published network enlarges them to the
 *   image with `align_corners`.
 */
export function deepLabV3Plus(
  layers: NetworkLayers,
  image: Value,
  backbone: Backbone,
  classes: number,
): FeatureMap {
  const { coarse, fine, normalised } = begin(layers, image, backbone, GROUPS);

  const branches = [1, ...RATES].map((dilation, i) => {
    const size = dilation === 1 ? 1 : 3;
    const name = `aspp.aspp${i + 1}`;
    const shape = [CHANNELS, coarse.channels, size, size] as const;
    const y = layers.conv(coarse.map, `${name}.atrous_conv`, shape, { dilation });
    return normalised(y, `${name}.bn`, CHANNELS);
  });
  const mean = layers.enter(layers.globalMean(coarse.map, coarse.channels));
  const whole = layers.conv(mean, "aspp.global_avg_pool.1", [CHANNELS, coarse.channels, 1, 1]);
  const wholeMap = normalised(whole, "aspp.global_avg_pool.2", CHANNELS);
  const views = joinViews(layers, branches, wholeMap, CHANNELS, true);
  const context = layers.conv(views.joined, "aspp.conv1", [CHANNELS, views.channels, 1, 1]);
  const seen = layers.dropout(normalised(context, "aspp.bn1", CHANNELS), 0.5);

  const detail = layers.conv(fine.map, "decoder.conv1", [LOW_CHANNELS, fine.channels, 1, 1]);
  const low = normalised(detail, "decoder.bn1", LOW_CHANNELS);
  let x = joinDetail(layers, seen, low, [CHANNELS, LOW_CHANNELS], true);
  const name = "decoder.classifier";
  x = layers.conv(x, `${name}.0`, [CHANNELS, CHANNELS + LOW_CHANNELS, 3, 3]);
  x = layers.dropout(normalised(x, `${name}.1`, CHANNELS), 0.5);
  x = layers.conv(x, `${name}.4`, [CHANNELS, CHANNELS, 3, 3]);
  x = layers.dropout(normalised(x, `${name}.5`, CHANNELS), 0.1);
  const map = layers.conv(x, `${name}.8`, [classes, CHANNELS, 1, 1], { bias: true });
  return { map, channels: classes, stride: fine.stride };
}

const LITE_CHANNELS = 128;
const LITE_LOW_CHANNELS = 32;
const LITE_DECODER_CHANNELS = 64;
const LITE_GROUPS = 8;

/**
 * The light network's logits.
 *
 * @param image `N×3×H×W`, normalised as the backbone wants it.
 * @returns `classes` channels at stride 4, a map of `layers`; to be enlarged with half-pixel centres.
 */
export function deepLabV3PlusLite(
  layers: NetworkLayers,
  image: Value,
  backbone: Backbone,
  classes: number,
): FeatureMap {
  const { coarse, fine, normalised } = begin(layers, image, backbone, LITE_GROUPS);
  const pointwise = (x: Value, name: string, input: number, output: number) =>
    normalised(layers.conv(x, `${name}.0`, [output, input, 1, 1]), `${name}.1`, output);
  const separable = (x: Value, name: string, input: number, output: number, dilation: number) => {
    const depthwise = { group: input, dilation };
    const y = layers.conv(x, `${name}.depthwise`, [input, 1, 3, 3], depthwise);
    return pointwise(y, name, input, output);
  };

  const branches = [
    pointwise(coarse.map, "aspp.0", coarse.channels, LITE_CHANNELS),
    ...RATES.map((rate, i) =>
      separable(coarse.map, `aspp.${i + 1}`, coarse.channels, LITE_CHANNELS, rate)
    ),
  ];
  const mean = layers.enter(layers.globalMean(coarse.map, coarse.channels));
  const whole = pointwise(mean, "aspp.pool", coarse.channels, LITE_CHANNELS);
  const views = joinViews(layers, branches, whole, LITE_CHANNELS, false);
  const context = pointwise(views.joined, "aspp.project", views.channels, LITE_CHANNELS);
  const seen = layers.dropout(context, 0.1);

  const low = pointwise(fine.map, "decoder.low", fine.channels, LITE_LOW_CHANNELS);
  const width = LITE_DECODER_CHANNELS;
  const reduced = pointwise(seen, "decoder.context", LITE_CHANNELS, width);
  let x = joinDetail(layers, reduced, low, [width, LITE_LOW_CHANNELS], false);
  x = separable(x, "decoder.0", width + LITE_LOW_CHANNELS, width, 1);
  x = layers.dropout(separable(x, "decoder.1", width, width, 1), 0.1);
  const map = layers.conv(x, "decoder.classifier", [classes, width, 1, 1], { bias: true });
  return { map, channels: classes, stride: fine.stride };
}
