import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ModelError } from "../../../core/errors.ts";
import {
  DEFAULT_CAM_MODEL,
  findModel,
  loadManifest,
  parseManifest,
  parseModelInfo,
  readModel,
  verifyModel,
} from "../../../core/runtime/models.ts";
import { VOC_CLASSES } from "../../../core/voc/classes.ts";
import {
  makeModelFolder,
  tinyAffinityModel,
  tinySegmentationModel,
} from "../../helpers/tiny_model.ts";

Deno.test("loadManifest() and readModel() read what was written", async () => {
  await using folder = await makeModelFolder();
  const info = findModel(await loadManifest(folder.url), DEFAULT_CAM_MODEL);
  assert.deepEqual(
    await readModel(info, folder.url),
    new Uint8Array(await readFile(new URL("tiny.onnx", folder.url))),
  );
});

for (const read of [readModel, verifyModel]) {
  Deno.test(`${read.name}() throws ModelError when the file is missing or another`, async () => {
    await using folder = await makeModelFolder();
    const info = findModel(await loadManifest(folder.url), DEFAULT_CAM_MODEL);
    const file = new URL("tiny.onnx", folder.url);
    const bytes = await readFile(file);

    await writeFile(file, bytes.subarray(1));
    await assert.rejects(read(info, folder.url), {
      name: "ModelError",
      message: new RegExp(`has ${bytes.length - 1} bytes, the manifest says ${bytes.length}`),
    });
    bytes[100]! ^= 1;
    await writeFile(file, bytes);
    await assert.rejects(read(info, folder.url), { name: "ModelError", message: /checksum/ });
    await rm(file);
    await assert.rejects(read(info, folder.url), { name: "ModelError", message: /missing/ });
  });
}

Deno.test("verifyModel() gives the path of the file", async () => {
  await using folder = await makeModelFolder();
  const info = findModel(await loadManifest(folder.url), DEFAULT_CAM_MODEL);
  assert.equal(await verifyModel(info, folder.url), join(folder.path, "tiny.onnx"));
});

Deno.test("loadManifest() throws ModelError when there is none", async () => {
  await using folder = await makeModelFolder();
  await assert.rejects(loadManifest(new URL("other/", folder.url)), ModelError);
});

Deno.test("parseManifest() throws ModelError naming what is wrong", async () => {
  await using folder = await makeModelFolder();
  const text = await readFile(new URL("manifest.json", folder.url), "utf8");
  const change = (edit: (model: Record<string, unknown>) => void) => {
    const manifest = JSON.parse(text);
    edit(manifest.models[DEFAULT_CAM_MODEL]);
    return JSON.stringify(manifest);
  };
  const cases: [text: string, expected: RegExp][] = [
    ["{", /not a valid manifest/],
    ["{}", /version/],
    [change((model) => model.file = "../secret.onnx"), /file/],
    [change((model) => model.sha256 = "abc"), /sha256/],
    [change((model) => model.threshold = 2), /threshold/],
    [change((model) => model.scoreThresholds = [0.5]), /one number per class/],
    [change((model) => model.colors = [[1, 2, 3]]), /one colour per class/],
    [change((model) => model.colors = VOC_CLASSES.map(() => [0, 256, 0])), /colors/],
    [change((model) => model.colors = VOC_CLASSES.map(() => "#ff0000")), /colors/],
    [change((model) => delete model.licence), /licence/],
    [change((model) => model.extra = 1), /extra/],
    [change((model) => model.task = "cook"), /task/],
    [change((model) => Object.assign(model, tinySegmentationModel().info)), /threshold/],
    [text.replace(DEFAULT_CAM_MODEL, "../x"), /Invalid key/],
    [text.replace(DEFAULT_CAM_MODEL, "x.onnx"), /Invalid key/],
  ];
  for (const [broken, expected] of cases) {
    assert.throws(() => parseManifest(broken, "here"), { name: "ModelError", message: expected });
  }
});

Deno.test("parseManifest() takes models of every task, and holds each to its own rules", async () => {
  const [segmentation, affinity] = [tinySegmentationModel().info, tinyAffinityModel().info];
  await using folder = await makeModelFolder({
    models: { masks: tinySegmentationModel(), edges: tinyAffinityModel() },
  });
  const manifest = await loadManifest(folder.url);
  assert.deepEqual(findModel(manifest, "masks", "segmentation"), segmentation);
  assert.deepEqual(findModel(manifest, "edges", "affinity"), affinity);
  assert.throws(() => findModel(manifest, "edges"), /"edges" is for affinity, not for cam/);
  const refuse = (model: object, expected: RegExp) =>
    assert.throws(() => parseModelInfo(JSON.stringify(model), "here"), {
      name: "ModelError",
      message: expected,
    });
  refuse({ ...segmentation, classes: ["cat", "dog"] }, /first class must be background/);
  refuse({ ...segmentation, colors: VOC_CLASSES.map(() => [1, 2, 3]) }, /one colour per class/);
  refuse({ ...affinity, colors: [[1, 2, 3]] }, /colors/);
  refuse({ ...affinity, outputStride: 8 }, /outputStride/);
  refuse({ ...affinity, padding: { least: -1, multiple: 16 } }, /least/);
});

Deno.test("findModel() throws ModelError listing the models there are", async () => {
  await using folder = await makeModelFolder();
  const manifest = await loadManifest(folder.url);
  for (const name of ["other", "toString"]) {
    assert.throws(() => findModel(manifest, name), {
      name: "ModelError",
      message: new RegExp(`"${name}".*${DEFAULT_CAM_MODEL}`),
    });
  }
});

Deno.test("the embedded models are those of their manifest", async () => {
  const { models } = await loadManifest();
  assert.ok(Object.hasOwn(models, DEFAULT_CAM_MODEL));
  let total = 0;
  for (const info of Object.values(models)) total += (await readModel(info)).length;
  assert.ok(total <= 40 * 1024 * 1024, `${total} bytes`);
});
