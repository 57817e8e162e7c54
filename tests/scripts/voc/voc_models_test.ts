import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeMaps } from "../../../core/batch/codecs.ts";
import { decodeMaskPng } from "../../../core/image/mod.ts";
import { runTask } from "../../helpers/processes.ts";
import {
  makeModelFolder,
  tinyAffinityModel,
  tinySegmentationModel,
} from "../../helpers/tiny_model.ts";
import { makeTinyVoc, type TinyVoc } from "../../helpers/voc_folder.ts";

const models = await makeModelFolder({
  models: {
    edges: tinyAffinityModel(),
    masks: tinySegmentationModel(),
    // A data set's classes in another order, and one that the data set does not have.
    other: tinySegmentationModel({
      file: "other.onnx",
      classes: ["background", "person", "unicorn", "cat"],
    }),
  },
});
Deno.test.afterAll(async () => await models[Symbol.asyncDispose]());

async function voc(name: string, { data, run }: TinyVoc, ...args: string[]) {
  const where = ["--data", data, "--set", "tiny", "--run", run, "--jobs", "1"];
  return await runTask(`voc:${name}`, [...where, ...args]);
}
const withModels = ["--models", models.path];

async function madeWith({ run }: TinyVoc, task: string) {
  return JSON.parse(await readFile(join(run, "run.json"), "utf8")).tasks[task];
}

Deno.test("voc:random-walk walks over AffinityNet's edges where there is one", async () => {
  await using tiny = await makeTinyVoc(1);
  assert.equal((await voc("cam", tiny, ...withModels)).code, 0);
  const walked = await voc("random-walk", tiny, "--from", "cam", "--beta", "4", ...withModels);
  assert.equal(walked.code, 0, walked.stderr);
  const { options, model } = await madeWith(tiny, "random-walk");
  assert.deepEqual([options.edge, options.radius, options.beta], ["model", 5, 4]);
  assert.equal(model.name, "edges");
  const { planes } = decodeMaps(
    await readFile(join(tiny.run, "random_walk", `${tiny.ids[0]}.npz`)),
  );
  assert.deepEqual([planes.width, planes.height, Math.max(...planes.data)], [60, 50, 1]);
  // Perimeters there are none yet.
  const other = await voc("random-walk", tiny, "--from", "cam", "--edge", "perimeter", "--redo");
  assert.equal(other.code, 1);
  assert.match(other.stderr, /run voc:perimeter first/);
});

Deno.test("voc:segment makes masks that voc:evaluate measures", async () => {
  await using tiny = await makeTinyVoc(2);
  const made = await voc("segment", tiny, "--mirror", "yes", ...withModels);
  assert.equal(made.code, 0, made.stderr);
  const { options, model } = await madeWith(tiny, "segment");
  assert.deepEqual(options, { mirror: "yes", workingSize: 2048 });
  assert.equal(model.name, "masks");
  const path = join(tiny.run, "segmentation", `${tiny.ids[0]}.png`);
  const mask = decodeMaskPng(await readFile(path));
  assert.deepEqual([mask.width, mask.height], [60, 50]);
  const measured = await voc("evaluate", tiny);
  assert.equal(measured.code, 0, measured.stderr);
  assert.match(measured.stdout, /segmentation/);

  const changed = await voc("segment", tiny, "--segmentation-model", "other", ...withModels);
  assert.match(changed.stderr, /model\.name: was "masks", now "other"/);
  const again = ["--segmentation-model", "other", "--redo", ...withModels];
  assert.equal((await voc("segment", tiny, ...again)).code, 0);
  const values = new Set(decodeMaskPng(await readFile(path)).data);
  assert.deepEqual(values.difference(new Set([0, 8, 15])), new Set());
});

Deno.test("voc:segment says so when there is no model for it", async () => {
  await using none = await makeModelFolder();
  await using tiny = await makeTinyVoc(1);
  const { code, stderr } = await voc("segment", tiny, "--models", none.path);
  assert.equal(code, 1);
  assert.match(stderr, /error: There is no model for segmentation/);
  const unknown = await voc("segment", tiny, "--segmentation-model", "x", "--models", none.path);
  assert.match(unknown.stderr, /error: Unknown model "x"/);
});
