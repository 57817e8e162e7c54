import assert from "node:assert/strict";
import { networkTensors } from "../../../core/nets/build_network.ts";
import { publishedTensors } from "../../../core/nets/published_names.ts";
import type { NetworkKind } from "../../../core/nets/build_network.ts";
import type { WeightTensor } from "../../../core/weights/tensor.ts";
import { TINY_BACKBONES } from "./tiny_backbones.ts";

function weightsOf(kind: NetworkKind, family: keyof typeof TINY_BACKBONES) {
  const shapes = networkTensors(kind, TINY_BACKBONES[family], 3);
  return new Map<string, WeightTensor>(
    Array.from(shapes, ([name, shape]) => [
      name,
      { shape, dtype: "float32", data: new Float32Array(0) },
    ]),
  );
}

Deno.test("publishedTensors() repeats AffinityNet's parts as the published class does", () => {
  const own = weightsOf("affinity", "resnest");
  const all = publishedTensors("affinity", own);
  const pairs = {
    "stage1.0.0.weight": "model.conv1.0.weight",
    "stage1.1.bias": "model.bn1.bias",
    "stage3.0.1.conv2.fc1.bias": "model.layer2.1.conv2.fc1.bias",
    "backbone.0.0.6.weight": "model.conv1.6.weight",
    "backbone.4.0.2.bn3.running_var": "model.layer4.2.bn3.running_var",
    "edge_layers.0.1.bias": "fc_edge1.1.bias",
    "edge_layers.5.weight": "fc_edge6.weight",
  };
  for (const [copy, name] of Object.entries(pairs)) {
    assert.equal(all.get(copy), own.get(name), copy);
  }
  const starts = [...new Set([...all.keys()].map((name) => name.split(".")[0]!))];
  assert.deepEqual(starts, [
    ...["model", "stage1", "stage2", "stage3", "stage4", "stage5"],
    ...["fc_edge1", "fc_edge2", "fc_edge3", "fc_edge4", "fc_edge5", "fc_edge6"],
    ...["backbone", "edge_layers"],
  ]);
});

Deno.test("publishedTensors() counts no batches, for every batch normalisation under every name", () => {
  const all = publishedTensors("classifier", weightsOf("classifier", "resnet"));
  const ending = (end: string) => [...all.keys()].filter((name) => name.endsWith(end));
  const counters = ending(".num_batches_tracked");
  assert.deepEqual(
    counters.map((name) => name.replace("num_batches_tracked", "running_var")),
    ending(".running_var"),
  );
  assert.ok(counters.includes("stage2.0.0.downsample.1.num_batches_tracked"));
  for (const name of counters) {
    assert.deepEqual(all.get(name), { shape: [], dtype: "int64", data: BigInt64Array.of(0n) });
  }
});

Deno.test("publishedTensors() adds nothing but counters where no class was published", () => {
  for (const kind of ["backbone", "deeplabv3plus"] as const) {
    const own = weightsOf(kind, "efficientnet-lite");
    const all = publishedTensors(kind, own);
    const more = [...all.keys()].filter((name) => !own.has(name));
    assert.ok(more.length > 0 && more.every((name) => name.endsWith(".num_batches_tracked")));
    assert.ok([...own.keys()].every((name) => all.has(name)));
  }
});
