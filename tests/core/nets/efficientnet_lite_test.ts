import assert from "node:assert/strict";
import { ModelError, OptionError } from "../../../core/errors.ts";
import { decodeModel, readInitializers, readMetadata } from "../../../core/onnx/model.ts";
import { GraphBuilder } from "../../../core/onnx/graph_builder.ts";
import { decodeNpz } from "../../../core/npz.ts";
import { ConstantLayers } from "../../../core/nets/constant_layers.ts";
import {
  buildEfficientNetLite,
  EFFICIENTNET_LITE,
  efficientNetLite,
  efficientNetLiteClassifier,
  efficientNetLiteTensors,
} from "../../../core/nets/efficientnet_lite.ts";
import { run } from "../onnx/session.ts";
import { seededRamp, seededWeights } from "./seeded_weights.ts";

const REDUCED = { width: 0.25, depth: 0.6 };
const EXPECTED = new URL("../../fixtures/efficientnet_lite/reduced.npz", import.meta.url);

/** The model with its stages, features and logits as outputs. */
function reducedModel(outputStride: 16 | 32, storage?: "fp16"): Uint8Array {
  const weights = seededWeights(efficientNetLiteTensors(REDUCED, 10));
  const g = new GraphBuilder();
  const image = g.input("image", "float32", ["N", 3, "H", "W"]);
  const layers = new ConstantLayers(g, weights, { storage });
  const { stages, features } = efficientNetLite(layers, image, REDUCED, { outputStride });
  stages.forEach((stage, i) => g.output(`stage${i}`, stage));
  g.output("features", features);
  g.output("logits", efficientNetLiteClassifier(layers, features, 10));
  layers.check("EfficientNet-Lite");
  return g.build();
}

const IMAGE = { data: seededRamp("image", 2 * 3 * 67 * 45, -1, 1), shape: [2, 3, 67, 45] };

/** Every `step`th channel from `first` of an `N×C×H×W` map. */
function channels(
  map: { dims: readonly number[]; data: ArrayLike<number | bigint> },
  first: number,
  step: number,
): number[] {
  const [n, c, h, w] = map.dims as [number, number, number, number];
  const kept: number[] = [];
  for (let i = 0; i < n; i++) {
    for (let channel = first; channel < c; channel += step) {
      const start = (i * c + channel) * h * w;
      for (let p = start; p < start + h * w; p++) kept.push(Number(map.data[p]));
    }
  }
  return kept;
}

function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  assert.equal(actual.length, expected.length);
  let largest = 0;
  for (let i = 0; i < actual.length; i++) {
    largest = Math.max(largest, Math.abs(actual[i]! - expected[i]!));
  }
  return largest;
}

for (const stride of [32, 16] as const) {
  Deno.test(`efficientNetLite() gives PyTorch's features at output stride ${stride}`, async () => {
    const expected = decodeNpz(Deno.readFileSync(EXPECTED));
    const outputs = await run(reducedModel(stride), { image: IMAGE });
    const compare = (name: string, actual: number[]) => {
      const truth = expected[`${name}_${stride}`]!.data as Float32Array;
      const difference = largestDifference(actual, truth);
      assert.ok(difference < 3e-5, `${name} differs by ${difference}`);
    };
    for (let i = 0; i < 7; i++) {
      compare(`stage${i}`, channels(outputs[`stage${i}`]!, 5, Infinity));
    }
    const features = outputs.features!;
    assert.deepEqual(features.dims, stride === 32 ? [2, 1280, 3, 2] : [2, 1280, 5, 3]);
    compare("features", channels(features, 7, 40));
    compare("logits", Array.from(outputs.logits!.data, Number));
  });
}

Deno.test("efficientNetLite() changes little when weights are stored as float16", async () => {
  const model = reducedModel(32, "fp16");
  assert.ok(model.length < 0.6 * reducedModel(32).length);
  const expected = decodeNpz(Deno.readFileSync(EXPECTED)).logits_32!.data as Float32Array;
  const outputs = await run(model, { image: IMAGE });
  const difference = largestDifference(Array.from(outputs.logits!.data, Number), expected);
  assert.ok(difference > 1e-4 && difference < 0.01, `differs by ${difference}`);
});

