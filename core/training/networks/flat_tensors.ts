/** Named tensors side by side in one list. */

import * as ort from "onnxruntime-node";
import type { WeightTensor } from "../../weights/tensor.ts";

/** A tensor's place: name and sizes. */
export interface TensorPlace {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Every tensor starts at a multiple of this many elements, as vector instructions like it. */
const ALIGNMENT = 16;

/** Float32 tensors in one list, each to be had as a view or as a tensor of ONNX Runtime on its memory. */
export class FlatTensors {
  /** All elements; between the tensors are zeros. */
  readonly data: Float32Array<ArrayBuffer>;
  readonly #places: readonly TensorPlace[];
  readonly #views = new Map<string, Float32Array<ArrayBuffer>>();
  readonly #tensors = new Map<string, ort.Tensor>();

  /** Zeros for the given places. */
  constructor(places: readonly TensorPlace[]) {
    this.#places = places;
    const lengths = places.map(({ shape }) => shape.reduce((count, size) => count * size, 1));
    const whole = (length: number) => Math.ceil(length / ALIGNMENT) * ALIGNMENT;
    this.data = new Float32Array(lengths.reduce((sum, length) => sum + whole(length), 0));
    let start = 0;
    places.forEach(({ name, shape }, at) => {
      const view = this.data.subarray(start, start + lengths[at]!);
      this.#views.set(name, view);
      this.#tensors.set(name, new ort.Tensor("float32", view, shape));
      start += whole(lengths[at]!);
    });
  }

  /** The tensors' names, in order. */
  get names(): readonly string[] {
    return this.#places.map(({ name }) => name);
  }

  /** Zeros in the same places. */
  zeros(): FlatTensors {
    return new FlatTensors(this.#places);
  }

  /** The elements of a tensor: a view. */
  view(name: string): Float32Array<ArrayBuffer> {
    return this.#views.get(name)!;
  }

  /** A tensor on the same memory. */
  tensor(name: string): ort.Tensor {
    return this.#tensors.get(name)!;
  }

  /**
   * Overwrites all elements.
   *
   * @throws {RangeError} when a list has another length than its tensor.
   */
  set(values: (name: string) => Float32Array): this {
    for (const [name, view] of this.#views) {
      const list = values(name);
      if (list.length !== view.length) {
        throw new RangeError(`Cannot set "${name}" of ${view.length} elements to ${list.length}`);
      }
      view.set(list);
    }
    return this;
  }

  /** Copies of all tensors. */
  *copies(): IterableIterator<[string, WeightTensor]> {
    for (const { name, shape } of this.#places) {
      yield [name, { shape, dtype: "float32", data: this.view(name).slice() }];
    }
  }
}
