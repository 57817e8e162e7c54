import assert from "node:assert/strict";
import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeCam, decodeMaps } from "../../../core/batch/codecs.ts";
import { decodeImage, decodeMaskPng } from "../../../core/image/mod.ts";
import { type Ended, ROOT, runTask } from "../../helpers/processes.ts";
import { makeModelFolder, type ModelFolder } from "../../helpers/tiny_model.ts";
import { makeTinyVoc, type TinyVoc } from "../../helpers/voc_folder.ts";

const models: ModelFolder = await makeModelFolder();
Deno.test.afterAll(async () => await models[Symbol.asyncDispose]());

/** Tasks that run networks, and can be told where they are. */
const NETWORKS = ["all", "cam", "perimeter"];

function voc(name: string, { data, run }: TinyVoc, args: readonly string[] = []): Promise<Ended> {
  const where = ["--data", data, "--set", "tiny", "--run", run, "--jobs", "1"];
  const network = NETWORKS.includes(name) ? ["--models", models.path] : [];
  return runTask(`voc:${name}`, [...where, ...network, ...args]);
}

async function listAll(run: string): Promise<string[]> {
  const entries = await readdir(run, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(run.length + 1)).sort();
}

/** Options with which no step of the chain is left out. */
const EVERY_STEP = ["--combine-fit", "masks", "--pseudo-labels-from", "random_walk"];

Deno.test("voc:all makes every result of the chain, once, and voc:evaluate measures them", async () => {
  await using tiny = await makeTinyVoc(3);
  const [id, , bare] = tiny.ids;
  // No class at all is a result like any other.
  await writeFile(join(tiny.data, "Annotations", `${bare}.xml`), "<annotation></annotation>");
  const first = await voc("all", tiny, EVERY_STEP);
  assert.equal(first.code, 0, first.stderr);
  const kinds = [
    ["cam", ".npz"],
    ["uss_slic", ".png"],
    ["uss_quickshift", ".png"],
    ["perimeter_slic", ".png"],
    ["perimeter_quickshift", ".png"],
    ["fit_slic", ".npz"],
    ["fit_quickshift", ".npz"],
    ["combined", ".npz"],
    ["affinity_labels", ".png"],
    ["random_walk", ".npz"],
    ["pseudo_labels", ".png"],
  ];
  const results = kinds.flatMap(([kind, end]) => tiny.ids.map((id) => `${kind}/${id}${end}`));
  const files = (await listAll(tiny.run)).filter((name) => !name.startsWith("journal"));
  assert.deepEqual(files, [...results, "complete.txt", "run.json"].sort());
  const cam = decodeCam(await readFile(join(tiny.run, "cam", `${id}.npz`)));
  assert.deepEqual([cam.keys, cam.hrCam.width, cam.hrCam.height], [[0, 8], 60, 50]);
  const walk = decodeMaps(await readFile(join(tiny.run, "random_walk", `${id}.npz`)));
  assert.equal(Math.max(...walk.planes.data), 1);
  const mask = decodeMaskPng(await readFile(join(tiny.run, "pseudo_labels", `${id}.png`)));
  assert.ok(mask.data.every((label) => label === 0 || label === 8));

  const second = await voc("all", tiny, EVERY_STEP);
  assert.match(second.stderr, /pseudo-labels: 3 done already\nall: 0 results made/);

  // An image whose beginning now fails is not in the list, though its pseudo labels are there.
  const complete = join(tiny.run, "complete.txt");
  assert.equal(await readFile(complete, "utf8"), tiny.ids.join("\n") + "\n");
  const photo = join(tiny.data, "JPEGImages", `${tiny.ids[1]}.jpg`);
  await rename(photo, photo + ".away");
  assert.equal((await voc("all", tiny, EVERY_STEP)).code, 1);
  assert.equal(await readFile(complete, "utf8"), `${id}\n${bare}\n`);
  await rename(photo + ".away", photo);

  const other = await voc("combine", tiny, ["--fit", "region-mean", "--redo"]);
  assert.match(other.stderr, /combine: 3 images in/);

  await assert.rejects(stat(complete), { code: "ENOENT" });

  const changed = await voc("random-walk", tiny, ["--steps", "8"]);
  assert.equal(changed.code, 1);
  assert.match(changed.stderr, /options\.steps: was 256, now 8/);

  const measured = await voc("evaluate", tiny, ["--mean-classes", "background,cat,person"]);
  assert.equal(measured.code, 0, measured.stderr);
  const metrics = JSON.parse(
    await readFile(join(tiny.run, "evaluation", "metrics.json"), "utf8"),
  );
  const shown = metrics.results.map(({ kind }: { kind: string }) => kind);
  assert.deepEqual(shown, ["cam", "combined", "random_walk", "pseudo_labels"]);
  for (const { at } of metrics.results) assert.ok(at.chosen > 0 && at.chosen < 1);
  const svg = await readFile(join(tiny.run, "evaluation", "iou.svg"), "utf8");
  assert.match(svg, /^<svg[\s\S]*person[\s\S]*<\/svg>\n$/);
  // A threshold between the steps of the sweep.
  const between = await voc("evaluate", tiny, ["--what", "cam", "--threshold", "0.12"]);
  assert.equal(between.code, 0, between.stderr);
  assert.match(between.stdout, /^threshold +0\.12$/m);

  const where = ["--data", tiny.data, "--set", "tiny", "--run", tiny.run];
  const drawn = await runTask("voc:sheet", [...where, "--rows", "3", "--side", "32"]);
  assert.equal(drawn.code, 0, drawn.stderr);
  const sheet = await decodeImage(await readFile(join(tiny.run, "sheets", "tiny_001.png")));
  // All kinds of results, the photo and the truth.
  assert.equal(sheet.width, 6 + (kinds.length + 2) * 38);
});

