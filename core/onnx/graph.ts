/**
 * A computation as a list of nodes, each an ONNX operator applied to earlier values.
 *
 * `Graph` knows how nodes are joined, named and checked; `GraphBuilder` adds a method for each
 * operator. Nodes stand in topological order by construction, and every value knows the node it
 * comes from, so that a graph can be walked in both directions.
 */

import {
  bytesOf,
  type DataType,
  dataTypeCode,
  type TensorData,
  tensorData,
  toFloat16,
  toFloat32,
  type TypedArray,
} from "./tensor_data.ts";
import type { Dim, Shape } from "./shape.ts";
import { Call, type ValueType } from "./inference/call.ts";
import { inferenceRules } from "./inference/table.ts";
import { type Layout, resultLayout } from "./inference/blocked.ts";

/**
 * The compile-time arguments of a node. A number is an ONNX `int`; where an operator wants a
 * `float` (`alpha`, `epsilon`, …) write `float(0.5)`. `undefined` leaves the attribute out.
 */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

/** One compile-time argument. */
export type AttributeValue =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | FloatAttribute
  | TensorData
  | Graph;

/** A number, or list of numbers, to be stored as ONNX `float`. */
export interface FloatAttribute {
  readonly float: number | readonly number[];
}

/** Marks an attribute as ONNX `float` or `floats`. */
export function float(value: number | readonly number[]): FloatAttribute {
  return { float: value };
}

/** An operator applied to values. */
export interface Node {
  /** The operator, e.g. `Conv`. */
  readonly type: string;
  /** The operator's domain; empty for the standard operators. */
  readonly domain: string;
  readonly name: string;
  /** `null` is an optional input left out. */
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
}

/** A tensor that will exist when the model runs: an input, a constant, or a node's output. */
export class Value implements ValueType {
  /** Made by `Graph` only. */
  constructor(
    /** The graph it belongs to; usable there and in the graph's Loop bodies. */
    readonly graph: Graph,
    /** Unique in the model. An output of the model takes the name it is given there. */
    public name: string,
    readonly dtype: DataType,
    readonly shape: Shape,
    /** The node it comes from; `null` for inputs and constants. */
    readonly node: Node | null = null,
    /** The elements of a constant. */
    readonly data: TensorData | null = null,
    /** The order of its elements; see `layouts.ts`. */
    readonly layout: Layout = "plain",
  ) {}

  /** Number of axes. */
  get rank(): number {
    return this.shape.length;
  }

  /** The size of an axis; negative axes count from the end. `RangeError` where there is none. */
  dim(axis: number): Dim {
    const dim = this.shape.at(axis);
    if (dim === undefined) throw new RangeError(`Cannot take axis ${axis} of ${this.rank} axes`);
    return dim;
  }

  /** The size of an axis as a number; `TypeError` where it is only known at run time. */
  size(axis: number): number {
    const dim = this.dim(axis);
    if (typeof dim === "number") return dim;
    throw new TypeError(
      `Cannot use "${this.name}": the size of axis ${axis}, ${dim}, is not fixed`,
    );
  }
}

/** How a node is added. */
export interface NodeOptions {
  /** Name of the node and of its output. Default: the operator's name and a number. */
  name?: string;
  /** Default: the standard domain. */
  domain?: string;
  /**
   * The number of outputs, default 1; or their types, which are needed where an operator has no
   * inference rule here or its output shape hangs on values known only at run time.
   */
  outputs?: number | readonly ValueType[];
  /**
   * Says outright in which order the elements of the outputs are, and lets the node work on blocked
   * values whatever it is. Default: found from operator and inputs.
   */
  layout?: Layout;
}

/** How a constant is kept in the file. */
export interface ConstantOptions {
  /** Default: what the typed array holds, `float32` for plain numbers. */
  dtype?: DataType;
  /**
   * `"fp16"` keeps float32 weights as float16 behind a Cast that the runtime folds away when it
   * loads the model: half the file, 11 significant bits. Default: as given.
   */
  storage?: "fp16";
}

/** Constants of up to this many elements are shared when equal. */
const SHARED_CONSTANT_SIZE = 64;

