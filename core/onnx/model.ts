/**
 * Reading and writing ONNX model files.
 */

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type GraphProto, type ModelProto, ModelProtoSchema } from "./onnx_pb.ts";
import { decodeTensor, type TensorData } from "./tensor_data.ts";
import { ModelError } from "../errors.ts";

export type { ModelProto } from "./onnx_pb.ts";

/** The file format's version written here; ONNX Runtime 1.18 and later read it. */
export const IR_VERSION = 10;

/** Everything of a model file besides its graph. */
export interface ModelOptions {
  /** Version of the standard operator set. Default 20. */
  opset?: number;
  /** Free key–value pairs, kept in `metadata_props`. Default none. */
  metadata?: Readonly<Record<string, string>>;
  /** A sentence about the model for tools that show models. Default none. */
  description?: string;
}

/**
 * Wraps a graph as a model.
 *
 * @param domains operator domains used besides the standard one; each is imported at version 1.
 */
export function createModel(
  graph: GraphProto,
  domains: Iterable<string> = [],
  options: ModelOptions = {},
): ModelProto {
  const opsets = [{ domain: "", version: BigInt(options.opset ?? 20) }];
  for (const domain of domains) if (domain !== "") opsets.push({ domain, version: 1n });
  return create(ModelProtoSchema, {
    irVersion: BigInt(IR_VERSION),
    producerName: "silop",
    docString: options.description ?? "",
    graph,
    opsetImport: opsets,
    metadataProps: Object.entries(options.metadata ?? {}).map(([key, value]) => ({ key, value })),
  });
}

/** A model as the bytes of an `.onnx` file. */
export function encodeModel(model: ModelProto): Uint8Array<ArrayBuffer> {
  return toBinary(ModelProtoSchema, model);
}

/**
 * Reads the bytes of an `.onnx` file.
 *
 * @throws {ModelError} when they are not an ONNX model.
 */
export function decodeModel(bytes: Uint8Array): ModelProto {
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new ModelError("Cannot read model: the bytes are not an ONNX file", { cause });
  }
  if (!model.graph || model.opsetImport.length === 0) {
    throw new ModelError("Cannot read model: the bytes hold no ONNX graph");
  }
  return model;
}

/** The model's key–value pairs. */
export function readMetadata(model: ModelProto): Record<string, string> {
  return Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value]));
}

/**
 * Replaces the model's key–value pairs that `metadata` names and keeps the others.
 */
export function writeMetadata(model: ModelProto, metadata: Readonly<Record<string, string>>): void {
  const merged = { ...readMetadata(model), ...metadata };
  model.metadataProps = createModel(model.graph!, [], { metadata: merged }).metadataProps;
}

/**
 * The weights and other constants of a model by name, as stored (float16 stays float16; see
 * `toFloat32`). Those of sub-graphs are not included.
 */
export function readInitializers(model: ModelProto): Map<string, TensorData> {
  const initializers = model.graph?.initializer ?? [];
  return new Map(initializers.map((proto) => [proto.name, decodeTensor(proto)]));
}
