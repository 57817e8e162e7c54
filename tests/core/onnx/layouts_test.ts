import assert from "node:assert/strict";
import { GraphBuilder, type Value } from "../../../core/onnx/graph_builder.ts";
import { gradients } from "../../../core/onnx/gradients.ts";
import { createLayers, type Layers } from "../../../core/onnx/layouts.ts";
import { probeBlockSize } from "../../../core/onnx/block_size.ts";
import { decodeModel } from "../../../core/onnx/model.ts";
import { randomNumbers } from "./gradient_check.ts";
import { run } from "./session.ts";

const block = await probeBlockSize();

interface LayerCase {
  inputs: readonly (readonly number[])[];
  /** The layers under test, from plain inputs to a plain output. */
  build: (layers: Layers, g: GraphBuilder, inputs: Value[]) => Value;
}

/** Value and gradients by all inputs, through one back end. */
async function compute({ inputs, build }: LayerCase, blockSize: number | null) {
  const g = new GraphBuilder();
  const values = inputs.map((shape, at) => g.input(`x${at}`, "float32", shape));
  const y = build(createLayers(g, blockSize), g, values);
  const size = y.shape.reduce<number>((product, dim) => product * (dim as number), 1);
  const seed = g.constant(randomNumbers(size, 7).map((u) => u - 0.5), y.shape as number[], {
    dtype: "float64",
  });
  const found = gradients(g, y, values, { seed: g.cast(seed, "float32") });
  g.output("y", y);
  found.forEach((d, at) => g.output(`d${at}`, d));
  const model = g.build();
  const feeds = Object.fromEntries(inputs.map((shape, at) => {
    const count = shape.reduce((product, dim) => product * dim, 1);
    return [`x${at}`, { data: [...randomNumbers(count, 31 + at)].map((u) => 2 * u - 1), shape }];
  }));
  return { model, results: await run(model, feeds) };
}

const cases: Record<string, LayerCase> = {
  "the first convolution, stride 2, with bias and ReLU": {
    inputs: [[2, 3, 9, 12], [20, 3, 3, 3], [20]],
    build: (l, _, [x, w, bias]) =>
      l.leave(l.conv(x!, w!, { bias, stride: 2, activation: "relu" }), 20),
  },
  "a 3×3 convolution with a residual and ReLU6": {
    inputs: [[2, 20, 5, 7], [24, 20, 3, 3], [24], [2, 24, 5, 7]],
    build: (l, g, [x, w, bias, add]) => {
      const scaled = l.enter(g.mul(add!, 5));
      const y = l.conv(l.enter(x!), w!, { bias, add: scaled, activation: "relu6" });
      return l.leave(y, 24);
    },
  },
  "a 3×3 convolution of stride 2 on odd sizes": {
    inputs: [[1, 16, 7, 9], [16, 16, 3, 3]],
    build: (l, _, [x, w]) => l.leave(l.conv(l.enter(x!), w!, { stride: 2 }), 16),
  },
  "a 5×5 convolution of stride 2 on even sizes, two images": {
    inputs: [[2, 17, 8, 6], [33, 17, 5, 5]],
    build: (l, _, [x, w]) => l.leave(l.conv(l.enter(x!), w!, { stride: 2 }), 33),
  },
  "a dilated 3×3 convolution": {
    inputs: [[1, 16, 8, 7], [20, 16, 3, 3]],
    build: (l, _, [x, w]) => l.leave(l.conv(l.enter(x!), w!, { dilation: 2 }), 20),
  },
  "a 1×1 convolution": {
    inputs: [[2, 24, 4, 5], [40, 24, 1, 1], [40]],
    build: (l, _, [x, w, bias]) => l.leave(l.conv(l.enter(x!), w!, { bias }), 40),
  },
  "a 1×1 convolution of stride 2 on odd sizes": {
    inputs: [[1, 24, 5, 7], [8, 24, 1, 1]],
    build: (l, _, [x, w]) => l.leave(l.conv(l.enter(x!), w!, { stride: 2 }), 8),
  },
  "a depthwise 3×3 convolution with ReLU6": {
    inputs: [[2, 24, 5, 6], [24, 1, 3, 3], [24]],
    build: (l, g, [x, w, bias]) => {
      const y = l.conv(l.enter(g.mul(x!, 4)), w!, { bias, group: 24, activation: "relu6" });
      return l.leave(y, 24);
    },
  },
  "a depthwise 5×5 convolution of stride 2": {
    inputs: [[2, 24, 8, 7], [24, 1, 5, 5]],
    build: (l, _, [x, w]) => l.leave(l.conv(l.enter(x!), w!, { group: 24, stride: 2 }), 24),
  },
  "a depthwise 3×3 convolution of stride 2 on even sizes": {
    inputs: [[1, 16, 6, 8], [16, 1, 3, 3]],
    build: (l, _, [x, w]) => l.leave(l.conv(l.enter(x!), w!, { group: 16, stride: 2 }), 16),
  },
  "affine() with a residual and ReLU": {
    inputs: [[2, 20, 5, 3], [20], [20], [2, 20, 5, 3]],
    build: (l, _, [x, scale, shift, add]) => {
      const options = { add: l.enter(add!), activation: "relu" } as const;
      return l.leave(l.affine(l.enter(x!), scale!, shift!, options), 20);
    },
  },
  "affine() without a shift": {
    inputs: [[1, 20, 5, 3], [20]],
    build: (l, _, [x, scale]) => l.leave(l.affine(l.enter(x!), scale!, null), 20),
  },
  "channelSum() of a product": {
    inputs: [[2, 20, 5, 3], [2, 20, 5, 3]],
    build: (l, g, [x, y]) => l.channelSum(g.mul(l.enter(x!), l.enter(y!)), 20),
  },
  "globalMean() over several uses of one map": {
    inputs: [[2, 20, 5, 3]],
    build: (l, g, [x]) => {
      const map = l.enter(x!);
      return l.globalMean(g.add(g.relu(map), g.mul(map, map)), 20);
    },
  },
  "maxPool()": {
    inputs: [[2, 20, 7, 9]],
    build: (l, _, [x]) => l.leave(l.maxPool(l.enter(x!), 3, 2, 1, 20), 20),
  },
};

