import assert from "node:assert/strict";
import * as ort from "onnxruntime-node";
import { BACKBONES } from "../../core/nets/backbones.ts";
import { buildNetwork, networkTensors } from "../../core/nets/build_network.ts";
import { publishedTensors } from "../../core/nets/published_names.ts";
import { decodeNpz, type NpyArray } from "../../core/npz.ts";
import { openMapNetwork } from "../../core/stages/map_network.ts";
import { findModelEdges } from "../../core/stages/affinity.ts";
import type { AffinityModelInfo } from "../../core/runtime/models.ts";
import { disableTelemetry } from "../../core/telemetry.ts";
import { recognizeNetwork } from "../../core/weights/recognize.ts";
import { readStateDict, type StateDict } from "../../core/weights/state_dict.ts";
import type { WeightTensor } from "../../core/weights/tensor.ts";
import { writeCheckpoint } from "../../core/weights/write_checkpoint.ts";
import { formulaTensor, formulaWeights, hashed } from "../core/nets/formula_weights.ts";

const CHECKPOINTS = new URL("../../../shared/checkpoints/", import.meta.url);
const absent = !await Deno.stat(CHECKPOINTS).then(() => true, () => false);

/** What the published networks give for an input, and which output that is. */
const NETWORKS = [
  {
    file: "classifier_resnest101",
    kind: "classifier",
    classes: 20,
    outputs: [
      ["logits", "input", "classifier_logits"],
      ["maps", "input", "classifier_cam_features"],
      ["maps", "input_odd", "classifier_cam_features_odd"],
    ],
  },
  {
    file: "affinitynet_resnest101",
    kind: "affinity",
    classes: 0,
    outputs: [
      ["edge", "input", "affinity_edge_logits"],
      ["edge", "input_odd", "affinity_edge_logits_odd"],
    ],
  },
  {
    file: "deeplabv3plus_resnest101",
    kind: "deeplabv3plus",
    classes: 21,
    outputs: [
      ["logits", "input", "deeplab_logits"],
      ["logits", "input_odd", "deeplab_logits_odd"],
    ],
  },
] as const;

/** A published checkpoint's tensors by its list of names, shapes and shared storages. */
function publishedCheckpoint(file: string): Map<string, WeightTensor> {
  const tensors = new Map<string, WeightTensor>();
  const lines = Deno.readTextFileSync(new URL(`${file}_keys.txt`, CHECKPOINTS)).trim().split("\n");
  for (const line of lines) {
    const [name, dtype, sizes, owner] = line.split("\t") as [string, string, string, string];
    const shape = sizes.match(/\d+/g)?.map(Number) ?? [];
    if (owner !== "-") tensors.set(name, tensors.get(owner)!);
    else if (dtype === "int64") {
      tensors.set(name, { shape, dtype: "int64", data: BigInt64Array.of(7n) });
    } else tensors.set(name, formulaTensor(name, shape));
  }
  return tensors;
}

async function openSession(model: Uint8Array): Promise<ort.InferenceSession> {
  disableTelemetry();
  return await ort.InferenceSession.create(model, { logSeverityLevel: 3 });
}

async function runOne(
  session: ort.InferenceSession,
  image: { data: Float32Array; shape: readonly number[] },
  output: string,
): Promise<ort.Tensor> {
  const tensor = new ort.Tensor("float32", image.data, image.shape);
  return (await session.run({ image: tensor }, [output]))[output]!;
}

function relativeDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  assert.equal(actual.length, expected.length);
  let [difference, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(actual[i]! - expected[i]!));
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return difference / largest;
}

const floats = (array: NpyArray) => ({ data: array.data as Float32Array, shape: array.shape });

