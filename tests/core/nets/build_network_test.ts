import assert from "node:assert/strict";
import { ModelError, OptionError } from "../../../core/errors.ts";
import {
  buildNetwork,
  countClasses,
  type NetworkKind,
  networkTensors,
} from "../../../core/nets/build_network.ts";
import type { BackboneName } from "../../../core/nets/backbones.ts";
import { decodeModel, readInitializers } from "../../../core/onnx/model.ts";
import { decodeNpz } from "../../../core/npz.ts";
import { run } from "../onnx/session.ts";
import { seededRamp, seededWeights } from "./seeded_weights.ts";
import { TINY_BACKBONES, TINY_CLASSES } from "./tiny_backbones.ts";

const EXPECTED = decodeNpz(
  Deno.readFileSync(new URL("../../fixtures/networks/tiny.npz", import.meta.url)),
);
const IMAGE = { data: seededRamp("image", 3 * 53 * 71, -1, 1), shape: [1, 3, 53, 71] };
const FAMILIES = ["resnet", "resnest", "efficientnet-lite"] as const;
type Family = typeof FAMILIES[number];

/** Weights as the fixture's: the backbone's by their names within the whole network. */
function tinyWeights(kind: NetworkKind, family: Family) {
  return seededWeights(networkTensors(kind, TINY_BACKBONES[family], TINY_CLASSES));
}

/** The largest difference as a share of the largest value expected. */
function relativeDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  assert.equal(actual.length, expected.length);
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(actual[i]! - expected[i]!));
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return difference / largest;
}

const OUTPUTS = { classifier: "maps", affinity: "edge", deeplabv3plus: "logits" } as const;

for (const family of FAMILIES) {
  for (const kind of ["classifier", "affinity", "deeplabv3plus"] as const) {
    Deno.test(`buildNetwork() gives PyTorch's ${kind} on ${family}, as float16 nearly`, async () => {
      const weights = tinyWeights(kind, family);
      const expected = EXPECTED[`${family}_${kind}`]!;
      for (const storage of [undefined, "fp16"] as const) {
        const { bytes } = buildNetwork(kind, TINY_BACKBONES[family], weights, { storage });
        const outputs = await run(bytes, { image: IMAGE });
        const output = outputs[OUTPUTS[kind]]!;
        assert.deepEqual(output.dims, expected.shape);
        const difference = relativeDifference(
          output.data as Float32Array,
          expected.data as Float32Array,
        );
        assert.ok(difference < (storage ? 1e-2 : 1e-5), `${storage}: differs by ${difference}`);
        if (storage) assert.ok(difference > 1e-5, "float16 cannot be as exact");
      }
    });
  }

  Deno.test(`buildNetwork() gives PyTorch's features of ${family}`, async () => {
    const backbone = TINY_BACKBONES[family];
    const shapes = networkTensors("backbone", backbone, 0);
    // The fixture names weights by their place within a whole network.
    const prefixed = seededWeights(new Map([...shapes].map(([n, s]) => [`model.${n}`, s])));
    const weights = new Map([...shapes.keys()].map((n) => [n, prefixed.get(`model.${n}`)!]));
    const { bytes } = buildNetwork("backbone", backbone, weights);
    const { features } = await run(bytes, { image: IMAGE });
    const [, channels, height, width] = features!.dims as [number, number, number, number];
    const kept: number[] = [];
    for (let c = 5; c < channels; c += 16) {
      const start = c * height * width;
      kept.push(...(features!.data as Float32Array).subarray(start, start + height * width));
    }
    const expected = EXPECTED[`${family}_features`]!;
    const difference = relativeDifference(kept, expected.data as Float32Array);
    assert.ok(difference < 1e-5, `differs by ${difference}`);
  });
}

Deno.test("buildNetwork() gives logits that are the means of a classifier's maps", async () => {
  const { bytes, outputs } = buildNetwork(
    "classifier",
    TINY_BACKBONES.resnest,
    tinyWeights("classifier", "resnest"),
  );
  assert.deepEqual(outputs.map(({ name }) => name), ["maps", "logits"]);
  const { maps, logits } = await run(bytes, { image: IMAGE });
  assert.deepEqual(logits!.dims, [1, TINY_CLASSES]);
  const cells = maps!.dims[2]! * maps!.dims[3]!;
  for (let k = 0; k < TINY_CLASSES; k++) {
    const map = (maps!.data as Float32Array).subarray(k * cells, (k + 1) * cells);
    const mean = map.reduce((sum, value) => sum + value, 0) / cells;
    assert.ok(Math.abs(mean - Number(logits!.data[k])) < 1e-4);
  }
});