Deno.test("efficientNetLiteTensors() lists the tensors of the published networks", () => {
  // Without num_batches_tracked, one for each of the 49 or 64 batch norms.
  const counts = {
    "efficientnet-lite0": 247,
    "efficientnet-lite1": 322,
    "efficientnet-lite2": 322,
  };
  for (const [name, count] of Object.entries(counts)) {
    const scale = EFFICIENTNET_LITE[name as keyof typeof EFFICIENTNET_LITE];
    assert.equal(efficientNetLiteTensors(scale, 1000).size, count, name);
  }
  const wide = efficientNetLiteTensors(EFFICIENTNET_LITE["efficientnet-lite2"]);
  assert.deepEqual(wide.get("_conv_stem.weight"), [32, 3, 3, 3]);
  assert.deepEqual(wide.get("_blocks.20._project_conv.weight"), [352, 1248, 1, 1]);
  assert.deepEqual(wide.get("_conv_head.weight"), [1280, 352, 1, 1]);
  assert.ok(!wide.has("_blocks.0._expand_conv.weight"));
  assert.ok(!wide.has("_fc.weight"));
});

Deno.test("buildEfficientNetLite() names the tensors that are missing or misshapen", () => {
  const name = "efficientnet-lite1";
  assert.throws(
    () => buildEfficientNetLite(name, seededWeights(efficientNetLiteTensors(REDUCED))),
    (error) => {
      assert.ok(error instanceof ModelError);
      assert.match(error.message, /^Cannot build EfficientNet-Lite: its weights do not fit: /);
      assert.match(
        error.message,
        /_blocks\.0\._project_conv\.weight is \[8, 32, 1, 1\], not \[16, 32/,
      );
      assert.match(error.message, /; and \d+ more$/);
      return true;
    },
  );
  const weights = seededWeights(efficientNetLiteTensors(EFFICIENTNET_LITE[name]));
  weights.delete("_bn1.running_var");
  assert.throws(
    () => buildEfficientNetLite(name, weights),
    /do not fit: _bn1\.running_var \[1280\] is missing$/,
  );
  assert.throws(
    () => buildEfficientNetLite(name, weights, { head: "logits" }),
    /_fc\.weight \[1000, 1280\] is missing/,
  );
});

Deno.test("efficientNetLite() refuses other strides and scales", () => {
  const g = new GraphBuilder();
  const image = g.input("image", "float32", ["N", 3, "H", "W"]);
  const layers = new ConstantLayers(g, new Map());
  const outputStride = 8 as unknown as 16;
  assert.throws(() => efficientNetLite(layers, image, REDUCED, { outputStride }), OptionError);
  for (const bad of [{ width: 0, depth: 1 }, { width: 1, depth: NaN }, { width: 1, depth: 1e9 }]) {
    assert.throws(() => efficientNetLiteTensors(bad), OptionError);
  }
});

Deno.test("buildEfficientNetLite() writes weights by name and how to prepare images", () => {
  const name = "efficientnet-lite0";
  const weights = seededWeights(efficientNetLiteTensors(EFFICIENTNET_LITE[name], 1000));
  const model = decodeModel(
    buildEfficientNetLite(name, weights, { outputStride: 16, storage: "fp16", head: "features" }),
  );
  const metadata = readMetadata(model);
  assert.equal(metadata.architecture, name);
  assert.equal(metadata.native_size, "224");
  assert.equal(metadata.output_stride, "16");
  const stored = readInitializers(model);
  assert.equal(stored.get("_blocks.15._depthwise_conv.weight")!.dtype, "float16");
  assert.deepEqual(stored.get("_blocks.15._depthwise_conv.weight")!.shape, [1152, 1, 3, 3]);
  assert.equal(stored.get("_conv_head.bias")!.dtype, "float32");
  assert.ok(!stored.has("_fc.weight"));
  assert.deepEqual(model.graph!.output.map(({ name }) => name), ["features"]);
});
