import assert from "node:assert/strict";
import { GraphBuilder } from "../../../core/onnx/graph_builder.ts";
import { gradients } from "../../../core/onnx/gradients.ts";
import { interpolationMatrix, resizeByProducts } from "../../../core/onnx/resize.ts";
import { createLayers } from "../../../core/onnx/layouts.ts";
import { probeBlockSize } from "../../../core/onnx/block_size.ts";
import { checkGradients, randomNumbers } from "./gradient_check.ts";
import { resize64 } from "./references.ts";
import { run } from "./session.ts";

for (const coordinates of ["half_pixel", "align_corners", "asymmetric"] as const) {
  for (const mode of ["linear", "nearest"] as const) {
    Deno.test(`resizeByProducts() is the runtime's Resize when ${mode} and ${coordinates}`, async () => {
      const shape = [2, 3, 5, 8];
      const g = new GraphBuilder();
      const x = g.input("x", "float32", shape);
      g.output("y", resizeByProducts(g, x, 9, 6, { mode, coordinates }));
      g.output("z", g.resize(x, { sizes: [2, 3, 9, 6] }, { mode, coordinates }));
      const data = [...randomNumbers(240, 3)];
      const { y, z } = await run(g.build(), { x: { data, shape } });
      assert.deepEqual(y!.dims, [2, 3, 9, 6]);
      y!.data.forEach((v, at) => assert.ok(Math.abs(Number(v) - Number(z!.data[at])) < 1e-5));
    });
  }
}

Deno.test("resizeByProducts() is differentiated exactly", () =>
  checkGradients({
    inputs: [[1, 2, 4, 7]],
    build: (g, [x]) => resizeByProducts(g, x!, 6, 5),
    reference: ([x]) => resize64(x!, 6, 5, false),
  }));

Deno.test("interpolationMatrix() has rows that sum to one, and throws for unknown coordinates", () => {
  const matrix = interpolationMatrix(7, 3);
  for (let row = 0; row < 3; row++) {
    const sum = matrix.slice(7 * row, 7 * row + 7).reduce((a, b) => a + b);
    assert.ok(Math.abs(sum - 1) < 1e-12);
  }
  assert.throws(() => interpolationMatrix(2, 3, { coordinates: "tf_crop_and_resize" }), TypeError);
});

Deno.test("sums over a large image keep float32's precision, forward and in bias gradients", async () => {
  const block = await probeBlockSize();
  const shape = [1, 16, 375, 500];
  const data = Float32Array.from(randomNumbers(16 * 187500, 5));
  const wanted = Array.from(
    { length: 16 },
    (_, channel) =>
      data.subarray(channel * 187500, (channel + 1) * 187500).reduce((sum, v) => sum + v, 0),
  );
  for (const size of block === null ? [null] : [null, block]) {
    const g = new GraphBuilder();
    const layers = createLayers(g, size);
    const x = g.input("x", "float32", shape);
    const bias = g.input("bias", "float32", [16]);
    const map = layers.enter(x);
    g.output("sum", layers.channelSum(map, 16));
    const shifted = layers.affine(map, g.constant(new Float32Array(16).fill(1)), bias);
    const [gradient] = gradients(g, shifted, [bias], { seed: map });
    g.output("gradient", gradient!);
    const feeds = { x: { data, shape }, bias: { data: new Float32Array(16), shape: [16] } };
    const results = await run(g.build(), feeds);
    for (const { data: found } of Object.values(results)) {
      wanted.forEach((sum, at) => assert.ok(Math.abs(Number(found[at]) / sum - 1) < 3e-6));
    }
  }
});