Deno.test("buildNetwork() answers every image of a batch as it would alone", async () => {
  const size = 3 * 32 * 48;
  const data = seededRamp("batch", 2 * size, -1, 1);
  for (const kind of ["affinity", "deeplabv3plus"] as const) {
    const { bytes } = buildNetwork(kind, TINY_BACKBONES.resnest, tinyWeights(kind, "resnest"));
    const output = OUTPUTS[kind];
    const both = (await run(bytes, { image: { data, shape: [2, 3, 32, 48] } }))[output]!.data;
    for (const at of [0, 1]) {
      const image = { data: data.slice(at * size, (at + 1) * size), shape: [1, 3, 32, 48] };
      const alone = (await run(bytes, { image }))[output]!.data as Float32Array;
      const half = (both as Float32Array).subarray(at * alone.length, (at + 1) * alone.length);
      assert.ok(relativeDifference(half, alone) < 1e-5);
    }
  }
});

Deno.test("buildNetwork() stores batch normalisation in its convolutions, halved as float16", () => {
  const weights = tinyWeights("classifier", "resnest");
  const stored = (storage?: "fp16") =>
    readInitializers(
      decodeModel(buildNetwork("classifier", TINY_BACKBONES.resnest, weights, { storage }).bytes),
    );
  const whole = stored();
  assert.ok(![...whole.keys()].some((name) => name.includes("running")));
  assert.equal(whole.get("model.layer1.0.conv2.conv.weight")!.dtype, "float32");
  const half = stored("fp16");
  assert.equal(half.get("model.layer1.0.conv2.conv.weight")!.dtype, "float16");
  assert.equal(half.get("model.layer1.0.conv2.conv.bias")!.dtype, "float32");
});

Deno.test("buildNetwork() tells what the network takes and gives", () => {
  const built = buildNetwork("affinity", TINY_BACKBONES.resnet, tinyWeights("affinity", "resnet"), {
    metadata: { origin: "a test" },
  });
  assert.deepEqual(built.inputs, [{ name: "image", shape: ["N", 3, "H", "W"] }]);
  assert.deepEqual(built.outputs, [{ name: "edge", shape: ["N", 1, "ceil(H/4)", "ceil(W/4)"] }]);
  assert.deepEqual([built.classes, built.outputStride], [0, 4]);
  assert.deepEqual(built.mean, [0.485, 0.456, 0.406]);
  assert.deepEqual(built.tensors.get("fc_edge6.weight"), [1, 160, 1, 1]);
});

Deno.test("buildNetwork() refuses weights that do not fit, and unknown backbones", () => {
  const weights = tinyWeights("affinity", "resnet");
  const shape = [32, 8, 3, 3];
  weights.set("fc_edge1.0.weight", { shape, dtype: "float32", data: new Float32Array(32 * 72) });
  weights.delete("fc_edge6.bias");
  assert.throws(() => buildNetwork("affinity", TINY_BACKBONES.resnet, weights), (error) => {
    assert.ok(error instanceof ModelError);
    assert.match(
      error.message,
      /^Cannot build affinity: its weights do not fit: fc_edge1\.0\.weight is \[32, 8, 3, 3\], not \[32, 8, 1, 1\]; fc_edge6\.bias \[1\] is missing$/,
    );
    return true;
  });
  assert.throws(
    () => buildNetwork("affinity", "vgg16" as BackboneName, weights),
    (error) =>
      error instanceof OptionError && /Unknown backbone "vgg16"; .*resnet50/.test(error.message),
  );
});

Deno.test("countClasses() tells how many by the last layer, and what is missing without one", () => {
  assert.equal(countClasses("deeplabv3plus", tinyWeights("deeplabv3plus", "resnet")), 3);
  const lite = tinyWeights("deeplabv3plus", "efficientnet-lite");
  assert.equal(countClasses("deeplabv3plus", lite), 3);
  assert.equal(countClasses("affinity", new Map()), 0);
  assert.throws(() => countClasses("classifier", new Map()), /classifier\.weight is missing$/);
});

Deno.test("networkTensors() lists as many tensors as the published networks have", () => {
  // Without counters and without what the published classes keep twice.
  const counts: [NetworkKind, BackboneName, number][] = [
    ["classifier", "resnest101", 795],
    ["affinity", "resnest101", 811],
    ["deeplabv3plus", "resnest101", 823],
    ["backbone", "resnet50", 265],
    ["backbone", "resnet101", 520],
  ];
  for (const [kind, backbone, count] of counts) {
    assert.equal(networkTensors(kind, backbone, 20).size, count, `${kind} on ${backbone}`);
  }
  const first = (name: BackboneName) =>
    networkTensors("affinity", name, 0).get("fc_edge1.0.weight")!;
  assert.deepEqual(first("resnet101"), [32, 64, 1, 1]);
  assert.deepEqual(first("resnest50"), [32, 64, 1, 1]);
  assert.deepEqual(first("resnest269"), [32, 128, 1, 1]);
  assert.deepEqual(first("efficientnet-lite0"), [32, 16, 3, 3]);
});
