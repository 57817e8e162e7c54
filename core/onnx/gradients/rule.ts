/**
 * What a gradient rule is, and the steps rules are made of.
 */

import type { GraphBuilder, Node, Value } from "../graph_builder.ts";
import { tensorData } from "../tensor_data.ts";
import { isStatic, multiplyDims } from "../shape.ts";

/** One node on the way back, with the gradient of the loss by its outputs. */
export interface Backward {
  readonly g: GraphBuilder;
  readonly node: Node;
  /** The gradient by the first output. */
  readonly dy: Value;
  /** The gradients by all outputs; `null` where the loss does not hang on one. */
  readonly dys: readonly (Value | null)[];
  /** The first output. */
  readonly y: Value;
  /** The inputs; those left out by the node are missing at run time too, so check before use. */
  readonly x: readonly Value[];
}

/**
 * Gives, for each input of a node, how the gradient by it is made; only those that are needed are
 * called. An input without an entry has no gradient (indices, axes, shapes).
 */
export type GradientRule = (back: Backward) => readonly ((() => Value) | undefined)[];

/** Rules by operator; operators of other domains than the standard one as `domain:Operator`. */
export type GradientTable = Readonly<Record<string, GradientRule>>;

/** An integer attribute of a node. */
export function int(node: Node, name: string, otherwise: number): number {
  const value = node.attributes[name];
  return typeof value === "number" ? value : otherwise;
}

/** An attribute that is a list of integers. */
export function ints(node: Node, name: string): readonly number[] | null {
  const value = node.attributes[name];
  return Array.isArray(value) ? value as readonly number[] : null;
}

/** A floating-point attribute of a node. */
export function number(node: Node, name: string, otherwise: number): number {
  const value = node.attributes[name];
  return typeof value === "object" && "float" in value ? Number(value.float) : otherwise;
}

/** An axis counted from the front. */
export function positive(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** Throws for what a rule does not cover. */
export function refuse(node: Node, reason: string): never {
  throw new TypeError(`Cannot differentiate ${node.type} "${node.name}": ${reason}`);
}

/**
 * The sum along axes in two stages, the last axis first. A single float32 accumulator over a whole
 * image loses three digits; rows and then columns lose none to speak of.
 */
export function sumInStages(
  g: GraphBuilder,
  x: Value,
  axes: readonly number[],
  keep: boolean,
): Value {
  const large = axes.filter((axis) => x.dim(axis) !== 1).sort((a, b) => a - b);
  const last = large.pop();
  if (last === undefined || large.length === 0) return g.reduceSum(x, axes, { keep });
  return g.reduceSum(g.reduceSum(x, [last]), axes, { keep });
}

/** Undoes broadcasting: sums `d` along the axes on which `x` was stretched to its shape. */
export function sumTo(g: GraphBuilder, d: Value, x: Value): Value {
  if (d.rank === x.rank && x.shape.every((dim, axis) => dim === d.shape[axis])) return d;
  const extra = d.rank - x.rank;
  const axes = d.shape.flatMap((dim, axis) =>
    axis < extra || (x.shape[axis - extra] === 1 && dim !== 1) ? [axis] : []
  );
  const sum = axes.length === 0 ? d : sumInStages(g, d, axes, true);
  return extra === 0 ? sum : g.squeeze(sum, Array.from({ length: extra }, (_, axis) => axis));
}

/** `d` with the shape of `x`, which holds as many elements, and in its layout. */
export function reshapeLike(g: GraphBuilder, d: Value, x: Value): Value {
  const outputs = [{ dtype: d.dtype, shape: x.shape }];
  const open = x.shape.filter((dim) => typeof dim === "string").length;
  const sizes = open > 1
    ? g.shapeOf(x)
    : g.ints(x.shape.map((dim) => typeof dim === "number" ? dim : -1));
  return g.op("Reshape", [d, sizes], {}, { outputs, layout: x.layout });
}

/** `d` stretched to the shape of `x`. */
export function stretchTo(g: GraphBuilder, d: Value, x: Value): Value {
  if (isStatic(x.shape)) return g.expand(d, x.shape);
  return g.expand(d, g.shapeOf(x), { shape: x.shape });
}

/** Zeros of the shape and type of `x`. */
export function zerosLike(g: GraphBuilder, x: Value): Value {
  const value = tensorData([0], [1], x.dtype);
  const outputs = [{ dtype: x.dtype, shape: x.shape }];
  const sizes = isStatic(x.shape) ? g.ints(x.shape) : g.shapeOf(x);
  return g.op("ConstantOfShape", [sizes], { value }, { outputs, layout: x.layout });
}

/** 1 where `x` is above `bound` and 0 elsewhere, as a factor. */
export function above(g: GraphBuilder, x: Value, bound: number): Value {
  if (x.dtype !== "float32") return g.cast(g.greater(x, bound), x.dtype);
  // A steep HardSigmoid is ten times faster than comparing and casting. The slope is a power of
  // two, so that no rounding can make slope·x − slope·bound positive where x equals the bound.
  return g.hardSigmoid(x, SLOPE, -SLOPE * Math.fround(bound));
}

/** 1 where `x` is below `bound` and 0 elsewhere, as a factor. */
export function below(g: GraphBuilder, x: Value, bound: number): Value {
  if (x.dtype !== "float32") return g.cast(g.less(x, bound), x.dtype);
  return g.hardSigmoid(x, -SLOPE, SLOPE * Math.fround(bound));
}

const SLOPE = 2 ** 100;

/** How many elements of `x` go into one element of a reduction along `axes`, as a scalar. */
export function countAlong(g: GraphBuilder, x: Value, axes: readonly number[]): Value {
  const count = multiplyDims(1, ...axes.map((axis) => x.dim(axis)));
  if (typeof count === "number") return g.constant(count, [], { dtype: x.dtype });
  const sizes = g.gather(g.shapeOf(x), g.ints(axes));
  return g.cast(g.op("ReduceProd", [sizes], { keepdims: 0 }), x.dtype);
}
