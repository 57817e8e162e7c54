import { BATCH_NORM_EPSILON, batchNorm } from "../../../core/nets/batch_norm.ts";
import { pixelCrossEntropy } from "../../../core/nets/pixel_cross_entropy.ts";
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
    const factor = scale!.data[c]! / Math.sqrt(variance + BATCH_NORM_EPSILON);
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

Deno.test("pixelCrossEntropy() has the right value and gradient", () => {
  const targets = [3, 0, 4, 4, 1, 2, 0];
  const [classes, pixels] = [5, targets.length];
  return checkGradients({
    inputs: [[classes, pixels]],
    build: (g, [scores]) =>
      pixelCrossEntropy(g, scores!, g.constant(targets, [pixels], { dtype: "int64" })),
    reference: ([scores]) => {
      const losses = targets.map((target, p) => {
        const column = Array.from({ length: classes }, (_, c) => scores!.data[c * pixels + p]!);
        const sum = column.reduce((total, score) => total + Math.exp(score), 0);
        return Math.log(sum) - column[target]!;
      });
      const mean = losses.reduce((a, b) => a + b) / pixels;
      return { shape: [], data: Float64Array.of(mean) };
    },
    range: [-3, 3],
  });
});
