import assert from "node:assert/strict";
import { importCheckpoint } from "../../../core/nets/import_checkpoint.ts";
import { networkTensors } from "../../../core/nets/build_network.ts";
import { publishedTensors } from "../../../core/nets/published_names.ts";
import { unfoldWeights } from "../../../core/nets/unfold_weights.ts";
import { VOC_CLASSES } from "../../../core/voc/classes.ts";
import { writeSafetensors } from "../../../core/weights/safetensors.ts";
import { writeCheckpoint } from "../../../core/weights/write_checkpoint.ts";
import { openNumbers } from "./numbers_of.ts";
import { seededWeights } from "./seeded_weights.ts";

const SOURCE = { source: "mine.pth", madeBy: "a test" };
const NETWORKS = [
  ["classifier", 20],
  ["affinity", 0],
  ["deeplabv3plus", 21],
  ["backbone", 0],
] as const;

for (const [kind, classes] of NETWORKS) {
  Deno.test(`importCheckpoint() and unfoldWeights() come back to the same ${kind}`, async () => {
    const weights = seededWeights(networkTensors(kind, "efficientnet-lite0", classes));
    const bytes = writeCheckpoint(publishedTensors(kind, weights));
    const first = importCheckpoint(bytes, SOURCE);
    assert.deepEqual(
      [first.kind, first.backbone, first.classes, first.ignored],
      [kind, "efficientnet-lite0", classes, []],
    );
    const restored = unfoldWeights(first.model, kind, "efficientnet-lite0", classes);
    assert.deepEqual([...restored.keys()], [...weights.keys()]);
    for (const [name, { shape }] of weights) assert.deepEqual(restored.get(name)!.shape, shape);
    // Folding is undone in what is computed, not in the numbers themselves.
    const again = importCheckpoint(writeSafetensors(publishedTensors(kind, restored)), SOURCE);
    const [expected, actual] = [await openNumbers(first.model), await openNumbers(again.model)];
    assert.deepEqual(Object.keys(actual), Object.keys(expected));
    for (const [name, numbers] of Object.entries(expected)) {
      const largest = numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      assert.ok(largest > 0);
      actual[name]!.forEach((value, i) => {
        assert.ok(Math.abs(value - numbers[i]!) <= 1e-5 * largest, `${name} ${i}`);
      });
    }
  });
}

Deno.test("importCheckpoint() describes the model as a manifest wants it", () => {
  const weights = seededWeights(networkTensors("classifier", "efficientnet-lite0", 20));
  const bytes = writeCheckpoint(weights);
  const { facts, model } = importCheckpoint(bytes, { ...SOURCE, licence: "MIT" });
  assert.ok(facts.task === "cam");
  assert.deepEqual(facts.classes, VOC_CLASSES);
  assert.deepEqual(facts.scales, [0.5, 1, 1.5, 2]);
  assert.deepEqual([facts.backbone, facts.precision], ["efficientnet-lite0", "fp32"]);
  assert.deepEqual([facts.licence, facts.madeBy], ["MIT", "a test"]);
  assert.match(facts.origin, /^mine\.pth, sha256 [0-9a-f]{64}$/);
  const half = importCheckpoint(bytes, { ...SOURCE, precision: "fp16" });
  assert.ok(half.model.length < 0.6 * model.length);
  assert.equal(half.facts.precision, "fp16");
});

Deno.test("importCheckpoint() wants the names of classes that are not VOC's", () => {
  const three = seededWeights(networkTensors("deeplabv3plus", "efficientnet-lite0", 4));
  const bytes = writeCheckpoint(three);
  const named = (names: string[]) => names.map((name) => ({ name }));
  const refuse = (message: RegExp, names?: string[]) =>
    assert.throws(() => importCheckpoint(bytes, { ...SOURCE, classes: names && named(names) }), {
      name: "OptionError",
      message,
    });
  refuse(/has 3 classes, which are not VOC's/);
  refuse(/has 3 classes, not 2/, ["a", "b"]);
  refuse(/all different/, ["a", "b", "a"]);
  refuse(/all different/, ["a", "b", "background"]);
  const { facts } = importCheckpoint(bytes, { ...SOURCE, classes: named(["a", "b", "c"]) });
  assert.ok(facts.task === "segmentation");
  assert.deepEqual(facts.classes, ["background", "a", "b", "c"]);
  assert.ok(!("colors" in facts));
  const classes = [{ name: "a" }, { name: "b", color: "#0a141e" }, { name: "c" }];
  const painted = importCheckpoint(bytes, { ...SOURCE, classes }).facts;
  assert.ok(painted.task === "segmentation");
  assert.deepEqual(painted.colors, [[0, 0, 0], [128, 0, 0], [10, 20, 30], [128, 128, 0]]);
});

Deno.test("importCheckpoint() refuses what is no checkpoint, or another network's", () => {
  const weights = seededWeights(networkTensors("affinity", "efficientnet-lite0", 0));
  const bytes = writeCheckpoint(weights);
  for (const broken of [new Uint8Array(0), bytes.subarray(0, 5000), new Uint8Array(1000)]) {
    assert.throws(() => importCheckpoint(broken, SOURCE), (error: Error) => {
      return ["UnsupportedFormatError", "DecodeError"].includes(error.name);
    });
  }
  assert.throws(
    () => importCheckpoint(bytes, { ...SOURCE, kind: "classifier" }),
    { name: "ModelError", message: /classifier\.weight/ },
  );
  assert.throws(
    () => importCheckpoint(bytes, { ...SOURCE, backbone: "resnet50" }),
    { name: "ModelError" },
  );
});

Deno.test("unfoldWeights() names what a file lacks", () => {
  const weights = seededWeights(networkTensors("affinity", "efficientnet-lite0", 0));
  const { model } = importCheckpoint(writeCheckpoint(weights), SOURCE);
  assert.throws(() => unfoldWeights(model, "classifier", "efficientnet-lite0", 20), {
    name: "ModelError",
    message: /classifier\.weight \[20, 1280, 1, 1\] is missing/,
  });
});
