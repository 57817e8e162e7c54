/** From a model's file back to the tensors it was built of. */

import { ModelError } from "../errors.ts";
import { GraphBuilder, type Value } from "../onnx/graph_builder.ts";
import { decodeModel, readInitializers } from "../onnx/model.ts";
import { type TensorData, toFloat32 } from "../onnx/tensor_data.ts";
import type { WeightTensor } from "../weights/tensor.ts";
import { type BackboneName, backboneNamed } from "./backbones.ts";
import { type NetworkKind, networkMap } from "./build_network.ts";
import { ConstantLayers } from "./constant_layers.ts";
import {
  type ConvNormOptions,
  type ConvShape,
  NORM_EPSILON,
  type NormOptions,
} from "./network_layers.ts";

/** A normalisation, and the convolution that it is folded into, if any. */
interface Folded {
  readonly norm: string;
  readonly conv?: string;
  readonly channels: number;
  readonly epsilon: number;
}

/** Layers that note which normalisations a network has. */
class NormRecorder extends ConstantLayers {
  readonly folded: Folded[] = [];

  override convNorm(
    x: Value,
    conv: string,
    norm: string,
    shape: ConvShape,
    options: ConvNormOptions = {},
  ): Value {
    const { epsilon = NORM_EPSILON } = options;
    this.folded.push({ norm, conv, channels: shape[0], epsilon });
    return super.convNorm(x, conv, norm, shape, options);
  }

  override norm(
    x: Value,
    name: string,
    channels: number,
    options: NormOptions = {},
  ): Value {
    this.folded.push({ norm: name, channels, epsilon: options.epsilon ?? NORM_EPSILON });
    return super.norm(x, name, channels, options);
  }
}

/**
 * The tensors of a network in a model's file, by the network's own names, as float32. Normalisations were
 * folded into convolutions when it was built and cannot be told from them any more: they come back as
 * such that leave things as they are (weight and variance 1, mean 0; the variance less epsilon, which
 * is added to it) but for the bias, so that the network computes the same.
 *
 * @param bytes The ONNX file, built by `buildNetwork`.
 * @param classes See `countClasses`.
 * @throws {ModelError} The file holds other tensors than the network needs; names the first few.
 */
export function unfoldWeights(
  bytes: Uint8Array,
  kind: NetworkKind,
  backbone: BackboneName,
  classes: number,
): Map<string, WeightTensor> {
  const g = new GraphBuilder();
  const layers = new NormRecorder(g, new Map());
  const image = g.input("image", "float32", ["N", 3, "H", "W"]);
  networkMap(kind, layers, image, backboneNamed(backbone), classes);
  const shapes = layers.used;

  const stored = readInitializers(decodeModel(bytes));
  const missing: string[] = [];
  const read = (name: string, shape: readonly number[]): WeightTensor => {
    const count = shape.reduce((product, size) => product * size, 1);
    const tensor = stored.get(name);
    if (tensor === undefined || sizeOf(tensor) !== count) {
      const found = tensor === undefined ? "is missing" : `is [${tensor.shape.join(", ")}]`;
      missing.push(`${name} [${shape.join(", ")}] ${found}`);
      return float32(new Float32Array(count), shape);
    }
    return float32(toFloat32(tensor), shape);
  };
  const fill = (value: number, channels: number) =>
    float32(new Float32Array(channels).fill(value), [channels]);

  const restored = new Map<string, WeightTensor>();
  for (const { norm, conv, channels, epsilon } of layers.folded) {
    const shift = conv === undefined ? `${norm}.bias` : `${conv}.bias`;
    restored.set(
      `${norm}.weight`,
      conv === undefined ? read(`${norm}.weight`, [channels]) : fill(1, channels),
    );
    restored.set(`${norm}.bias`, read(shift, [channels]));
    restored.set(`${norm}.running_mean`, fill(0, channels));
    restored.set(`${norm}.running_var`, fill(1 - epsilon, channels));
    // What a convolution added of its own is in the normalisation's bias now.
    if (conv !== undefined && shapes.has(shift)) restored.set(shift, fill(0, channels));
  }
  const weights = new Map(
    [...shapes].map(([name, shape]) => [name, restored.get(name) ?? read(name, shape)]),
  );
  if (missing.length > 0) {
    const more = missing.length > 3 ? `; and ${missing.length - 3} more` : "";
    throw new ModelError(
      `Cannot take ${kind} on ${backbone} out of the file: ${
        missing.slice(0, 3).join("; ")
      }${more}`,
    );
  }
  return weights;
}

function float32(data: Float32Array, shape: readonly number[]): WeightTensor {
  return { dtype: "float32", shape, data };
}

function sizeOf({ shape }: TensorData): number {
  return shape.reduce((product, size) => product * size, 1);
}
