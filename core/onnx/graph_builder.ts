/**
 * A `Graph` with a method for each operator the networks here are made of.
 *
 * ```ts
 * const g = new GraphBuilder();
 * const x = g.input("image", "float32", ["N", 3, "H", "W"]);
 * const w = g.initializer("stem.weight", weights, [16, 3, 3, 3], { storage: "fp16" });
 * const y = g.relu(g.conv(x, w, { strides: 2, pads: 1, name: "stem" }));
 * g.output("features", y);
 * const bytes = g.build({ metadata: { classes: "cat,dog" } });
 * ```
 *
 * Methods take values first, then options; `name` names the node and its output. Where a plain
 * number is allowed for a value it becomes a constant of the other operand's type. Whatever has no
 * method here is reached through `op` and `node`. All of them throw `TypeError`, naming the operator
 * and the shapes, when the inputs do not fit.
 */

import { float, Graph, type NodeOptions, Value } from "./graph.ts";
import { createModel, encodeModel, type ModelOptions } from "./model.ts";
import { serializeGraph } from "./serialize.ts";
import { type DataType, dataTypeCode } from "./tensor_data.ts";
import { mayEqualShapes, type Shape } from "./shape.ts";

export { float, Graph, type Node, Value } from "./graph.ts";
export type { Attributes, ConstantOptions, NodeOptions } from "./graph.ts";
export type { Layout } from "./inference/blocked.ts";
export type { Dim, Shape } from "./shape.ts";
export type { DataType, TensorData, TypedArray } from "./tensor_data.ts";

/** A value, or a number that becomes a scalar constant. */
export type Operand = Value | number;

/** Options every method takes. */
export interface Named {
  /** Name of the node and of its output. Default: the operator's name and a number. */
  name?: string;
}

/** How a window slides over the spatial axes. One number stands for all axes. */
export interface WindowOptions extends Named {
  /** Default 1. */
  strides?: number | readonly number[];
  /** Zeros around the map: one number, or top, left, bottom, right. Default 0. */
  pads?: number | readonly number[];
  /** Instead of `pads`: `SAME_UPPER` gives `ceil(size / stride)`, the odd zero at the end. */
  autoPad?: "SAME_UPPER" | "SAME_LOWER" | "VALID";
  /** Default 1. */
  dilations?: number | readonly number[];
}

/** How a convolution is done. */
export interface ConvOptions extends WindowOptions {
  /** One value for each output channel. Default none. */
  bias?: Value;
  /** Number of groups the channels are split into. Default 1. */
  group?: number;
}

/** How a pooling is done. */
export interface PoolOptions extends WindowOptions {
  /** Whether a last, partial window counts. Default false. */
  ceil?: boolean;
}

/** Along which axes a reduction goes. */
export interface ReduceOptions extends Named {
  /** Whether reduced axes stay, with size 1. Default true. */
  keep?: boolean;
}

/** What one turn of a Loop sees. */
export interface LoopTurn {
  /** Number of the turn, from 0; int64 scalar. */
  readonly iteration: Value;
  /** The state as the turn before left it. */
  readonly state: readonly Value[];
}

/** What one turn of a Loop leaves. */
export interface LoopResult {
  /** As many values as the state has, of the same types. */
  state: readonly Value[];
  /** Values of this turn, which are stacked over the turns. Default none. */
  scans?: readonly Value[];
  /** Whether another turn follows; bool scalar. Default: yes. */
  again?: Value;
}

/** How long a Loop goes on. */
export interface LoopOptions extends Named {
  /** Greatest number of turns; int64 scalar when a value. Default: no limit. */
  count?: Operand;
}

/** A graph under construction, with a method for each operator. */
export class GraphBuilder extends Graph {
  /** The model as the bytes of an `.onnx` file; nodes that no output hangs on are left out. */
  build(options: ModelOptions & { name?: string } = {}): Uint8Array<ArrayBuffer> {
    if (this.outputs.length === 0) throw new TypeError("Cannot build a model without outputs");
    const { graph, domains } = serializeGraph(this, options.name ?? "graph");
    return encodeModel(createModel(graph, domains, options));
  }

  // Arithmetic, with broadcasting.

  /** `a + b`. */
  add(a: Operand, b: Operand, options?: Named): Value {
    return this.#binary("Add", a, b, options);
  }

  /** `a − b`. */
  sub(a: Operand, b: Operand, options?: Named): Value {
    return this.#binary("Sub", a, b, options);
  }

