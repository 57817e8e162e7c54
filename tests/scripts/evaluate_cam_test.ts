import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runTask } from "../helpers/processes.ts";
import { makeModelFolder } from "../helpers/tiny_model.ts";
import { makeVocFolder } from "../helpers/made_up_voc.ts";

Deno.test("evaluate:cam prints tables and writes the same figures as JSON", async () => {
  await using models = await makeModelFolder();
  await using data = await makeVocFolder("some_dev", [
    { id: "a", width: 50, height: 38, labels: [7] },
    { id: "b", width: 40, height: 64, labels: [14, 11] },
  ]);
  const out = join(data.path, "figures", "dev.json");
  const common = ["--data", data.path, "--set", "some_dev", "--models", models.path];
  const { code, stdout, stderr } = await runTask("evaluate:cam", [
    ...common,
    "--device=cpu",
    "--workers=1",
    "--scales=1,0.5",
    "--mean-classes=background,cat",
    "--sweep",
    "--out",
    out,
  ]);
  assert.deepEqual([code, stderr], [0, stderr]);
  assert.match(
    stdout,
    /^tiny\.onnx on some_dev: 2 images, scales 1, 0\.5 with mirrors, threshold 0\.3/,
  );
  const report = JSON.parse(await readFile(out, "utf8"));
  assert.deepEqual([report.set, report.images, report.scales], ["some_dev", 2, [1, 0.5]]);
  assert.deepEqual(report.chosen, ["background", "cat"]);
  const percent = (share: number) => (100 * share).toFixed(1);
  const { chosen, present } = report.means.cam;
  assert.match(stdout, new RegExp(`maps, known labels +${percent(chosen)} +${percent(present)} `));
  const cat = report.classes.find(({ name }: { name: string }) => name === "cat");
  assert.match(stdout, new RegExp(`\\ncat +1 +${percent(cat.iou.cam)} `));
  assert.equal(report.sweep.length, 25);
  assert.match(stdout, new RegExp(`\\n0.50 +${percent(report.sweep[24].chosen)}\\n`));
});

Deno.test("evaluate:cam tells apart wrong use and missing data", async () => {
  await using data = await makeVocFolder("dev", [{ id: "a", width: 40, height: 30, labels: [7] }]);
  await writeFile(join(data.path, "ImageSets", "Segmentation", "none.txt"), "");
  const wrong = await runTask("evaluate:cam", ["--data", data.path, "--mean-classes", "zebra"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /Unknown class "zebra"/);
  const missing = await runTask("evaluate:cam", ["--data", data.path, "--set", "test"]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^error: .*test\.txt/m);
  const empty = await runTask("evaluate:cam", ["--data", data.path, "--set", "none"]);
  assert.equal(empty.code, 1);
  assert.match(empty.stderr, /none names no images/);
});
