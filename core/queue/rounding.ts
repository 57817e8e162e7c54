/** How this machine rounds the sums of networks. */

import { createHash } from "node:crypto";
import * as ort from "onnxruntime-node";
import { Pcg64 } from "../../kernels/pcg64.ts";
import { GraphBuilder } from "../onnx/graph_builder.ts";
import { disableTelemetry } from "../telemetry.ts";

const SIDE = 23;
const CHANNELS = 32;

/**
 * A short digest of what a small network of seeded weights answers. Two processors for which it differs
 * round differently, so that their results are not alike byte for byte; where it is the same they very
 * likely are.
 *
 * @param threads Native threads.
 */
export async function probeRounding(threads: number): Promise<string> {
  const random = new Pcg64(1);
  const values = (count: number) =>
    Float32Array.from({ length: count }, () => random.uniform() - 0.5);
  const g = new GraphBuilder();
  const image = g.input("image", "float32", [1, 3, SIDE, SIDE]);
  const first = g.initializer("first", values(CHANNELS * 27), [CHANNELS, 3, 3, 3]);
  const each = g.initializer("each", values(CHANNELS * 9), [CHANNELS, 1, 3, 3]);
  const mix = g.initializer("mix", values(CHANNELS ** 2), [CHANNELS, CHANNELS, 1, 1]);
  const last = g.initializer("last", values(CHANNELS * 9), [CHANNELS, 9]);
  let x = g.relu(g.conv(image, first, { pads: 1 }));
  x = g.conv(x, each, { pads: 1, group: CHANNELS });
  x = g.sigmoid(g.conv(x, mix));
  g.output("maps", x);
  g.output("scores", g.softmax(g.matMul(g.reduceMean(x, [2, 3], { keep: false }), last)));
  disableTelemetry();
  const session = await ort.InferenceSession.create(g.build(), {
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
  try {
    const input = new ort.Tensor("float32", values(3 * SIDE * SIDE), [1, 3, SIDE, SIDE]);
    const { maps, scores } = await session.run({ image: input });
    const digest = createHash("sha256");
    for (const tensor of [maps!, scores!]) {
      const { buffer, byteOffset, byteLength } = tensor.data as Float32Array;
      digest.update(new Uint8Array(buffer, byteOffset, byteLength));
    }
    return digest.digest("hex").slice(0, 8);
  } finally {
    await session.release();
  }
}