  /** `a · b`, element by element. */
  mul(a: Operand, b: Operand, options?: Named): Value {
    return this.#binary("Mul", a, b, options);
  }

  /** `a / b`. */
  div(a: Operand, b: Operand, options?: Named): Value {
    return this.#binary("Div", a, b, options);
  }

  /** `a` to the power `b`. */
  pow(a: Operand, b: Operand, options?: Named): Value {
    return this.#binary("Pow", a, b, options);
  }

  /** The smaller of two, element by element. */
  min(a: Operand, b: Operand, options?: Named): Value {
    return this.#binary("Min", a, b, options);
  }

  /** The larger of two, element by element. */
  max(a: Operand, b: Operand, options?: Named): Value {
    return this.#binary("Max", a, b, options);
  }

  /** `a = b`; the result is bool. */
  equal(a: Operand, b: Operand, options?: Named): Value {
    return this.#binary("Equal", a, b, options);
  }

  /** `a > b`; the result is bool. */
  greater(a: Operand, b: Operand, options?: Named): Value {
    return this.#binary("Greater", a, b, options);
  }

  /** `a ≥ b`; the result is bool. */
  greaterOrEqual(a: Operand, b: Operand, options?: Named): Value {
    return this.#binary("GreaterOrEqual", a, b, options);
  }

  /** `a < b`; the result is bool. */
  less(a: Operand, b: Operand, options?: Named): Value {
    return this.#binary("Less", a, b, options);
  }

