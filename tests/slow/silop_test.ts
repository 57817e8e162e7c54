import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { decodeMaskPng } from "../../core/image/mod.ts";
import { folderUrl } from "../../core/runtime/model_folders.ts";
import { loadManifest } from "../../core/runtime/models.ts";
import { readSilopManifest } from "../../core/pipeline/manifest.ts";
import { launchChromium } from "../helpers/chromium.ts";
import { type Ended, ROOT, runTask, startServer } from "../helpers/processes.ts";
import { makeToySet, TOY_CLASSES, TOY_COLORS } from "../helpers/toy_set.ts";

const toys = await makeToySet({ train: 4, dev: 0, test: 2 });
Deno.test.afterAll(async () => await toys[Symbol.asyncDispose]());

const training = {
  backbone: "efficientnet-lite0",
  size: 64,
  batch: 2,
  epochs: 2,
  longSideLow: 64,
  longSideHigh: 80,
  workers: 0,
};
await writeFile(
  join(toys.path, "config.json"),
  JSON.stringify({
    weights: toys.weights,
    sets: { train: "train", dev: null, test: "test" },
    choose: null,
    perimeter: { workingSize: 64, iterations: 3 },
    affinityLabels: { crfSteps: 1 },
    randomWalk: { steps: 16 },
    pseudoLabels: { from: "random_walk", threshold: 0.3, crfSteps: 1 },
    classifier: { ...training, scales: [1] },
    affinity: { ...training, radius: 4, paddedTo: 64 },
    segmentation: training,
  }),
);

function argumentsFor(run: string): string[] {
  return [
    ...["--data", toys.data, "--classes", toys.classes, "--run", join(toys.path, run)],
    ...["--config", join(toys.path, "config.json"), "--jobs", "1", "--threads", "1"],
  ];
}

/** Starts the command and breaks it off after a time; how it ended. */
async function breakOff(run: string, signal: Deno.Signal, time: number): Promise<Ended> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--allow-read", "--allow-write", "--allow-run", "--allow-env=SILOP_MODELS"],
      "scripts/silop.ts",
      ...argumentsFor(run),
    ],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const timer = setTimeout(() => child.kill(signal), time);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Checksums of all that a run has made, by step, without what tells times. */
function resultsOf(run: string): [string, string | null][] {
  const { steps } = readSilopManifest(join(toys.path, run))!;
  return steps.filter(({ name }) => name !== "report").map(({ name, results }) => [name, results]);
}

Deno.test("silop leads from a CSV of labels to a served model of its classes, and to a report", async (t) => {
  const began = performance.now();
  const whole = await runTask("silop", argumentsFor("whole"));
  const duration = performance.now() - began;
  assert.equal(whole.code, 0, whole.stderr);
  assert.match(whole.stdout, /3 classes; 4 images of train to learn from, 2 images of test/);

  await t.step("the manifest tells what was run", () => {
    const { steps, data, made } = readSilopManifest(join(toys.path, "whole"))!;
    assert.deepEqual(data.classes.map(({ name }) => name), TOY_CLASSES);
    assert.match(made.deno, /^\d+\./);
    for (const step of steps) {
      assert.equal(step.status, "done", step.name);
      assert.match(step.results!, /^[0-9a-f]{64}$/, step.name);
      assert.ok(step.seconds > 0 && step.peakMb! > 20, `${step.name}: ${step.peakMb} MB`);
    }
  });

  await t.step("its models have the colours of its classes", async () => {
    const { models } = await loadManifest(folderUrl(join(toys.path, "whole", "models")));
    const colors = Object.values(models).map((info) => "colors" in info ? info.colors : null);
    assert.deepEqual(colors.filter((each) => each !== null), [
      TOY_COLORS,
      [[0, 0, 0], ...TOY_COLORS],
    ]);
  });

  await t.step("the same command finds all done", async () => {
    const { code, stdout, stderr } = await runTask("silop", argumentsFor("whole"));
    assert.equal(code, 0, stderr);
    assert.match(stdout, /\n0 of \d+ steps to run/);
  });

  await t.step("its models are served with its classes", async () => {
    await using server = await startServer(
      [
        ...["run", "--allow-read", "--allow-ffi", "--allow-net", "--allow-env=SILOP_MODELS"],
        ...["scripts/start.ts", "--port", "0", "--models", join(toys.path, "whole", "models")],
      ],
      /(http:\/\/[^\s]+)/,
    );
    const image = readFileSync(join(toys.path, "images", "toy00.png"));
    const answer = await fetch(new URL("/segment?format=json", server.url), {
      method: "POST",
      body: image,
      headers: { "content-type": "image/png" },
    });
    const body = await answer.text();
    assert.equal(answer.status, 200, body);
    const text = JSON.stringify(JSON.parse(body));
    const named = TOY_CLASSES.filter((name) => text.includes(name));
    assert.ok(named.length > 0, `no class of the data in ${text.slice(0, 500)}`);
    const mask = await fetch(new URL("/segment?format=png", server.url), {
      method: "POST",
      body: image,
      headers: { "content-type": "image/png" },
    });
    const png = new Uint8Array(await mask.arrayBuffer());
    assert.ok(decodeMaskPng(png).data.every((label) => label <= TOY_CLASSES.length));
    // The palette is the second chunk, after signature and header.
    assert.deepEqual([...png.subarray(41, 41 + 12)], [[0, 0, 0], ...TOY_COLORS].flat());
  });

  await t.step("broken off and gone on with, it ends in the same results", async () => {
    const first = await breakOff("broken", "SIGINT", duration * (0.2 + 0.3 * Math.random()));
    assert.equal(first.code, 130, first.stderr);
    assert.match(first.stderr, /Stopped; the same command goes on from here/);
    await breakOff("broken", "SIGKILL", duration * (0.1 + 0.3 * Math.random()));
    const last = await runTask("silop", argumentsFor("broken"));
    assert.equal(last.code, 0, last.stderr);
    assert.deepEqual(resultsOf("broken"), resultsOf("whole"));
  });

  await t.step("the report opens in a browser, with all its pictures", async () => {
    await using browser = await launchChromium();
    if (browser === null) return;
    const page = await browser.open();
    for (const dark of [false, true]) {
      await page.emulate({ dark });
      await page.goto(pathToFileURL(join(toys.path, "whole", "report.html")).href);
      const { images, charts, wide, headings } = await page.evaluate(`({
        images: [...document.images].every((it) => it.complete && it.naturalWidth > 0)
          ? document.images.length : -1,
        charts: document.querySelectorAll("figure svg").length,
        wide: document.documentElement.scrollWidth > innerWidth,
        headings: [...document.querySelectorAll("h2")].map((it) => it.textContent),
      })`);
      assert.ok(images >= 2 * 6, `${images} pictures`);
      assert.ok(charts >= 5, `${charts} charts`);
      assert.equal(wide, false);
      assert.deepEqual(headings, [
        "Stage by stage",
        "Class by class",
        "Images",
        "What goes wrong",
        "Training",
        "Time and memory",
        "Settings",
      ]);
    }
  });
});
