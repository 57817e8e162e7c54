/** Runs a model in ONNX Runtime, for tests. */

import * as ort from "onnxruntime-node";
import { type DataType, tensorData, type TypedArray } from "../../../core/onnx/tensor_data.ts";
import { disableTelemetry } from "../../../core/telemetry.ts";

export interface Output {
  dims: readonly number[];
  data: TypedArray;
}

export type Feeds = Record<
  string,
  { data: readonly number[] | TypedArray; shape: readonly number[]; dtype?: DataType }
>;

/** The outputs of one run of a model. Constant folding and fusions as in production. */
export async function run(model: Uint8Array, feeds: Feeds = {}): Promise<Record<string, Output>> {
  disableTelemetry();
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  try {
    const tensors: Record<string, ort.Tensor> = {};
    for (const [name, { data, shape, dtype }] of Object.entries(feeds)) {
      const tensor = tensorData(data, shape, dtype);
      tensors[name] = new ort.Tensor(tensor.dtype, tensor.data as Float32Array, tensor.shape);
    }
    const results = await session.run(tensors);
    return Object.fromEntries(
      Object.entries(results).map(([name, tensor]) => [
        name,
        { dims: tensor.dims, data: (tensor.data as Float32Array).slice() },
      ]),
    );
  } finally {
    await session.release();
  }
}
