import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { networkTensors } from "../../../core/nets/build_network.ts";
import { publishedTensors } from "../../../core/nets/published_names.ts";
import { folderUrl } from "../../../core/runtime/model_folders.ts";
import { loadManifest } from "../../../core/runtime/models.ts";
import { readWeights } from "../../../core/weights/read_weights.ts";
import { writeCheckpoint } from "../../../core/weights/write_checkpoint.ts";
import { seededWeights } from "../../core/nets/seeded_weights.ts";
import { runTask } from "../../helpers/processes.ts";

const folder = await mkdtemp(join(tmpdir(), "silop-import-"));
Deno.test.afterAll(async () => await rm(folder, { recursive: true, force: true }));
const checkpoint = join(folder, "affinity.pth");
const weights = seededWeights(networkTensors("affinity", "efficientnet-lite0", 0));
const published = publishedTensors("affinity", weights);
await writeFile(checkpoint, writeCheckpoint(published));
const models = join(folder, "models");
const withModels = ["--models", models];

Deno.test("models:import makes a model that models:list, models:verify and models:remove know", async () => {
  const made = await runTask("models:import", [checkpoint, "--name", "edges", "--to", models]);
  assert.equal(made.code, 0, made.stderr);
  assert.match(made.stdout, /^found +affinity on efficientnet-lite0, \d+ tensors\n/);
  assert.match(made.stdout, /--affinity-model edges/);
  assert.deepEqual((await readdir(models)).sort(), ["edges.onnx", "manifest.json"]);

  const listed = await runTask("models:list", withModels);
  assert.match(listed.stdout, /\* edges +affinity +efficientnet-lite0 +fp32/);
  assert.match(listed.stdout, /\* cam-\S+ +cam /);
  const verified = await runTask("models:verify", ["edges", ...withModels]);
  assert.deepEqual([verified.code, verified.stdout], [0, "ok      edges\n"]);

  const again = await runTask("models:import", [checkpoint, "--name", "edges", "--to", models]);
  assert.equal(again.code, 2);
  assert.match(again.stderr, /has a model "edges" already; --replace/);

  const out = join(folder, "out.pth");
  const written = await runTask("models:export", ["edges", "--out", out, ...withModels]);
  assert.equal(written.code, 0, written.stderr);
  const tensors = readWeights(await readFile(out));
  assert.deepEqual(new Set(tensors.keys()), new Set(published.keys()));
  for (const [name, { shape }] of published) assert.deepEqual(tensors.get(name)!.shape, shape);

  const path = join(models, "edges.onnx");
  const bytes = await readFile(path);
  bytes[1000]! ^= 1;
  await writeFile(path, bytes);
  const damaged = await runTask("models:verify", withModels);
  assert.equal(damaged.code, 1);
  assert.match(damaged.stdout, /FAILED {2}edges\nok/);
  assert.match(damaged.stderr, /edges: .*checksum/);

  const removed = await runTask("models:remove", ["edges", "--from", models]);
  assert.equal(removed.code, 0, removed.stderr);
  assert.deepEqual(await readdir(models), ["manifest.json"]);
  const gone = await runTask("models:remove", ["edges", "--from", models]);
  assert.equal(gone.code, 1);
  assert.match(gone.stderr, /no model "edges"/);
});

Deno.test("models:import takes classes and their colours from a file", async () => {
  const source = join(folder, "three.pth");
  const three = seededWeights(networkTensors("deeplabv3plus", "efficientnet-lite0", 4));
  await writeFile(source, writeCheckpoint(publishedTensors("deeplabv3plus", three)));
  const list = join(folder, "classes.csv");
  await writeFile(list, "name,color\nrust,#c04000\nmoss,\nred cell,#0a141e\n");
  const target = join(folder, "three");
  const args = [source, "--name", "three", "--to", target, "--classes"];
  const made = await runTask("models:import", [...args, list]);
  assert.equal(made.code, 0, made.stderr);
  const { models: { three: info } } = await loadManifest(folderUrl(target));
  assert.ok(info?.task === "segmentation");
  assert.deepEqual(info.classes, ["background", "rust", "moss", "red cell"]);
  assert.deepEqual(info.colors, [[0, 0, 0], [192, 64, 0], [0, 128, 0], [10, 20, 30]]);

  await writeFile(list, "name,color\nrust,red\n");
  const refused = await runTask("models:import", [...args, list, "--replace"]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /classes\.csv: class 1 .* must be a colour such as #c04000/);
});

Deno.test("models:import writes nothing when the file will not do", async () => {
  const target = join(folder, "none");
  const refuse = async (args: string[], code: number, message: RegExp) => {
    const { stderr, ...ended } = await runTask("models:import", [...args, "--to", target]);
    assert.equal(ended.code, code, stderr);
    assert.match(stderr, message);
  };
  const broken = join(folder, "broken.pth");
  await writeFile(broken, (await readFile(checkpoint)).subarray(0, 100_000));
  await refuse([broken, "--name", "a"], 1, /^error: Cannot read/);
  await refuse([join(folder, "absent.pth"), "--name", "a"], 1, /^error: Cannot read .*absent/);
  await refuse([checkpoint, "--name", "../a"], 2, /is no name for a model/);
  const wrong = [checkpoint, "--name", "a", "--network", "classifier"];
  await refuse(wrong, 1, /classifier\.weight/);
  await assert.rejects(readdir(target), { code: "ENOENT" });
});

Deno.test("models:import and models:remove want to know the folder", async () => {
  for (
    const [task, ...args] of [["models:import", checkpoint, "--name", "a"], ["models:remove", "a"]]
  ) {
    const { code, stderr } = await runTask(task!, args);
    assert.equal(code, 2);
    assert.match(stderr, /FOLDER or SILOP_MODELS/);
  }
});

Deno.test("models:export says why it cannot write the embedded model of two heads", async () => {
  const out = join(folder, "cam.pth");
  const { code, stderr } = await runTask("models:export", ["cam-efficientnet-lite0", "--out", out]);
  assert.equal(code, 1);
  assert.match(stderr, /^error: Cannot export cam-efficientnet-lite0: .* two heads of its own/);
  await assert.rejects(readFile(out), { code: "ENOENT" });
});
