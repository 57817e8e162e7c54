/** What a network starts from: weights that exist already, and new ones for the rest. */

import { ModelError } from "../../errors.ts";
import { type Backbone, type BackboneName } from "../../nets/backbones.ts";
import { type NetworkKind, networkTensors } from "../../nets/build_network.ts";
import { BACKBONE_PREFIX } from "../../nets/cam_classifier.ts";
import { shapeText } from "../../onnx/shape.ts";
import type { StateDict } from "../../weights/state_dict.ts";
import type { WeightTensor } from "../../weights/tensor.ts";
import { kaimingUniform } from "../../../kernels/pytorch_init.ts";
import { Mt19937 } from "../../../kernels/mt19937.ts";

/** Where weights come from. */
export interface InitialWeights {
  /** The backbone's own names, as ImageNet checkpoints have them. */
  readonly backbone?: StateDict;
  /** Names as in the network; they win over the backbone's. Tensors of other shapes are left out. */
  readonly network?: StateDict;
  /** Seed of new tensors. */
  readonly seed: number;
}

/**
 * All tensors of a network. New convolutions are drawn as PyTorch draws them, new normalisations are 1 and 0,
 * new biases 0.
 *
 * @param classes Number of the network's classes; ignored for kinds without.
 * @returns The tensors, and the names of those that are new.
 * @throws {ModelError} Weights of the backbone are missing.
 */
export function initialParameters(
  kind: NetworkKind,
  backbone: BackboneName | Backbone,
  classes: number,
  { backbone: pretrained, network, seed }: InitialWeights,
): { readonly parameters: Map<string, WeightTensor>; readonly fresh: ReadonlySet<string> } {
  const generator = new Mt19937(seed);
  const parameters = new Map<string, WeightTensor>();
  const fresh = new Set<string>();
  for (const [name, shape] of networkTensors(kind, backbone, classes)) {
    const own = network?.get(name);
    const isBackbone = name.startsWith(BACKBONE_PREFIX);
    const known = own && shapeText(own.shape) === shapeText(shape)
      ? own
      : isBackbone
      ? pretrained?.get(name.slice(BACKBONE_PREFIX.length))
      : undefined;
    if (known !== undefined) {
      parameters.set(name, known);
      continue;
    }
    if (isBackbone) {
      throw new ModelError(`Cannot train: the backbone's weights have no ${name}`);
    }
    parameters.set(name, { shape, dtype: "float32", data: draw(generator, name, shape) });
    fresh.add(name);
  }
  return { parameters, fresh };
}

function draw(generator: Mt19937, name: string, shape: readonly number[]): Float32Array {
  if (shape.length > 1) return kaimingUniform(generator, shape);
  const values = new Float32Array(shape[0] ?? 1);
  return name.endsWith(".bias") ? values : values.fill(1);
}
