import assert from "node:assert/strict";
import { ModelError, OptionError } from "../../../core/errors.ts";
import { BACKBONE_NAMES, type BackboneName } from "../../../core/nets/backbones.ts";
import { NETWORK_KINDS, networkTensors } from "../../../core/nets/build_network.ts";
import { publishedTensors } from "../../../core/nets/published_names.ts";
import { recognizeNetwork } from "../../../core/weights/recognize.ts";
import type { StateDict } from "../../../core/weights/state_dict.ts";
import type { WeightTensor } from "../../../core/weights/tensor.ts";

const NOTHING = new Float32Array(0);

/** Tensors of the given shapes; only these are looked at. */
function tensors(shapes: Iterable<readonly [string, readonly number[]]>) {
  return new Map<string, WeightTensor>(
    Array.from(shapes, ([name, shape]) => [name, { shape, dtype: "float32", data: NOTHING }]),
  );
}

function renamed(weights: StateDict, rename: (name: string) => string): StateDict {
  return new Map([...weights].map(([name, tensor]) => [rename(name), tensor]));
}

function refusal(weights: StateDict, options = {}): string {
  try {
    recognizeNetwork(weights, options);
  } catch (error) {
    assert.ok(error instanceof ModelError);
    return error.message;
  }
  return assert.fail("it was recognised");
}

for (const backbone of BACKBONE_NAMES) {
  Deno.test(`recognizeNetwork() knows all networks on ${backbone}`, () => {
    for (const kind of NETWORK_KINDS) {
      const classes = kind === "deeplabv3plus" ? 21 : kind === "classifier" ? 20 : 0;
      const weights = tensors(networkTensors(kind, backbone, classes));
      const found = recognizeNetwork(weights);
      assert.deepEqual([found.kind, found.backbone, found.classes], [kind, backbone, classes]);
      assert.deepEqual([...found.weights.keys()], [...weights.keys()]);
      assert.deepEqual(found.ignored, []);
    }
  });
}

Deno.test("recognizeNetwork() takes the published classes' copies, counters and tables of paths", () => {
  const own = tensors(networkTensors("affinity", "resnest50", 0));
  const published = publishedTensors("affinity", own);
  published.set("path_indices_3", {
    shape: [2, 5, 9],
    dtype: "int64",
    data: new BigInt64Array(90),
  });
  published.set("mean_shift.running_mean", { shape: [2], dtype: "float32", data: NOTHING });
  const found = recognizeNetwork(published);
  assert.deepEqual([found.kind, found.backbone], ["affinity", "resnest50"]);
  assert.deepEqual([...found.weights.keys()], [...own.keys()]);
  assert.deepEqual(found.ignored, ["mean_shift.running_mean"]);
});

Deno.test("recognizeNetwork() takes prefixes before all names, and before a backbone's", () => {
  const classifier = tensors(networkTensors("classifier", "resnet50", 20));
  const wrapped = recognizeNetwork(renamed(classifier, (name) => `net.module.${name}`));
  assert.deepEqual([wrapped.kind, wrapped.classes], ["classifier", 20]);
  assert.ok(wrapped.weights.has("model.layer4.2.bn3.running_var"));
  assert.ok(wrapped.weights.has("classifier.weight"));

  const features = tensors(networkTensors("backbone", "efficientnet-lite1", 0));
  const encoder = recognizeNetwork(renamed(features, (name) => `encoder.${name}`));
  assert.deepEqual([encoder.kind, encoder.backbone], ["backbone", "efficientnet-lite1"]);
  assert.ok(encoder.weights.has("_conv_stem.weight"));
});

Deno.test("recognizeNetwork() takes an ImageNet classifier for a backbone", () => {
  const weights = tensors(networkTensors("backbone", "resnet101", 0));
  weights.set("fc.weight", { shape: [1000, 2048], dtype: "float32", data: NOTHING });
  weights.set("fc.bias", { shape: [1000], dtype: "float32", data: NOTHING });
  assert.deepEqual(recognizeNetwork(weights).kind, "backbone");
});

Deno.test("recognizeNetwork() takes a backbone out of any network when told to", () => {
  const weights = tensors(networkTensors("deeplabv3plus", "resnest101", 21));
  const found = recognizeNetwork(weights, { kind: "backbone" });
  assert.deepEqual([found.kind, found.backbone], ["backbone", "resnest101"]);
  assert.ok(found.weights.has("layer1.0.conv2.fc1.bias"));
});

Deno.test("recognizeNetwork() names the closest network and the first differences", () => {
  const weights = tensors(networkTensors("classifier", "resnest101", 20));
  weights.delete("model.bn1.bias");
  weights.set("model.layer1.0.conv1.weight", {
    shape: [64, 64, 1, 1],
    dtype: "float32",
    data: NOTHING,
  });
  assert.equal(
    refusal(weights),
    "Cannot recognise the weights: they come closest to classifier on resnest101, but " +
      "model.bn1.bias [128] is missing; " +
      "model.layer1.0.conv1.weight is [64, 64, 1, 1], not [64, 128, 1, 1]",
  );
  const told = { backbone: "resnest50" as BackboneName };
  assert.match(
    refusal(weights, told),
    /^Cannot take the weights for classifier on resnest50: .*; and \d+ more$/,
  );
});

Deno.test("recognizeNetwork() refuses deeper networks and other normalisations of the same names", () => {
  const deeper = tensors(networkTensors("backbone", "resnet101", 0));
  for (const [name, tensor] of [...deeper]) {
    if (name.startsWith("layer3.22.")) deeper.set(name.replace("3.22.", "3.23."), tensor);
  }
  assert.match(refusal(deeper), /resnet101, but layer3\.23\.conv1\.weight .* is not part of it/);

  const batchNorm = tensors(networkTensors("deeplabv3plus", "resnet50", 21));
  batchNorm.set("aspp.bn1.running_mean", { shape: [256], dtype: "float32", data: NOTHING });
  assert.match(refusal(batchNorm), /aspp\.bn1\.running_mean \[256\] is not part of it$/);
});

Deno.test("recognizeNetwork() says what it looked for when nothing is known", () => {
  const vgg = tensors([["features.0.weight", [64, 3, 3, 3]], ["features.0.bias", [64]]]);
  assert.match(
    refusal(vgg),
    /none of the 2 tensors \(features\.0\.weight, features\.0\.bias, …\) is one of resnest's/,
  );
  assert.throws(
    () => recognizeNetwork(vgg, { backbone: "vgg16" as BackboneName }),
    OptionError,
  );
});