Deno.test("voc:evaluate and voc:sheet tell what they left out, and name parts of a set", async () => {
  await using tiny = await makeTinyVoc(4);
  assert.equal((await voc("cam", tiny)).code, 0);
  const labels = ["--from", "cam", "--crf-steps", "0", "--shard", "1/2"];
  assert.equal((await voc("pseudo-labels", tiny, labels)).code, 0);
  const { code, stdout } = await voc("evaluate", tiny);
  assert.equal(code, 1);
  assert.match(stdout, /images +4 +2\n/);
  const folder = join(tiny.run, "evaluation");
  const metrics = async (name: string) => {
    const { asked, results } = JSON.parse(await readFile(join(folder, name), "utf8"));
    return [asked, ...results.map(({ images, failed }: never) => [images, failed])];
  };
  assert.deepEqual(await metrics("metrics.json"), [4, [4, 0], [2, 2]]);
  assert.match(await readFile(join(folder, "iou.svg"), "utf8"), /2 to 4 images of tiny</);

  const part = ["--shard", "1/2"];
  assert.equal((await voc("evaluate", tiny, part)).code, 0);
  assert.deepEqual(await metrics("metrics.1of2.json"), [2, [2, 0], [2, 0]]);
  assert.deepEqual(await metrics("metrics.json"), [4, [4, 0], [2, 2]]);
  const where = ["--data", tiny.data, "--set", "tiny", "--run", tiny.run, "--side", "32"];
  assert.equal((await runTask("voc:sheet", [...where, ...part])).code, 0);
  assert.deepEqual(await readdir(join(tiny.run, "sheets")), ["tiny_1of2_001.png"]);
});

Deno.test("voc:cam goes on after images that cannot be read, tells them and exits with 1", async () => {
  await using tiny = await makeTinyVoc(4);
  await writeFile(join(tiny.data, "JPEGImages", `${tiny.ids[1]}.jpg`), "no photo");
  await rm(join(tiny.data, "JPEGImages", `${tiny.ids[2]}.jpg`));
  const { code, stderr } = await voc("cam", tiny);
  assert.equal(code, 1);
  assert.match(stderr, /2 failed: see errors\.cam\.jsonl/);
  const errors = (await readFile(join(tiny.run, "errors.cam.jsonl"), "utf8")).trim().split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(errors.map(({ id }) => id).sort(), [tiny.ids[1], tiny.ids[2]]);
  assert.equal((await readdir(join(tiny.run, "cam"))).length, 2);
});

Deno.test("voc:cam takes a share of the images, and refuses command lines without sense", async () => {
  await using tiny = await makeTinyVoc(5);
  assert.equal((await voc("cam", tiny, ["--shard", "2/2", "--limit", "4"])).code, 0);
  const made = (await readdir(join(tiny.run, "cam"))).sort();
  assert.deepEqual(made, [`${tiny.ids[1]}.npz`, `${tiny.ids[3]}.npz`]);
  for (const args of [["--shard", "3/2"], ["--use", "mask=/tmp"], ["--working-size", "3"]]) {
    const { code, stderr } = await voc("cam", tiny, args);
    assert.equal(code, 2, stderr);
  }
  const file = `cam=${join(tiny.run, "run.json")}`;
  const published = ["random-walk", "--layout", "published", "--beta", "8"];
  const { code, stderr } = await voc(published[0]!, tiny, published.slice(1));
  assert.equal(code, 2);
  assert.match(stderr, /named for beta 10, not 8/);
  const nonsense = [
    ["fit", "--device", "cpu"],
    ["pseudo-labels", "--threads", "2"],
    ["evaluate", "--models", models.path],
    ["evaluate", "--redo"],
    ["evaluate", "--use", file],
  ];
  for (const [name, ...args] of nonsense) {
    const { code, stderr } = await voc(name!, tiny, args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^error: (unknown option|option '--use .* There is no folder)/m);
  }
});

Deno.test("voc:cam ends between images on SIGINT, and goes on from there", async () => {
  await using tiny = await makeTinyVoc(8);
  // The fifth photo is one that the test lets through when it is time.
  const photo = join(tiny.data, "JPEGImages", `${tiny.ids[4]}.jpg`);
  const bytes = await readFile(photo);
  await rm(photo);
  assert.ok((await new Deno.Command("mkfifo", { args: [photo] }).output()).success);
  const where = ["--data", tiny.data, "--set", "tiny", "--run", tiny.run];
  const args = ["run", "-R", "-W", "--allow-ffi", "scripts/voc/cam.ts", ...where, "--models"];
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args, models.path, "--jobs", "1"],
    cwd: ROOT,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let told = "";
  let killed = false;
  let passed: Promise<void> | undefined;
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    told += text;
    if (!killed && told.includes("cam: 4/8")) {
      // Once: a second signal would end it at once.
      killed = true;
      child.kill("SIGINT");
    }
    if (told.includes("Ending")) passed ??= writeFile(photo, bytes);
  }
  await passed;
  assert.equal((await child.status).code, 130, told);
  assert.match(told, /Stopped between images/);
  const names = await readdir(join(tiny.run, "cam"));
  assert.deepEqual(names.sort(), tiny.ids.slice(0, 5).map((id) => `${id}.npz`), told);
  await rm(photo);
  await writeFile(photo, bytes);
  const rest = await runTask("voc:cam", [...where, "--models", models.path, "--jobs", "1"]);
  // The fifth is made again, as its file is another than it was.
  assert.match(rest.stderr, /cam: 4 done already/);
  assert.equal((await readdir(join(tiny.run, "cam"))).length, 8);
});
