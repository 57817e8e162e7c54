import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeCam } from "../../../core/batch/codecs.ts";
import { decodeMaskPng } from "../../../core/image/mod.ts";
import { type Ended, runTask } from "../../helpers/processes.ts";
import { makeModelFolder, type ModelFolder } from "../../helpers/tiny_model.ts";
import { makeTinyVoc, type TinyVoc } from "../../helpers/voc_folder.ts";

const models: ModelFolder = await makeModelFolder();
Deno.test.afterAll(async () => await models[Symbol.asyncDispose]());

const LABELS = ["cat", "person"];
/** Columns of colours in a PNG begin here. */
const PLTE = 8 + 25 + 8;

/** Turns a set of VOC's layout into photos with a list beside them. */
async function makeOwnSet({ data, ids }: TinyVoc, folder: string): Promise<string> {
  const own = join(data, "..", "own");
  await mkdir(join(own, folder), { recursive: true });
  const rows: string[] = ["file,labels,mask"];
  for (const [i, id] of ids.entries()) {
    const [photo, mask] = [`${folder}/photo ${i}.jpg`, `${folder}/truth ${i}.png`];
    await rename(join(data, "JPEGImages", `${id}.jpg`), join(own, photo));
    await rename(join(data, "SegmentationClass", `${id}.png`), join(own, mask));
    rows.push(`${photo},${LABELS[i % 2]},${i === 0 ? "" : mask}`);
  }
  await writeFile(join(own, "labels.csv"), rows.join("\n"));
  await writeFile(
    join(own, "classes.csv"),
    "name,color\nperson,#0000ff\nzebra,\ncat,#ff8000\n",
  );
  return own;
}

function task(name: string, data: string, run: string, args: readonly string[]): Promise<Ended> {
  return runTask(`voc:${name}`, ["--data", data, "--run", run, ...args]);
}

Deno.test("voc:* take a CSV of own files, classes and colours", async () => {
  await using tiny = await makeTinyVoc(3);
  const own = await makeOwnSet(tiny, "größe & co");
  const cam = ["--models", models.path, "--jobs", "1"];
  const made = await task("cam", own, tiny.run, cam);
  assert.equal(made.code, 0, made.stderr);
  const names = (await readdir(join(tiny.run, "cam"))).sort();
  assert.equal(names.length, 3);
  const [first] = names;
  assert.match(first!, /^größe___co__photo_0-[0-9a-f]{8}\.npz$/);
  const keys = await Promise.all(names.map(async (name) => {
    return decodeCam(await readFile(join(tiny.run, "cam", name))).keys;
  }));
  assert.deepEqual(keys, [[0, 3], [0, 1], [0, 3]]);

  const labels = ["--from", "cam", "--crf-steps", "0"];
  const labelled = await task("pseudo-labels", own, tiny.run, labels);
  assert.equal(labelled.code, 0, labelled.stderr);
  const png = await readFile(join(tiny.run, "pseudo_labels", first!.replace("npz", "png")));
  assert.ok(decodeMaskPng(png).data.every((label) => label === 0 || label === 3));
  assert.deepEqual([...png.subarray(PLTE + 9, PLTE + 12)], [255, 128, 0]);

  // Truth of two images is in VOC's numbers, of which this data set has no 15, and one has none.
  const measured = await task("evaluate", own, tiny.run, ["--what", "cam"]);
  assert.equal(measured.code, 1);
  assert.match(measured.stderr, /The data set names no truth of größe___co__photo_0/);
  assert.match(measured.stderr, /Truth must be below 4, got (8|15)/);

  // The labels of one image are changed: it alone is made again.
  const csv = join(own, "labels.csv");
  const text = await readFile(csv, "utf8");
  await writeFile(csv, text.replace("photo 2.jpg,cat", "photo 2.jpg,cat;person"));
  const again = await task("cam", own, tiny.run, cam);
  assert.match(again.stderr, /cam: 2 done already\n[\s\S]*cam: 1 images in/);
  assert.deepEqual(decodeCam(await readFile(join(tiny.run, "cam", names[2]!))).keys, [0, 1, 3]);

  const changed = join(tiny.data, "..", "other.txt");
  await writeFile(changed, "cat\nperson\n");
  const other = await task("cam", own, tiny.run, [...cam, "--classes", changed]);
  assert.equal(other.code, 1);
  assert.match(other.stderr, /classes: was \[.*zebra.*\], now \[\{"name":"cat"\}/);
});

Deno.test("voc:cam and voc:sheet take a folder for each class, and tell which row is wrong", async () => {
  await using tiny = await makeTinyVoc(2);
  const own = join(tiny.data, "..", "folders");
  for (const [i, id] of tiny.ids.entries()) {
    await mkdir(join(own, LABELS[i]!), { recursive: true });
    await rename(join(tiny.data, "JPEGImages", `${id}.jpg`), join(own, LABELS[i]!, "1.jpg"));
  }
  const made = await task("cam", own, tiny.run, ["--models", models.path, "--jobs", "1"]);
  assert.equal(made.code, 0, made.stderr);
  const cams = (await readdir(join(tiny.run, "cam"))).sort();
  assert.deepEqual(cams, ["cat__1.npz", "person__1.npz"]);
  const drawn = await task("sheet", own, tiny.run, ["--side", "32"]);
  assert.equal(drawn.code, 0, drawn.stderr);
  assert.deepEqual(await readdir(join(tiny.run, "sheets")), ["all_001.png"]);

  await writeFile(join(own, "labels.csv"), "file,labels\ncat/1.jpg,cat\nperson/1.jpg,person,cat\n");
  const wrong = await task("cam", own, tiny.run, []);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /labels\.csv line 3: there are 3 cells, not 2/);
});
