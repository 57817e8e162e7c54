/** Tensors of a network that is trained: inputs of the graph where they are learnt, else constants. */

import { ModelError } from "../errors.ts";
import type { GraphBuilder, Value } from "../onnx/graph_builder.ts";
import { shapeText } from "../onnx/shape.ts";
import type { StateDict } from "../weights/state_dict.ts";
import { toFloat32, type WeightTensor } from "../weights/tensor.ts";

/** Prefix of the inputs that carry learnt tensors. */
export const PARAMETER_PREFIX = "parameter/";

/** See the head of this file. */
export class LearntTensors {
  /** The inputs that carry learnt tensors, by the tensors' names, in order of first use. */
  readonly learnt = new Map<string, Value>();
  readonly #g: GraphBuilder;
  readonly #weights: StateDict;
  readonly #learns: (name: string) => boolean;
  readonly #values = new Map<string, Value>();

  /**
   * @param weights All tensors of the network, learnt or not.
   * @param learns Whether a tensor is learnt. Stored statistics never are. Default: all are.
   */
  constructor(g: GraphBuilder, weights: StateDict, learns = (_name: string) => true) {
    this.#g = g;
    this.#weights = weights;
    this.#learns = learns;
  }

  /**
   * A tensor of the network: an input where it is learnt, else a constant. The same value at every
   * call, so that networks may be applied several times.
   *
   * @throws {ModelError} when it is missing or has another shape.
   */
  value(name: string, shape: readonly number[]): Value {
    const known = this.#values.get(name);
    if (known) {
      if (shapeText(known.shape) !== shapeText(shape)) throw misfit(name, known.shape, shape);
      return known;
    }
    const tensor = this.#find(name, shape);
    const learns = !isStatistic(name) && this.#learns(name);
    const value = learns
      ? this.#g.input(PARAMETER_PREFIX + name, "float32", shape)
      : this.#g.constant(toFloat32(tensor), shape);
    if (learns) this.learnt.set(name, value);
    this.#values.set(name, value);
    return value;
  }

  /**
   * The numbers of a tensor that is not learnt.
   *
   * @throws {ModelError} when it is missing or has another shape.
   */
  numbers(name: string, shape: readonly number[]): Float32Array {
    return toFloat32(this.#find(name, shape));
  }

  #find(name: string, shape: readonly number[]): WeightTensor {
    const tensor = this.#weights.get(name);
    if (!tensor) throw new ModelError(`Cannot build the network: its tensor "${name}" is missing`);
    if (shapeText(tensor.shape) !== shapeText(shape)) throw misfit(name, tensor.shape, shape);
    return tensor;
  }
}

function isStatistic(name: string): boolean {
  return name.endsWith(".running_mean") || name.endsWith(".running_var");
}

function misfit(name: string, is: readonly unknown[], wanted: readonly number[]): ModelError {
  return new ModelError(
    `Cannot build the network: its tensor "${name}" is [${is.join(", ")}], not [${
      wanted.join(", ")
    }]`,
  );
}
