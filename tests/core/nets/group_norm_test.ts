import assert from "node:assert/strict";
import { groupNorm } from "../../../core/nets/group_norm.ts";
import { probeBlockSize } from "../../../core/onnx/block_size.ts";
import { GraphBuilder } from "../../../core/onnx/graph_builder.ts";
import { createLayers } from "../../../core/onnx/layouts.ts";
import { checkGradients, type Tensor64 } from "../onnx/gradient_check.ts";

const block = await probeBlockSize();
const [CHANNELS, GROUPS] = [24, 4];

/** Normalisation of groups of channels in every image, in float64. */
function groupNorm64([x, scale, shift]: Tensor64[], limit: number): Tensor64 {
  const [images, channels, height, width] = x!.shape as [number, number, number, number];
  const perGroup = channels / GROUPS * height * width;
  const data = new Float64Array(x!.data.length);
  for (let start = 0; start < images * channels * height * width; start += perGroup) {
    const values = x!.data.subarray(start, start + perGroup);
    const mean = values.reduce((sum, v) => sum + v, 0) / perGroup;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / perGroup;
    values.forEach((v, i) => {
      const channel = Math.floor((start + i) / (height * width)) % channels;
      const normal = (v - mean) / Math.sqrt(variance + 1e-5);
      const y = normal * scale!.data[channel]! + shift!.data[channel]!;
      data[start + i] = limit === Infinity ? y : Math.min(Math.max(y, 0), limit);
    });
  }
  return { shape: x!.shape, data };
}

for (const [kind, blockSize] of [["portable", null], ["blocked", block]] as const) {
  for (const activation of [undefined, "relu6"] as const) {
    Deno.test({
      name: `groupNorm() has the right value and gradients when ${kind}, ${activation ?? "alone"}`,
      ignore: kind === "blocked" && blockSize === null,
      fn: () =>
        checkGradients({
          inputs: [[2, CHANNELS, 3, 5], [CHANNELS], [CHANNELS]],
          build: (g, [x, scale, shift]) => {
            const layers = createLayers(g, blockSize);
            const parameters = { scale: scale!, shift: shift! };
            const y = groupNorm(g, layers, layers.enter(x!), parameters, {
              groups: GROUPS,
              activation,
            });
            return layers.leave(y, CHANNELS);
          },
          reference: (inputs) => groupNorm64(inputs, activation ? 6 : Infinity),
        }),
    });
  }
}

Deno.test("groupNorm() throws TypeError when channels do not split evenly", () => {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", [1, 10, 4, 5]);
  const list = g.input("list", "float32", [10]);
  const parameters = { scale: list, shift: list };
  assert.throws(() => groupNorm(g, createLayers(g, null), x, parameters, { groups: 4 }), TypeError);
});
