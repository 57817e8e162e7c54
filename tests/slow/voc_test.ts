import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeCam } from "../../core/batch/codecs.ts";
import { type Ended, ROOT, runTask } from "../helpers/processes.ts";
import { makeModelFolder, type ModelFolder } from "../helpers/tiny_model.ts";
import { makeTinyVoc, type TinyVoc } from "../helpers/voc_folder.ts";

const models: ModelFolder = await makeModelFolder();
Deno.test.afterAll(async () => await models[Symbol.asyncDispose]());

/** Tasks that run networks, and can be told where they are. */
const NETWORKS = ["all", "cam", "perimeter"];

function argumentsFor({ data, run }: TinyVoc, args: readonly string[]): string[] {
  const where = ["--data", data, "--set", "tiny", "--run", run];
  return [...where, "--jobs", "2", ...args];
}

function voc(name: string, tiny: TinyVoc, args: readonly string[] = []): Promise<Ended> {
  const network = NETWORKS.includes(name) ? ["--models", models.path] : [];
  return runTask(`voc:${name}`, [...argumentsFor(tiny, network), ...args]);
}

Deno.test("voc:combine makes the same of published folders as of its own", async () => {
  await using own = await makeTinyVoc(2);
  await using published = await makeTinyVoc(2);
  const masks = [
    ...["--combine-fit", "masks", "--pseudo-labels-from", "combined"],
    ...["--pseudo-labels-crf-steps", "1"],
  ];
  const layout = ["--layout", "published"];
  assert.equal((await voc("all", own, masks)).code, 0);
  const { code, stderr } = await voc("all", published, [...masks, ...layout]);
  assert.equal(code, 0, stderr);
  const predictions = join(published.run, "experiments", "predictions");
  const [id] = own.ids;
  const theirs = decodeCam(await readFile(join(predictions, "Combined_CAM", `${id}.npy`)));
  const ours = decodeCam(await readFile(join(own.run, "combined", `${id}.npz`)));
  assert.deepEqual(theirs, ours);

  // A stage fed with files of another origin.
  const cams = join(predictions, "ResNeSt101@Puzzle@optimal@train@scale=0.5,1.0,1.5,2.0");
  const swapped = await voc("combine", own, [
    "--use",
    `cam=${cams}`,
    "--use",
    `uss_slic=${join(published.run, "Dataset", "USS_slic")}`,
    "--redo",
  ]);
  assert.equal(swapped.code, 0, swapped.stderr);
  assert.match(swapped.stderr, /combine: 2 images/);
});

/** Contents of all results by their paths, without journals, as text of their bytes. */
async function readAll(run: string): Promise<Map<string, string>> {
  const entries = await readdir(run, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(run.length + 1))
    .filter((path) => !path.startsWith("journal")).sort();
  const contents = new Map<string, string>();
  for (const path of paths) contents.set(path, await readFile(join(run, path), "latin1"));
  return contents;
}

Deno.test("voc:all killed ten times at random moments gives what an undisturbed one gives", async () => {
  await using whole = await makeTinyVoc(8);
  await using killed = await makeTinyVoc(8);
  const undisturbed = performance.now();
  assert.equal((await voc("all", whole)).code, 0);
  const duration = performance.now() - undisturbed;
  let kills = 0;
  for (; kills < 10; kills++) {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-R",
        "-W",
        "--allow-ffi",
        "scripts/voc/all.ts",
        ...argumentsFor(killed, ["--models", models.path]),
      ],
      cwd: ROOT,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const time = duration * (0.1 + 0.3 * Math.random());
    const timer = setTimeout(() => child.kill("SIGKILL"), time);
    const { success } = await child.status;
    clearTimeout(timer);
    if (success) break;
  }
  assert.ok(kills >= 3, `only ${kills} kills before the end`);
  const last = await voc("all", killed);
  assert.equal(last.code, 0, last.stderr);
  assert.deepEqual(await readAll(killed.run), await readAll(whole.run));
});