/** A graph under construction. */
export class Graph {
  /** In topological order. */
  readonly nodes: Node[] = [];
  readonly inputs: Value[] = [];
  /** Named outputs, in the order they were declared. */
  readonly outputs: Value[] = [];
  /** Constants under names the caller chose; always written. */
  readonly initializers: Value[] = [];
  /** Constants under made-up names; written where used. */
  readonly constants: Value[] = [];

  /** The graph this one is a Loop body in. */
  readonly parent: Graph | null;
  readonly #names: Set<string>;
  /** How often each made-up name was given out. */
  readonly #counts: Map<string, number>;
  readonly #shared = new Map<string, Value>();
  #scope = "";

  constructor(parent: Graph | null = null, scope = "") {
    this.parent = parent;
    // Names must not repeat in sub-graphs either.
    this.#names = parent ? parent.#names : new Set();
    this.#counts = parent ? parent.#counts : new Map();
    this.#scope = (parent ? parent.#scope : "") + scope;
  }

  /** Declares an input of the model. Sizes may be symbols, e.g. `["N", 3, "H", "W"]`. */
  input(name: string, dtype: DataType, shape: Shape, layout: Layout = "plain"): Value {
    const value = new Value(this, this.#claim(name), dtype, [...shape], null, null, layout);
    this.inputs.push(value);
    return value;
  }

  /**
   * A constant: a number (a scalar), or elements with their shape (default: a list).
   *
   * @throws {TypeError} when the number of elements does not fit `shape`.
   */
  constant(
    data: number | TypedArray | readonly number[],
    shape?: readonly number[],
    options: ConstantOptions = {},
  ): Value {
    const elements = typeof data === "number" ? [data] : data;
    const sizes = shape ?? (typeof data === "number" ? [] : [elements.length]);
    const tensor = tensorData(elements, sizes, options.dtype);
    if (options.storage === "fp16") return this.#fp16(tensor, this.#unique("weight_fp16"), false);
    const key = tensor.data.length <= SHARED_CONSTANT_SIZE
      ? `${tensor.dtype}[${sizes}]${bytesOf(tensor.data)}`
      : null;
    const known = key && this.#shared.get(key);
    if (known) return known;
    const value = this.#store(tensor, this.#unique("constant"), this.constants);
    if (key) this.#shared.set(key, value);
    return value;
  }

  /** A list of int64 numbers, as operators want for axes and shapes. */
  ints(values: readonly number[]): Value {
    return this.constant(values, [values.length], { dtype: "int64" });
  }

  /**
   * A constant under a name of its own, such as a trained weight, by which it can be found again
   * in the file. With `storage: "fp16"` the name is that of the float16 elements.
   */
  initializer(
    name: string,
    data: TypedArray | readonly number[],
    shape: readonly number[],
    options: ConstantOptions = {},
  ): Value {
    const tensor = tensorData(data, shape, options.dtype);
    this.#claim(name);
    if (options.storage === "fp16") return this.#fp16(tensor, name, true);
    return this.#store(tensor, name, this.initializers);
  }

  /**
   * Adds a node with one output (or of which only the first is wanted).
   *
   * @throws {TypeError} when the inputs do not fit the operator, or come from elsewhere.
   */
  op(
    type: string,
    inputs: readonly (Value | null | undefined)[],
    attributes: Attributes = {},
    options: NodeOptions = {},
  ): Value {
    return this.node(type, inputs, attributes, options)[0]!;
  }

  /** Adds a node and gives all its outputs. Throws as `op` does. */
  node(
    type: string,
    inputs: readonly (Value | null | undefined)[],
    attributes: Attributes = {},
    options: NodeOptions = {},
  ): Value[] {
    const { domain = "", outputs = 1 } = options;
    const name = this.#unique(options.name ?? snakeCase(type), options.name === undefined);
    const given = inputs.map((value) => value ?? null);
    for (const value of given) if (value) this.#checkOrigin(value, type);
    while (given.length > 0 && given.at(-1) === null) given.pop();
    checkAttributes(type, attributes);
    const count = typeof outputs === "number" ? outputs : outputs.length;
    const call = new Call(type, name, given, attributes, count);
    const types = typeof outputs === "number" ? this.#infer(domain, call) : outputs;
    const found = options.layout ?? resultLayout(domain, call);
    const values: Value[] = [];
    const node: Node = { type, domain, name, inputs: given, outputs: values, attributes };
    types.slice(0, count).forEach(({ dtype, shape, layout = found }, index) => {
      const label = index === 0 ? name : this.#claim(`${name}:${index}`);
      values.push(new Value(this, label, dtype, [...shape], node, null, layout));
    });
    this.nodes.push(node);
    return values;
  }

  /**
   * Declares an output of the model. The value takes the name; a second node carries it where
   * the value already is an input, a constant or another output.
   */
  output(name: string, value: Value): void {
    this.#checkOrigin(value, "output");
    if (value.layout === "blocked" && !this.parent) {
      throw new TypeError(`Cannot add output "${name}": "${value.name}" is in blocked layout`);
    }
    const taken = value.node === null || value.graph !== this || this.outputs.includes(value);
    if (value.name !== name) this.#claim(name);
    else if (taken) throw new TypeError(`Cannot add output "${name}": the name is taken`);
    const named = taken ? this.op("Identity", [value]) : value;
    named.name = name;
    this.outputs.push(named);
  }

  /** Puts `name/` before the names of all nodes added while `build` runs. */
  scope<T>(name: string, build: () => T): T {
    const outer = this.#scope;
    this.#scope = `${outer}${name}/`;
    try {
      return build();
    } finally {
      this.#scope = outer;
    }
  }

  /** A name in scope that is not taken, made from `base`. It is not reserved. */
  freeName(base: string): string {
    const scoped = this.#scope + base;
    for (let number = 1;; number++) {
      const name = number === 1 ? scoped : `${scoped}_${number}`;
      if (!this.#names.has(name)) return name;
    }
  }

  /** Whether values of `graph` may be used here. */
  sees(graph: Graph): boolean {
    return graph === this || (this.parent?.sees(graph) ?? false);
  }

  #infer(domain: string, call: Call): readonly ValueType[] {
    const rule = inferenceRules[domain ? `${domain}:${call.type}` : call.type];
    if (!rule) call.fail("no inference rule is known, so the output types must be given");
    const types = rule(call);
    const list = Array.isArray(types) ? types : [types];
    if (list.length < call.outputCount) call.fail(`it has no ${call.outputCount} outputs`);
    return list;
  }

  #store(tensor: TensorData, name: string, list: Value[]): Value {
    const value = new Value(this, name, tensor.dtype, tensor.shape, null, tensor);
    list.push(value);
    return value;
  }

