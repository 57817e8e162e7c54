/** The published networks, and those like them on light backbones, as ONNX files for inference. */

import { ModelError } from "../errors.ts";
import { GraphBuilder, type Shape, type Value } from "../onnx/graph_builder.ts";
import type { StateDict } from "../weights/state_dict.ts";
import { affinityNet } from "./affinity_net.ts";
import { type Backbone, type BackboneName, backboneNamed, type PerColour } from "./backbones.ts";
import { camClassifier } from "./cam_classifier.ts";
import { ConstantLayers, listTensors } from "./constant_layers.ts";
import { deepLabV3Plus, deepLabV3PlusLite } from "./deeplab.ts";
import type { FeatureMap } from "./features.ts";
import type { NetworkLayers } from "./network_layers.ts";

/** What a network is for. */
export const NETWORK_KINDS = ["classifier", "affinity", "deeplabv3plus", "backbone"] as const;
/** See {@linkcode NETWORK_KINDS}. */
export type NetworkKind = typeof NETWORK_KINDS[number];

/** Options of {@linkcode buildNetwork}. */
export interface BuildNetworkOptions {
  /** `"fp16"` stores the weights as float16; computation stays float32. Default: float32. */
  readonly storage?: "fp16";
  /** Kept in the file. Default: none. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** An input or output of a built network. */
export interface NetworkTensor {
  readonly name: string;
  /** Sizes that are texts are open; `N` images of `H×W` pixels. */
  readonly shape: Shape;
}

/** A network as a file, and what is to be known about it. */
export interface BuiltNetwork {
  /** The ONNX file. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly kind: NetworkKind;
  /** One input, `image`: `N×3×H×W`, normalised by `mean` and `std`. */
  readonly inputs: readonly NetworkTensor[];
  /**
   * - classifier: `maps` `N×classes×⌈H/16⌉×⌈W/16⌉` before ReLU, `logits` `N×classes`;
   * - affinity: `edge` `N×1×⌈H/4⌉×⌈W/4⌉`, logits;
   * - deeplabv3plus: `logits` `N×classes×H×W`, or at stride 4 on EfficientNet-Lite, to be enlarged with
   *   half-pixel centres;
   * - backbone: `features` `N×C×⌈H/16⌉×⌈W/16⌉`.
   */
  readonly outputs: readonly NetworkTensor[];
  /** Of a classifier, and of a segmentation network with background; 0 else. */
  readonly classes: number;
  /** The input is `(RGB/255 − mean)/std`. */
  readonly mean: PerColour;
  readonly std: PerColour;
  /** Image pixels per cell of the features, or of the edge map. */
  readonly outputStride: number;
  /** Names and shapes of the tensors that went into it. */
  readonly tensors: ReadonlyMap<string, readonly number[]>;
}

/** Names of the tensor whose first axis counts a network's classes, whatever the backbone. */
const CLASS_TENSORS: Readonly<Record<NetworkKind, readonly string[]>> = {
  classifier: ["classifier.weight"],
  affinity: [],
  deeplabv3plus: ["decoder.classifier.8.weight", "decoder.classifier.weight"],
  backbone: [],
};

/**
 * Number of classes a network of the kind has by its weights; 0 where the kind has none.
 *
 * @throws {ModelError} when the tensor that would tell is missing.
 */
export function countClasses(kind: NetworkKind, weights: StateDict): number {
  const names = CLASS_TENSORS[kind];
  if (names.length === 0) return 0;
  for (const name of names) {
    const classes = weights.get(name)?.shape[0];
    if (classes !== undefined && classes > 0) return classes;
  }
  throw new ModelError(
    `Cannot build ${kind}: its weights do not fit: ${names.join(" or ")} is missing`,
  );
}

/** The map a network gives, at its own stride, from layers and an image. */
export function networkMap(
  kind: NetworkKind,
  layers: NetworkLayers,
  image: Value,
  backbone: Backbone,
  classes: number,
): FeatureMap {
  switch (kind) {
    case "classifier":
      return camClassifier(layers, image, backbone, classes);
    case "affinity":
      return affinityNet(layers, image, backbone);
    case "deeplabv3plus":
      return backbone.family === "efficientnet-lite"
        ? deepLabV3PlusLite(layers, image, backbone, classes)
        : deepLabV3Plus(layers, image, backbone, classes);
    case "backbone":
      return backbone.build(layers, image).features;
  }
}

/**
 * Names and shapes of the tensors a network needs, in its own order.
 *
 * @param classes Ignored for kinds without classes.
 */
export function networkTensors(
  kind: NetworkKind,
  backbone: BackboneName | Backbone,
  classes: number,
): Map<string, readonly number[]> {
  const found = typeof backbone === "string" ? backboneNamed(backbone) : backbone;
  return listTensors((layers, image) => networkMap(kind, layers, image, found, classes));
}

/**
 * Builds a network from its weights, batch normalisation folded in, batch and size open.
 *
 * @param weights Tensors by the published names (see the modules of the networks); others beside them
 *   are ignored. Those of a kind other than `backbone` have `model.` before the backbone's names.
 * @throws {ModelError} when tensors are missing or have other shapes; names the first few.
 * @throws {OptionError} when the backbone is unknown.
 */
export function buildNetwork(
  kind: NetworkKind,
  backbone: BackboneName | Backbone,
  weights: StateDict,
  { storage, metadata }: BuildNetworkOptions = {},
): BuiltNetwork {
  const found = typeof backbone === "string" ? backboneNamed(backbone) : backbone;
  const classes = countClasses(kind, weights);
  const g = new GraphBuilder();
  const image = g.input("image", "float32", ["N", 3, "H", "W"]);
  const layers = new ConstantLayers(g, weights, { storage });
  const { map, stride } = networkMap(kind, layers, image, found, classes);
  const what = typeof backbone === "string" ? `${kind} on ${backbone}` : kind;
  layers.check(what);

  const outputs: NetworkTensor[] = [];
  const output = (name: string, value: Value, shape: Shape) => {
    g.output(name, value);
    outputs.push({ name, shape });
  };
  const cells = [`ceil(H/${stride})`, `ceil(W/${stride})`];
  switch (kind) {
    case "classifier": {
      const logits = g.reshape(g.globalAveragePool(map), [0, classes]);
      output("maps", map, ["N", classes, ...cells]);
      output("logits", logits, ["N", classes]);
      break;
    }
    case "affinity":
      output("edge", map, ["N", 1, ...cells]);
      break;
    case "deeplabv3plus":
      if (found.family === "efficientnet-lite") {
        output("logits", map, ["N", classes, ...cells]);
      } else {
        output("logits", layers.resizeLike(map, image, classes, true), ["N", classes, "H", "W"]);
      }
      break;
    case "backbone":
      output("features", map, ["N", map.dim(1), ...cells]);
  }
  return {
    bytes: g.build({ name: what.replaceAll(" ", "-"), metadata }),
    kind,
    inputs: [{ name: "image", shape: image.shape }],
    outputs,
    classes,
    mean: found.mean,
    std: found.std,
    outputStride: kind === "deeplabv3plus" ? 16 : stride,
    tensors: layers.used,
  };
}
