/** Tensors of a network from a file, as constants of a graph. */

import { ModelError } from "../errors.ts";
import { type GraphBuilder, Value } from "../onnx/graph_builder.ts";
import { requireTensors, type StateDict } from "../weights/state_dict.ts";
import { toFloat32 } from "../weights/tensor.ts";
import type { BatchNormStatistics } from "./fold_batch_norm.ts";

/** The largest magnitudes that can be stored. */
const LARGEST = { float32: 3.4028234663852886e38, fp16: 65504 } as const;

/** How a tensor is stored. */
export interface ConstantOptions {
  /** Whether it is large, so that the storage asked for is worth it. Default: false. */
  readonly large?: boolean;
}

/**
 * Tensors by their names. Those which are missing or of another shape do not stop the building of a
 * network, so that all of them can be named at once: call `check` when it is done.
 */
export class ConstantTensors {
  /** Names and shapes of the tensors asked for, in order. */
  readonly used = new Map<string, readonly number[]>();
  readonly #g: GraphBuilder;
  readonly #weights: StateDict;
  readonly #storage: "fp16" | undefined;
  /** The first constant with values that cannot be stored, or are none. */
  #overflowing: string | undefined;

  /**
   * @param weights Tensors by name; those which are not asked for are ignored.
   * @param storage Of large tensors. Default: float32.
   */
  constructor(g: GraphBuilder, weights: StateDict, storage?: "fp16") {
    this.#g = g;
    this.#weights = weights;
    this.#storage = storage;
  }

  /**
   * To be called once the network is built.
   *
   * @param what The network, for the message.
   * @throws {ModelError} naming the first few tensors that are missing or of another shape, or the first
   *   that holds values which are no numbers or too large to be stored.
   */
  check(what: string): void {
    requireTensors(this.#weights, this.used, what);
    if (this.#overflowing !== undefined) {
      throw new ModelError(
        `Cannot build ${what}: ${this.#overflowing} holds values that are no numbers or too large ` +
          `for ${this.#storage ?? "float32"}`,
      );
    }
  }

  /** The tensor's values; `undefined` where it does not fit, which `check` will say. */
  read(name: string, shape: readonly number[]): Float32Array | undefined {
    this.used.set(name, shape);
    const tensor = this.#weights.get(name);
    const fits = tensor && tensor.shape.length === shape.length &&
      shape.every((size, axis) => size === tensor.shape[axis]);
    return fits ? toFloat32(tensor) : undefined;
  }

  /** The statistics of a normalisation; `undefined` where any of them does not fit. */
  statistics(norm: string, channels: number): BatchNormStatistics | undefined {
    const [weight, bias, mean, variance] = ["weight", "bias", "running_mean", "running_var"]
      .map((part) => this.read(`${norm}.${part}`, [channels]));
    return weight && bias && mean && variance ? { weight, bias, mean, variance } : undefined;
  }

  /** A tensor as it is, as a constant of the same name; `as` gives it another shape. */
  load(
    name: string,
    shape: readonly number[],
    { large, as = shape }: ConstantOptions & { readonly as?: readonly number[] } = {},
  ): Value {
    return this.constant(name, this.read(name, shape), as, { large });
  }

  /** Values as a constant; where there are none, something that stands for it until `check` refuses. */
  constant(
    name: string,
    data: Float32Array | undefined,
    shape: readonly number[],
    { large = false }: ConstantOptions = {},
  ): Value {
    if (!data) return new Value(this.#g, name, "float32", shape);
    const storage = large ? this.#storage : undefined;
    if (!staysBelow(data, LARGEST[storage ?? "float32"])) this.#overflowing ??= name;
    return this.#g.initializer(name, data, shape, { storage });
  }
}

function staysBelow(data: Float32Array, limit: number): boolean {
  let below = true;
  for (let i = 0; i < data.length; i++) below = below && Math.abs(data[i]!) <= limit;
  return below;
}