  /** `a` where `condition` (bool) holds, `b` elsewhere. */
  where(condition: Value, a: Operand, b: Operand, options?: Named): Value {
    return this.op("Where", [condition, ...this.#operands(a, b)], {}, options);
  }

  // Functions of one value.

  /** `−x`. */
  neg(x: Value, options?: Named): Value {
    return this.op("Neg", [x], {}, options);
  }

  /** The magnitude of `x`. */
  abs(x: Value, options?: Named): Value {
    return this.op("Abs", [x], {}, options);
  }

  /** `e` to the power `x`. */
  exp(x: Value, options?: Named): Value {
    return this.op("Exp", [x], {}, options);
  }

  /** The natural logarithm. */
  log(x: Value, options?: Named): Value {
    return this.op("Log", [x], {}, options);
  }

  /** The square root. */
  sqrt(x: Value, options?: Named): Value {
    return this.op("Sqrt", [x], {}, options);
  }

  /** `1 / x`. */
  reciprocal(x: Value, options?: Named): Value {
    return this.op("Reciprocal", [x], {}, options);
  }

  /** `max(x, 0)`. */
  relu(x: Value, options?: Named): Value {
    return this.op("Relu", [x], {}, options);
  }

  /** `1 / (1 + exp(−x))`. */
  sigmoid(x: Value, options?: Named): Value {
    return this.op("Sigmoid", [x], {}, options);
  }

  /** The hyperbolic tangent. */
  tanh(x: Value, options?: Named): Value {
    return this.op("Tanh", [x], {}, options);
  }

  /** `max(0, min(1, alpha·x + beta))`. */
  hardSigmoid(x: Value, alpha: number, beta: number, options?: Named): Value {
    return this.op("HardSigmoid", [x], { alpha: float(alpha), beta: float(beta) }, options);
  }

  /** `x` limited to `low..high`; ReLU6 is `clip(x, 0, 6)`. */
  clip(x: Value, low: Operand, high: Operand, options?: Named): Value {
    return this.op("Clip", [x, this.#like(x, low), this.#like(x, high)], {}, options);
  }

  /** `x` converted to another element type. */
  cast(x: Value, dtype: DataType, options?: Named): Value {
    return this.op("Cast", [x], { to: dataTypeCode(dtype) }, options);
  }

  /** `x` under another name. */
  identity(x: Value, options?: Named): Value {
    return this.op("Identity", [x], {}, options);
  }

  /** `exp(x)` over its sum along `axis`. */
  softmax(x: Value, axis = -1, options?: Named): Value {
    return this.op("Softmax", [x], { axis }, options);
  }

  /** The logarithm of `softmax`. */
  logSoftmax(x: Value, axis = -1, options?: Named): Value {
    return this.op("LogSoftmax", [x], { axis }, options);
  }

  // Matrix products.

  /** `…×M×K` by `…×K×N` → `…×M×N`. */
  matMul(a: Value, b: Value, options?: Named): Value {
    return this.op("MatMul", [a, b], {}, options);
  }

  /** `alpha·A·B + beta·C` for `M×K` and `K×N`, either one transposed if so stored. */
  gemm(
    a: Value,
    b: Value,
    options: Named & {
      c?: Value;
      alpha?: number;
      beta?: number;
      transA?: boolean;
      transB?: boolean;
    } = {},
  ): Value {
    const { c, alpha = 1, beta = 1, transA, transB, name } = options;
    return this.op("Gemm", [a, b, c], {
      alpha: alpha === 1 ? undefined : float(alpha),
      beta: beta === 1 ? undefined : float(beta),
      transA: transA ? 1 : undefined,
      transB: transB ? 1 : undefined,
    }, { name });
  }

  // Windows over N×C×H×W.

  /** Correlation of `N×C×H×W` with weights `O×(C/group)×kh×kw` → `N×O×H'×W'`. */
  conv(x: Value, weights: Value, options: ConvOptions = {}): Value {
    const kernel = weights.shape.slice(2);
    const window = windowAttributes(kernel.length, options);
    return this.op("Conv", [x, weights, options.bias], {
      kernel_shape: kernel.every((size) => typeof size === "number") ? kernel : undefined,
      group: options.group ?? 1,
      ...window,
    }, { name: options.name });
  }

  /** The greatest value in each window of `kernel` (one number for a square). */
  maxPool(x: Value, kernel: number | readonly number[], options: PoolOptions = {}): Value {
    // The second output says where each greatest value stood. Gradients use it; else it is not
    // written.
    const attributes = poolAttributes(x, kernel, options);
    return this.op("MaxPool", [x], attributes, { name: options.name, outputs: 2 });
  }

  /** The mean of each window of `kernel`; padding does not count. */
  averagePool(x: Value, kernel: number | readonly number[], options: PoolOptions = {}): Value {
    return this.op("AveragePool", [x], poolAttributes(x, kernel, options), { name: options.name });
  }

  /** The mean over the spatial axes: `N×C×H×W` → `N×C×1×1`. */
  globalAveragePool(x: Value, options?: Named): Value {
    return this.op("GlobalAveragePool", [x], {}, options);
  }

  /**
   * `x` resampled by `scales`, or to `sizes`; one entry for each axis, channels included. Sizes
   * computed in the graph (int64 list) need `shape` to say what is known of them. Default mode:
   * linear with half-pixel centres, as most frameworks do it.
   */
  resize(
    x: Value,
    to: { scales: readonly number[] } | { sizes: readonly number[] } | {
      sizes: Value;
      shape: Shape;
    },
    options: Named & {
      mode?: "nearest" | "linear" | "cubic";
      coordinates?: "half_pixel" | "align_corners" | "asymmetric" | "pytorch_half_pixel";
      nearest?: "round_prefer_floor" | "round_prefer_ceil" | "floor" | "ceil";
    } = {},
  ): Value {
    const scales = "scales" in to ? this.constant(to.scales) : null;
    const sizes = !("sizes" in to)
      ? null
      : to.sizes instanceof Value
      ? to.sizes
      : this.ints(to.sizes);
    const { mode = "linear", coordinates = "half_pixel", nearest, name } = options;
    return this.op("Resize", [x, null, scales, sizes], {
      mode,
      coordinate_transformation_mode: coordinates,
      nearest_mode: nearest,
    }, withShape(x, { name, shape: "shape" in to ? to.shape : undefined }));
  }

  // Reductions. No axes: all of them.

  /** The sum along axes. */
  reduceSum(x: Value, axes: readonly number[] = [], options: ReduceOptions = {}): Value {
    return this.#reduce("ReduceSum", x, axes, options);
  }

  /** The mean along axes. */
  reduceMean(x: Value, axes: readonly number[] = [], options: ReduceOptions = {}): Value {
    return this.#reduce("ReduceMean", x, axes, options);
  }

  /** The greatest element along axes. */
  reduceMax(x: Value, axes: readonly number[] = [], options: ReduceOptions = {}): Value {
    return this.#reduce("ReduceMax", x, axes, options);
  }

  /** The least element along axes. */
  reduceMin(x: Value, axes: readonly number[] = [], options: ReduceOptions = {}): Value {
    return this.#reduce("ReduceMin", x, axes, options);
  }

  /** Where the greatest value along `axis` stands (the first of equals); int64. */
  argMax(x: Value, axis: number, options: ReduceOptions = {}): Value {
    const keepdims = options.keep === false ? 0 : 1;
    return this.op("ArgMax", [x], { axis, keepdims }, { name: options.name });
  }

  // Moving elements.

  /**
   * The elements in another shape; −1 stands for what remains, 0 keeps the axis. A shape computed
   * in the graph (int64 list) needs `shape` to say what is known of it.
   */
  reshape(
    x: Value,
    shape: readonly number[] | Value,
    options: Named & { shape?: Shape } = {},
  ): Value {
    const target = shape instanceof Value ? shape : this.ints(shape);
    return this.op("Reshape", [x, target], {}, withShape(x, options));
  }

  /** Axes in another order; default: reversed. */
  transpose(x: Value, order?: readonly number[], options?: Named): Value {
    return this.op("Transpose", [x], { perm: order }, options);
  }

  /** Without the given axes of size 1. */
  squeeze(x: Value, axes: readonly number[], options?: Named): Value {
    return this.op("Squeeze", [x, this.ints(axes)], {}, options);
  }

  /** With axes of size 1 put in, counted in the result. */
  unsqueeze(x: Value, axes: readonly number[], options?: Named): Value {
    return this.op("Unsqueeze", [x, this.ints(axes)], {}, options);
  }

  /** Stretched over axes of size 1 to `shape`. */
  expand(
    x: Value,
    shape: readonly number[] | Value,
    options: Named & { shape?: Shape } = {},
  ): Value {
    const target = shape instanceof Value ? shape : this.ints(shape);
    return this.op("Expand", [x, target], {}, withShape(x, options));
  }

  /** One after the other along `axis`. */
  concat(values: readonly Value[], axis: number, options?: Named): Value {
    return this.op("Concat", values, { axis }, options);
  }

  /** Pieces of the given sizes along `axis`. */
  split(x: Value, sizes: readonly number[], axis: number, options: Named = {}): Value[] {
    const outputs = sizes.length;
    return this.node("Split", [x, this.ints(sizes)], { axis }, { ...options, outputs });
  }

  /**
   * The part `starts..ends` (end excluded) of the given axes, by Python's rules; an end beyond the
   * axis is its end. Default: the first axes, steps of 1.
   */
  slice(
    x: Value,
    starts: readonly number[],
    ends: readonly number[],
    options: Named & { axes?: readonly number[]; steps?: readonly number[] } = {},
  ): Value {
    const axes = options.axes ?? starts.map((_, axis) => axis);
    const lists = [starts, ends, axes, ...(options.steps ? [options.steps] : [])];
    return this.op("Slice", [x, ...lists.map((l) => this.ints(l))], {}, { name: options.name });
  }

  /**
   * With more elements around: all the counts before each axis, then all those after. Negative
   * counts cut off.
   */
  pad(
    x: Value,
    pads: readonly number[],
    options: Named & { mode?: "constant" | "reflect" | "edge"; value?: Operand } = {},
  ): Value {
    const { mode, value, name } = options;
    const fill = value === undefined ? null : this.#like(x, value);
    return this.op("Pad", [x, this.ints(pads), fill], { mode }, { name });
  }

  // Picking elements by index.

  /** Slices of `x` along `axis` at the places `indices` (int64 or int32) name. */
  gather(x: Value, indices: Value | number, axis = 0, options?: Named): Value {
    const places = typeof indices === "number"
      ? this.constant(indices, [], { dtype: "int64" })
      : indices;
    return this.op("Gather", [x, places], { axis }, options);
  }

  /** For each place in `indices`, the element of `x` there with its index along `axis` replaced. */
  gatherElements(x: Value, indices: Value, axis = 0, options?: Named): Value {
    return this.op("GatherElements", [x, indices], { axis }, options);
  }

  /** `x` with `updates` written, or added, where `gatherElements` would read. */
  scatterElements(
    x: Value,
    indices: Value,
    updates: Value,
    options: Named & { axis?: number; reduction?: "none" | "add" | "mul" | "max" | "min" } = {},
  ): Value {
    const { axis = 0, reduction = "none", name } = options;
    return this.op("ScatterElements", [x, indices, updates], { axis, reduction }, { name });
  }

  /** Lists of `depth` numbers, `on` at the index and `off` elsewhere, along a new `axis`. */
  oneHot(
    indices: Value,
    depth: number,
    options: Named & { axis?: number; off?: number; on?: number; dtype?: DataType } = {},
  ): Value {
    const { axis = -1, off = 0, on = 1, dtype = "float32", name } = options;
    const values = this.constant([off, on], [2], { dtype });
    const count = this.constant(depth, [], { dtype: "int64" });
    return this.op("OneHot", [indices, count, values], { axis }, { name });
  }

  /** The sizes of `x` as an int64 list, known when the model runs. */
  shapeOf(x: Value, options?: Named): Value {
    return this.op("Shape", [x], {}, options);
  }

  // Control.

  /**
   * Repeats a sub-graph. `body` is called once, to build the turn out of a builder of its own; it
   * may use values of this graph as well. Gives the last state, and the scans stacked along a new
   * first axis.
   *
   * @throws {TypeError} when the turn leaves a state of other types than it found.
   */
  loop(
    state: readonly Value[],
    body: (g: GraphBuilder, turn: LoopTurn) => LoopResult,
    options: LoopOptions = {},
  ): { state: Value[]; scans: Value[] } {
    const { count, name = "loop" } = options;
    const g = new GraphBuilder(this, `${name}/`);
    const iteration = g.input(g.freeName("iteration"), "int64", []);
    const going = g.input(g.freeName("going"), "bool", []);
    const before = state.map((v, at) =>
      g.input(g.freeName(`state${at}`), v.dtype, v.shape, v.layout)
    );
    const { state: after, scans = [], again = going } = body(g, { iteration, state: before });
    if (after.length !== state.length) {
      throw new TypeError(`Cannot loop over ${state.length} values: ${after.length} are left`);
    }
    before.forEach((value, at) => checkState(value, after[at]!));
    for (const value of [again, ...after, ...scans]) g.output(g.freeName("result"), value);
    const turns = typeof count === "number" ? count : "?";
    const outputs = [
      ...state,
      ...scans.map(({ dtype, shape }) => ({ dtype, shape: [turns, ...shape] })),
    ];
    const limit = typeof count === "number"
      ? this.constant(count, [], { dtype: "int64" })
      : count ?? null;
    const going0 = this.constant(1, [], { dtype: "bool" });
    const results = this.node("Loop", [limit, going0, ...state], { body: g }, { name, outputs });
    return { state: results.slice(0, state.length), scans: results.slice(state.length) };
  }

  #binary(type: string, a: Operand, b: Operand, options?: Named): Value {
    return this.op(type, this.#operands(a, b), {}, options);
  }

  #operands(a: Operand, b: Operand): [Value, Value] {
    if (typeof a !== "number") return [a, this.#like(a, b)];
    if (typeof b !== "number") return [this.#like(b, a), b];
    return [this.constant(a), this.constant(b)];
  }

  #like(x: Value, operand: Operand): Value {
    return typeof operand === "number" ? this.constant(operand, [], { dtype: x.dtype }) : operand;
  }

  #reduce(type: string, x: Value, axes: readonly number[], options: ReduceOptions): Value {
    const keepdims = options.keep === false ? 0 : 1;
    const inputs = axes.length === 0 ? [x] : [x, this.ints(axes)];
    return this.op(type, inputs, { keepdims }, { name: options.name });
  }
}

/** One number for all axes, or one for each. */
function perAxis(value: number | readonly number[], count: number): readonly number[] {
  return typeof value === "number" ? Array.from({ length: count }, () => value) : value;
}

function windowAttributes(axes: number, options: WindowOptions) {
  if (options.autoPad && options.pads !== undefined) {
    throw new TypeError("Cannot pad a window by both pads and autoPad");
  }
  return {
    strides: perAxis(options.strides ?? 1, axes),
    dilations: perAxis(options.dilations ?? 1, axes),
    auto_pad: options.autoPad,
    pads: options.autoPad ? undefined : perAxis(options.pads ?? 0, 2 * axes),
  };
}

function poolAttributes(x: Value, kernel: number | readonly number[], options: PoolOptions) {
  const axes = x.rank - 2;
  return {
    kernel_shape: perAxis(kernel, axes),
    ceil_mode: options.ceil ? 1 : undefined,
    ...windowAttributes(axes, options),
  };
}

function withShape(x: Value, options: Named & { shape?: Shape }): NodeOptions {
  const { name, shape } = options;
  return shape ? { name, outputs: [{ dtype: x.dtype, shape }] } : { name };
}

function checkState(before: Value, after: Value): void {
  const [was, is] = [before, after].map(({ dtype, shape }) => `${dtype}[${shape}]`);
  if (before.dtype !== after.dtype || !mayEqualShapes(before.shape, after.shape)) {
    throw new TypeError(`Cannot loop: "${before.name}" starts as ${was} and is left as ${is}`);
  }
}
