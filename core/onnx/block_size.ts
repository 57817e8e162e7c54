/**
 * Which block size ONNX Runtime's blocked CPU operators use on this machine.
 */

import * as ort from "onnxruntime-node";
import { disableTelemetry } from "../telemetry.ts";
import { GraphBuilder } from "./graph_builder.ts";
import { BLOCKED } from "./inference/blocked.ts";

let found: Promise<number | null> | undefined;

/**
 * The number of channels in a block: 16 with AVX-512, 8 with AVX2, `null` where ONNX Runtime has
 * no blocked operators. Found once, by reordering a tiny tensor and looking where its elements go.
 */
export function probeBlockSize(): Promise<number | null> {
  found ??= probe();
  return found;
}

async function probe(): Promise<number | null> {
  const channels = 64;
  const g = new GraphBuilder();
  const x = g.input("x", "float32", [1, channels, 1, 2]);
  const options = { domain: BLOCKED, layout: "plain" } as const;
  g.output("y", g.op("ReorderInput", [x], {}, options));
  disableTelemetry();
  let session: ort.InferenceSession;
  try {
    session = await ort.InferenceSession.create(g.build(), {
      executionProviders: ["cpu"],
      intraOpNumThreads: 1,
      logSeverityLevel: 4,
    });
  } catch {
    return null; // the operators are not registered for this processor
  }
  try {
    // Channel 0 has 0 and 1 in its two columns, channel 1 has 2 and 3, and so on.
    const data = Float32Array.from({ length: 2 * channels }, (_, at) => at);
    const { y } = await session.run({ x: new ort.Tensor("float32", data, x.shape as number[]) });
    // The second column of channel 0 stands behind the first column of one block of channels.
    const size = (y!.data as Float32Array).indexOf(1);
    return size > 1 ? size : null;
  } finally {
    await session.release();
  }
}
