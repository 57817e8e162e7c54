/** What a network answers. */

import * as ort from "onnxruntime-node";
import { disableTelemetry } from "../../../core/telemetry.ts";
import { seededRamp } from "./seeded_weights.ts";

const [WIDTH, HEIGHT] = [48, 32];

/** Opens a network, asks it about a seeded image of 48×32 pixels, and gives its outputs by name. */
export async function openNumbers(model: Uint8Array): Promise<Record<string, Float32Array>> {
  disableTelemetry();
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1 });
  const image = seededRamp("image", 3 * WIDTH * HEIGHT, -2, 2);
  const outputs = await session.run({
    image: new ort.Tensor("float32", image, [1, 3, HEIGHT, WIDTH]),
  });
  const numbers = Object.entries(outputs).map(([name, { data }]) => [name, data as Float32Array]);
  await session.release();
  return Object.fromEntries(numbers);
}
