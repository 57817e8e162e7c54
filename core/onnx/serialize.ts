/**
 * From `Graph` to ONNX messages.
 */

import { create } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProto_AttributeType as Type,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./onnx_pb.ts";
import { Graph, type Node, type Value } from "./graph.ts";
import { dataTypeCode, encodeTensor } from "./tensor_data.ts";

/** What a graph needs of the rest of a model file. */
export interface SerializedGraph {
  graph: GraphProto;
  /** Domains of the operators in it and in its sub-graphs. */
  domains: Set<string>;
}

/** Writes the part of a graph that its outputs hang on. */
export function serializeGraph(graph: Graph, name: string): SerializedGraph {
  const live = reachable(graph.outputs);
  const domains = new Set<string>();
  return { graph: encodeGraph(graph, name, live, domains), domains };
}

/** The nodes that some values hang on, those of sub-graphs included, and the values they use. */
function reachable(outputs: readonly Value[]): Set<Node | Value> {
  const seen = new Set<Node | Value>();
  const pending = [...outputs];
  for (let value = pending.pop(); value; value = pending.pop()) {
    seen.add(value);
    if (!value.node || seen.has(value.node)) continue;
    seen.add(value.node);
    for (const input of value.node.inputs) if (input) pending.push(input);
    for (const attribute of Object.values(value.node.attributes)) {
      if (attribute instanceof Graph) pending.push(...attribute.outputs);
    }
  }
  return seen;
}

function encodeGraph(
  graph: Graph,
  name: string,
  live: ReadonlySet<Node | Value>,
  domains: Set<string>,
): GraphProto {
  const constants = graph.constants.filter((value) => live.has(value));
  return create(GraphProtoSchema, {
    name,
    node: graph.nodes.filter((node) => live.has(node)).map((n) => encodeNode(n, live, domains)),
    initializer: [...graph.initializers, ...constants].map((value) =>
      encodeTensor(value.data!, value.name)
    ),
    input: graph.inputs.map(encodeValueInfo),
    output: graph.outputs.map(encodeValueInfo),
  });
}

function encodeNode(
  node: Node,
  live: ReadonlySet<Node | Value>,
  domains: Set<string>,
): NodeProto {
  domains.add(node.domain);
  const attribute: AttributeProto[] = [];
  for (const [name, value] of Object.entries(node.attributes)) {
    if (value === undefined) continue;
    const proto = create(AttributeProtoSchema, { name });
    if (value instanceof Graph) {
      proto.type = Type.GRAPH;
      proto.g = encodeGraph(value, `${node.name}_${name}`, live, domains);
    } else {
      fillAttribute(proto, value);
    }
    attribute.push(proto);
  }
  return create(NodeProtoSchema, {
    name: node.name,
    opType: node.type,
    domain: node.domain,
    input: node.inputs.map((value) => value?.name ?? ""),
    output: neededOutputs(node, live).map((value) => value.name),
    attribute,
  });
}

/** All outputs, but of MaxPool the optional second one, which costs time, only where it is used. */
function neededOutputs(node: Node, live: ReadonlySet<Node | Value>): readonly Value[] {
  const [first, second] = node.outputs;
  return node.type === "MaxPool" && second && !live.has(second) ? [first!] : node.outputs;
}

type PlainAttribute = Exclude<Node["attributes"][string], Graph | undefined>;

function fillAttribute(proto: AttributeProto, value: PlainAttribute): void {
  const text = new TextEncoder();
  if (typeof value === "number") {
    proto.type = Type.INT;
    proto.i = BigInt(value);
  } else if (typeof value === "string") {
    proto.type = Type.STRING;
    proto.s = text.encode(value);
  } else if ("dtype" in value) {
    proto.type = Type.TENSOR;
    proto.t = encodeTensor(value);
  } else if ("float" in value) {
    if (typeof value.float === "number") {
      proto.type = Type.FLOAT;
      proto.f = value.float;
    } else {
      proto.type = Type.FLOATS;
      proto.floats = [...value.float];
    }
  } else if (typeof value[0] === "string") {
    proto.type = Type.STRINGS;
    proto.strings = (value as readonly string[]).map((item) => text.encode(item));
  } else {
    proto.type = Type.INTS;
    proto.ints = (value as readonly number[]).map(BigInt);
  }
}

function encodeValueInfo(value: Value): ValueInfoProto {
  const dim = value.shape.map((size) => ({
    value: typeof size === "number"
      ? { case: "dimValue" as const, value: BigInt(size) }
      : { case: "dimParam" as const, value: size },
  }));
  const tensor = { elemType: dataTypeCode(value.dtype), shape: { dim } };
  return create(ValueInfoProtoSchema, {
    name: value.name,
    type: { value: { case: "tensorType", value: tensor } },
  });
}