for (const { file, kind, classes, outputs } of NETWORKS) {
  Deno.test({
    name: `the published ${file} comes through a checkpoint and gives PyTorch's outputs`,
    ignore: absent,
    async fn() {
      const published = publishedCheckpoint(file);
      const found = recognizeNetwork(readStateDict(writeCheckpoint(published)));
      assert.deepEqual([found.kind, found.backbone, found.classes], [kind, "resnest101", classes]);
      assert.deepEqual(found.ignored, []);
      assert.deepEqual(
        new Set(publishedTensors(kind, found.weights).keys()),
        new Set(published.keys()),
      );

      const expected = decodeNpz(Deno.readFileSync(new URL("expected.npz", CHECKPOINTS)));
      for (const [storage, tolerance] of [[undefined, 1e-4], ["fp16", 1e-2]] as const) {
        const { bytes } = buildNetwork(kind, found.backbone, found.weights, { storage });
        const session = await openSession(bytes);
        for (const [output, input, name] of outputs) {
          const result = await runOne(session, floats(expected[input]!), output);
          assert.deepEqual(result.dims, expected[name]!.shape, name);
          const difference = relativeDifference(
            result.data as Float32Array,
            expected[name]!.data as Float32Array,
          );
          console.log(`${name} ${storage ?? "fp32"}: ${difference.toExponential(1)}`);
          assert.ok(difference < tolerance, `${name} ${storage}: differs by ${difference}`);
        }
        if (kind === "affinity") await checkEdges(bytes, expected, tolerance);
        await session.release();
      }
    },
  });
}

/**
 * The mirrored pair, padded to 512, as the random walk uses it. The stage makes its input of a picture's
 * bytes; what is expected was computed from numbers that are none, so they are put in behind it.
 */
async function checkEdges(
  model: Uint8Array,
  expected: Readonly<Record<string, NpyArray>>,
  tolerance: number,
): Promise<void> {
  const { data, shape } = floats(expected.input!);
  const [height, width] = [shape[2]!, shape[3]!];
  const info = {
    task: "affinity",
    file: "affinity.onnx",
    mean: [0, 0, 0],
    std: [1, 1, 1],
    outputStride: 4,
    padding: { least: 512, multiple: 16 },
  } as unknown as AffinityModelInfo;
  const network = await openMapNetwork(model, info, { input: "image", output: "edge" }, 1);
  const edges = await findModelEdges(
    { width, height, data: new Uint8Array(3 * width * height) },
    {
      ...network,
      run(images, across, down) {
        const count = images.length / (3 * across * down);
        for (let n = 0; n < count; n++) {
          place(data, width, height, images.subarray(n * 3 * across * down), across, down, n === 1);
        }
        return network.run(images, across, down);
      },
    },
  );
  await network.release();
  const difference = relativeDifference(
    edges.data,
    expected.affinity_get_edge!.data as Float32Array,
  );
  console.log(`affinity_get_edge: ${difference.toExponential(1)}`);
  assert.ok(difference < tolerance, `edges differ by ${difference}`);
}

function place(
  planes: Float32Array,
  width: number,
  height: number,
  out: Float32Array,
  outWidth: number,
  outHeight: number,
  mirror: boolean,
): void {
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const from = (c * height + y) * width + (mirror ? width - 1 - x : x);
        out[(c * outHeight + y) * outWidth + x] = planes[from]!;
      }
    }
  }
}

const LIBRARIES = decodeNpz(
  Deno.readFileSync(new URL("../fixtures/networks/backbones.npz", import.meta.url)),
);

for (const name of ["resnet50", "resnet101", "resnest50", "resnest101", "resnest269"] as const) {
  Deno.test(`${name} gives its own library's features`, async () => {
    const weights: StateDict = formulaWeights(networkTensors("backbone", BACKBONES[name], 0));
    const { bytes } = buildNetwork("backbone", name, weights);
    const session = await openSession(bytes);
    const [height, width] = [65, 90];
    const image = Float32Array.from(hashed("image", 3 * height * width), (u) => 2 * u - 1);
    const features = await runOne(
      session,
      { data: image, shape: [1, 3, height, width] },
      "features",
    );
    await session.release();
    assert.deepEqual(features.dims, [1, 2048, 5, 6]);
    const kept: number[] = [];
    for (let c = 5; c < 2048; c += 16) {
      kept.push(...(features.data as Float32Array).subarray(c * 30, (c + 1) * 30));
    }
    const difference = relativeDifference(kept, LIBRARIES[name]!.data as Float32Array);
    console.log(`${name}: ${difference.toExponential(1)}`);
    assert.ok(difference < 1e-4, `differs by ${difference}`);
  });
}