for (const [name, test] of Object.entries(cases)) {
  Deno.test({
    name: `createLayers() gives the same values and gradients in both back ends for ${name}`,
    ignore: block === null,
    fn: async () => {
      const portable = await compute(test, null);
      const blocked = await compute(test, block);
      const domains = (model: Uint8Array) => decodeModel(model).opsetImport.map((o) => o.domain);
      assert.deepEqual(domains(portable.model), [""]);
      assert.ok(domains(blocked.model).includes("com.microsoft.nchwc"));
      for (const [output, { dims, data }] of Object.entries(portable.results)) {
        const other = blocked.results[output]!;
        assert.deepEqual(other.dims, dims, `shape of ${output}`);
        const scale = [...data].reduce<number>((m, v) => Math.max(m, Math.abs(Number(v))), 0);
        assert.ok(scale > 0, `${output} is not all zeros`);
        data.forEach((value, at) => {
          const error = Math.abs(Number(value) - Number(other.data[at])) / scale;
          assert.ok(error < 2e-5, `${output}[${at}]: ${other.data[at]}, wanted ${value}`);
        });
      }
    },
  });
}

Deno.test({
  name: "createLayers() refuses what the blocked layout cannot do",
  ignore: block === null,
  fn: () => {
    const g = new GraphBuilder();
    const layers = createLayers(g, block);
    const x = g.input("x", "float32", [1, 32, 5, 6]);
    const w = g.input("w", "float32", [32, 16, 3, 3]);
    const map = layers.enter(x);
    assert.throws(() => layers.conv(map, w, { group: 2 }), /2 groups: only depthwise/);
    assert.throws(() => layers.conv(map, w), /Cannot convolve 32 channels: the weights need 16/);
    assert.throws(() => layers.conv(x, w), /enter\(\) it first/);
    assert.throws(() => g.reduceSum(map), /in blocked layout/);
    assert.throws(() => g.add(map, x), /blocked value can only meet/);
    assert.throws(() => g.output("map", map), /in blocked layout/);
  },
});

Deno.test("probeBlockSize() gives a block size ONNX Runtime has, or null", async () => {
  assert.ok([null, 8, 16].includes(await probeBlockSize()));
});
