import { batchNorm } from "../../../core/nets/batch_norm.ts";
import { NORM_EPSILON } from "../../../core/nets/network_layers.ts";
import { probeBlockSize } from "../../../core/onnx/block_size.ts";
import { createLayers } from "../../../core/onnx/layouts.ts";
import { checkGradients, type Tensor64 } from "../onnx/gradient_check.ts";

const block = await probeBlockSize();
const CHANNELS = 16;

/** Normalisation by the statistics of the batch, in float64. */
function batchNorm64([x, scale, shift]: Tensor64[], relu: boolean): Tensor64 {
  const [images, channels, height, width] = x!.shape as [number, number, number, number];
  const size = height * width;
  const data = new Float64Array(x!.data.length);
  for (let c = 0; c < channels; c++) {
    const places = Array.from(
      { length: images * size },
      (_, at) => (Math.floor(at / size) * channels + c) * size + at % size,
    );
    const mean = places.reduce((sum, p) => sum + x!.data[p]!, 0) / places.length;
    const variance = places.reduce((sum, p) => sum + (x!.data[p]! - mean) ** 2, 0) / places.length;
    const factor = scale!.data[c]! / Math.sqrt(variance + NORM_EPSILON);
    for (const p of places) {
      const y = factor * (x!.data[p]! - mean) + shift!.data[c]!;
      data[p] = relu ? Math.max(0, y) : y;
    }
  }
  return { shape: x!.shape, data };
}

for (const [kind, blockSize] of [["portable", null], ["blocked", block]] as const) {
  for (const activation of [undefined, "relu"] as const) {
    Deno.test({
      name: `batchNorm() has the right value and gradients when ${kind}, ${
        activation ? "with ReLU" : "alone"
      }`,
      ignore: kind === "blocked" && blockSize === null,
      fn: () =>
        checkGradients({
          inputs: [[2, CHANNELS, 3, 5], [CHANNELS], [CHANNELS]],
          build: (g, [x, scale, shift]) => {
            const layers = createLayers(g, blockSize);
            const parameters = { scale: scale!, shift: shift! };
            const y = batchNorm(g, layers, layers.enter(x!), parameters, { activation });
            return layers.leave(y, CHANNELS);
          },
          reference: (inputs) => batchNorm64(inputs, activation === "relu"),
        }),
    });
  }
}
