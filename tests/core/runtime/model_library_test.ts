import assert from "node:assert/strict";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { isModelPath, ModelLibrary } from "../../../core/runtime/model_library.ts";
import { DEFAULT_CAM_MODEL, type Manifest } from "../../../core/runtime/models.ts";
import {
  makeModelFolder,
  type ModelFile,
  type ModelFolder,
  tinyAffinityModel,
  tinyCamModel,
  tinySegmentationModel,
} from "../../helpers/tiny_model.ts";

const embedded = await makeModelFolder({
  models: {
    edges: tinyAffinityModel(),
    "edges-2": tinyAffinityModel("edges_2.onnx"),
    masks: tinySegmentationModel(),
  },
});
Deno.test.afterAll(async () => await embedded[Symbol.asyncDispose]());

/** A folder of nothing but the given models. */
async function makeFolder(
  models: Record<string, ModelFile>,
  defaults?: Manifest["defaults"],
): Promise<ModelFolder> {
  const folder = await makeModelFolder({ models });
  const infos = Object.entries(models).map(([name, { info }]) => [name, info]);
  const manifest: Manifest = { version: 1, defaults, models: Object.fromEntries(infos) };
  await writeFile(join(folder.path, "manifest.json"), JSON.stringify(manifest));
  return folder;
}

const namesOf = (chosen: ReturnType<ModelLibrary["choose"]>) => [
  chosen.cam.name,
  chosen.affinity?.name,
  chosen.segmentation?.name,
  chosen.segmentationFirst,
];

Deno.test("ModelLibrary.choose() takes each task's first model", async () => {
  const library = await ModelLibrary.open(embedded.url);
  assert.deepEqual(namesOf(library.choose()), [DEFAULT_CAM_MODEL, "edges", "masks", true]);
});

Deno.test("ModelLibrary.choose() takes models named, and then no other network for masks first", async () => {
  const library = await ModelLibrary.open([embedded.url]);
  const edges = library.choose({ affinityModel: "edges-2" });
  assert.deepEqual(namesOf(edges), [DEFAULT_CAM_MODEL, "edges-2", "masks", true]);
  const cam = library.choose({ camModel: DEFAULT_CAM_MODEL });
  assert.deepEqual(namesOf(cam), [DEFAULT_CAM_MODEL, "edges", "masks", false]);
  const both = library.choose({ camModel: DEFAULT_CAM_MODEL, segmentationModel: "masks" });
  assert.equal(both.segmentationFirst, true);
});

Deno.test("ModelLibrary.choose() searches the first folder first, and no further than the CAM model's", async () => {
  await using cams = await makeFolder({ mine: tinyCamModel() });
  await using masks = await makeFolder({ mine: tinySegmentationModel() });
  const own = await ModelLibrary.open([cams.url, embedded.url]);
  assert.deepEqual(namesOf(own.choose()), ["mine", undefined, undefined, true]);
  const mixed = await ModelLibrary.open([masks.url, embedded.url]);
  assert.deepEqual(namesOf(mixed.choose()), [DEFAULT_CAM_MODEL, "edges", "mine", true]);
  assert.equal(mixed.choose().segmentation!.folder.href, masks.url.href);
  const later = own.choose({ camModel: DEFAULT_CAM_MODEL });
  assert.deepEqual(namesOf(later), [DEFAULT_CAM_MODEL, "edges", "masks", false]);
});

Deno.test("ModelLibrary.choose() obeys a manifest's defaults, and says when they are none", async () => {
  const models = { a: tinyCamModel("a.onnx"), b: tinyCamModel("b.onnx") };
  await using folder = await makeFolder(models, { cam: "b" });
  assert.equal((await ModelLibrary.open(folder.url)).choose().cam.name, "b");
  await using wrong = await makeFolder(models, { segmentation: "a" });
  const broken = await ModelLibrary.open(wrong.url);
  assert.throws(() => broken.choose(), {
    name: "ModelError",
    message: /default for segmentation, "a"/,
  });
  await using none = await makeFolder({});
  const empty = await ModelLibrary.open(none.url);
  assert.throws(() => empty.choose(), /no folder has one for cam/);
});

Deno.test("ModelLibrary.list() gives of equal names the first folder's", async () => {
  await using other = await makeFolder({ masks: tinySegmentationModel({ stride: 1 }) });
  const library = await ModelLibrary.open([other.url, embedded.url]);
  const names = library.list().map(({ name }) => name);
  assert.deepEqual(names, ["masks", DEFAULT_CAM_MODEL, "edges", "edges-2"]);
  assert.equal(library.find("masks", "segmentation").folder.href, other.url.href);
});

Deno.test("ModelLibrary.find() names the models there are for the task", async () => {
  const library = await ModelLibrary.open(embedded.url);
  const fail = (name: string, message: RegExp) =>
    assert.throws(() => library.find(name, "affinity"), { name: "ModelError", message });
  fail("other", /"other"; the manifest has: edges, edges-2$/);
  fail("masks", /"masks" is for segmentation, not for affinity/);
  fail("toString", /Unknown model/);
});

Deno.test("ModelLibrary.find() takes the path of a file that is described beside it", async () => {
  await using folder = await makeModelFolder();
  const { info, bytes } = tinyAffinityModel("mine.onnx");
  const path = join(folder.path, "sub", "mine.onnx");
  await mkdir(join(folder.path, "sub"));
  await writeFile(path, bytes);
  const library = await ModelLibrary.open(folder.url);
  const fail = (message: RegExp, file = path) =>
    assert.throws(() => library.find(file, "affinity"), { name: "ModelError", message });
  fail(/there is no .*mine\.json/);
  await writeFile(path.replace(".onnx", ".json"), JSON.stringify(info));
  const entry = library.find(path, "affinity");
  assert.deepEqual([entry.name, entry.info], [path, info]);
  assert.equal(entry.folder.href, pathToFileURL(join(folder.path, "sub") + "/").href);
  assert.throws(() => library.find(path, "cam"), /is for affinity, not for cam/);
  fail(/no path of an \.onnx file/, join(folder.path, "sub", "mine.pth"));
  await rename(path.replace(".onnx", ".json"), path.replace("mine.onnx", "other.json"));
  fail(/describes mine\.onnx/, path.replace("mine", "other"));
  await rm(path);
});

Deno.test("ModelLibrary.weigh() adds up what would be opened at once", async () => {
  const bytes = (name: string) => entries.find((entry) => entry.name === name)!.info.bytes;
  const entries = (await ModelLibrary.open(embedded.url)).list();
  const both = bytes(DEFAULT_CAM_MODEL) + bytes("masks");
  assert.equal(ModelLibrary.weigh(embedded.url), both);
  const cam = ModelLibrary.weigh([embedded.url], { camModel: DEFAULT_CAM_MODEL });
  assert.equal(cam, bytes(DEFAULT_CAM_MODEL));
  assert.equal(ModelLibrary.weigh(new URL("nowhere/", embedded.url)), 0);
});

Deno.test("isModelPath() tells paths from names", () => {
  assert.deepEqual(["a.onnx", "./a", "b/a.onnx", "C:\\a"].map(isModelPath), Array(4).fill(true));
  assert.deepEqual(["a", "cam-1.2", "a@b"].map(isModelPath), Array(3).fill(false));
});
