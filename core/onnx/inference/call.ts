/**
 * What an inference rule sees of the node it is asked about.
 */

import type { DataType, TensorData } from "../tensor_data.ts";
import { isFloat, toNumbers } from "../tensor_data.ts";
import { type Shape, shapeText } from "../shape.ts";
import type { Attributes, Value } from "../graph.ts";
import type { Layout } from "./blocked.ts";

/** Element type and sizes of a value. */
export interface ValueType {
  readonly dtype: DataType;
  readonly shape: Shape;
  /** Order of the elements. Default: found from operator and inputs. */
  readonly layout?: Layout;
}

/** Finds the types of a node's outputs; throws `TypeError` where the inputs do not fit. */
export type InferenceRule = (call: Call) => ValueType | ValueType[];

/** Rules by operator; operators of other domains than the standard one as `domain:Operator`. */
export type InferenceTable = Readonly<Record<string, InferenceRule>>;

/** One use of an operator, before its outputs are known. */
export class Call {
  constructor(
    /** The operator, e.g. `Conv`. */
    readonly type: string,
    /** The node's name, for messages. */
    readonly name: string,
    readonly inputs: readonly (Value | null)[],
    readonly attributes: Attributes,
    /** How many outputs are asked for. */
    readonly outputCount: number,
  ) {}

  /** The input at `index`, which must be there. */
  input(index: number): Value {
    return this.inputs[index] ?? this.fail(`input ${index} is missing`);
  }

  /** The shape of an input, of a given rank where one is given. */
  shape(index: number, rank?: number): Shape {
    const { shape } = this.input(index);
    if (rank !== undefined && shape.length !== rank) {
      this.fail(`input ${index} must have ${rank} axes, has ${shape.length}`);
    }
    return shape;
  }

  /** Checks that an input is of a floating-point type and gives that type. */
  float(index: number): DataType {
    const { dtype } = this.input(index);
    return isFloat(dtype) ? dtype : this.fail(`input ${index} must be float, is ${dtype}`);
  }

  /** Checks that all inputs from `from` on have one element type and gives that type. */
  commonType(from = 0, to = this.inputs.length): DataType {
    const { dtype } = this.input(from);
    for (const value of this.inputs.slice(from, to)) {
      if (value && value.dtype !== dtype) {
        this.fail(`the inputs mix ${dtype} and ${value.dtype}`);
      }
    }
    return dtype;
  }

  /** An integer attribute. */
  int(name: string, otherwise: number): number {
    const value = this.attributes[name];
    return typeof value === "number" ? value : otherwise;
  }

  /** An attribute that is a list of integers. */
  ints(name: string): readonly number[] | null {
    const value = this.attributes[name];
    return Array.isArray(value) ? value as readonly number[] : null;
  }

  /** A text attribute. */
  text(name: string, otherwise: string): string {
    const value = this.attributes[name];
    return typeof value === "string" ? value : otherwise;
  }

  /** The elements of a constant input, or `null` when it is absent or not a constant. */
  constant(index: number): number[] | null {
    const data: TensorData | null = this.inputs[index]?.data ?? null;
    return data && toNumbers(data);
  }

  /** The elements of an input that must be a constant when it is given; `null` when absent. */
  known(index: number): number[] | null {
    if (!this.inputs[index]) return null;
    return this.constant(index) ??
      this.fail(`input ${index} is not a constant, so the shape must be given as an option`);
  }

  /** An axis counted from the front, for a tensor of rank `rank`. */
  axis(axis: number, rank: number): number {
    if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
      this.fail(`axis ${axis} is outside a tensor of ${rank} axes`);
    }
    return axis < 0 ? axis + rank : axis;
  }

  /** Throws a `TypeError` that names the operator, the node and the input shapes. */
  fail(reason: string): never {
    const shapes = this.inputs.map((value) => value ? shapeText(value.shape) : "none").join(", ");
    throw new TypeError(`Cannot apply ${this.type} "${this.name}" to ${shapes}: ${reason}`);
  }
}