  #fp16(tensor: TensorData, name: string, named: boolean): Value {
    const half = toFloat16({ ...tensor, data: toFloat32(tensor), dtype: "float32" });
    const stored = this.#store(half, name, named ? this.initializers : this.constants);
    return this.op("Cast", [stored], { to: dataTypeCode("float32") });
  }

  #checkOrigin(value: Value, type: string): void {
    if (!this.sees(value.graph)) {
      throw new TypeError(`Cannot use "${value.name}" in ${type}: it belongs to another graph`);
    }
  }

  /** Reserves a name exactly as given. */
  #claim(name: string): string {
    if (name === "") throw new TypeError("Cannot name a value: the name is empty");
    if (this.#names.has(name)) throw new TypeError(`Cannot name a value "${name}": it is taken`);
    this.#names.add(name);
    return name;
  }

  /** Reserves a name in scope made from `base`, numbered always or only where it is taken. */
  #unique(base: string, numbered = true): string {
    if (!numbered) return this.#claim(this.freeName(base));
    const scoped = this.#scope + base;
    let number = this.#counts.get(scoped) ?? 0;
    do number++; while (this.#names.has(`${scoped}_${number}`));
    this.#counts.set(scoped, number);
    return this.#claim(`${scoped}_${number}`);
  }
}

/** `GlobalAveragePool` → `global_average_pool`. */
function snakeCase(type: string): string {
  return type.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toLowerCase();
}

function checkAttributes(type: string, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    const numbers = typeof value === "number" ? [value] : Array.isArray(value) ? value : [];
    for (const number of numbers) {
      if (typeof number === "number" && !Number.isSafeInteger(number)) {
        throw new TypeError(`Cannot set ${type}'s ${name} to ${number}: write float(…)`);
      }
    }
  }
}
