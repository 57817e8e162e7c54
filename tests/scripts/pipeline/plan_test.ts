import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { choosePseudoLabels, readChoice } from "../../../scripts/pipeline/choice.ts";
import {
  PRESET_NAMES,
  readSilopConfig,
  type SilopConfig,
} from "../../../scripts/pipeline/config.ts";
import { openParts } from "../../../scripts/pipeline/data.ts";
import { type PlanRequest, planSteps } from "../../../scripts/pipeline/plan.ts";
import { commandOf } from "../../../scripts/pipeline/run_child.ts";
import { inspectSteps, selectSteps } from "../../../scripts/pipeline/run_steps.ts";
import { makeToySet, TOY_CLASSES } from "../../helpers/toy_set.ts";

const toys = await makeToySet({ train: 4, dev: 2, test: 3 });
Deno.test.afterAll(async () => await toys[Symbol.asyncDispose]());

/** The steps that a configuration over a recipe leads to. */
async function plan(told: SilopConfig = {}, more: Partial<PlanRequest> = {}, preset = "edge") {
  const read = await readSilopConfig(preset as "edge", undefined, told);
  const { parts, measured } = await openParts(toys.data, toys.classes, read);
  return planSteps({
    run: "RUN",
    data: toys.data,
    parts,
    measured,
    config: read.config,
    trainClassifier: false,
    device: "cpu",
    ablation: 0,
    ...more,
  });
}

const namesOf = (steps: readonly { name: string }[]) => steps.map(({ name }) => name);

Deno.test("readSilopConfig() knows recipes, merges sections and refuses what it does not know", async () => {
  for (const preset of PRESET_NAMES) {
    const { config, told } = await readSilopConfig(preset, undefined);
    assert.ok(config.segmentation !== undefined, preset);
    assert.deepEqual(told, {});
  }
  const { config } = await readSilopConfig("edge", undefined, { affinity: { epochs: 7 } });
  assert.equal(config.affinity?.epochs, 7);
  assert.equal(config.affinity?.backbone, "efficientnet-lite0");
  const wrong = { affinity: { epoch: 7 } } as SilopConfig;
  await assert.rejects(readSilopConfig("edge", undefined, wrong), /epoch/);
  await assert.rejects(
    readSilopConfig("edge", undefined, { affinity: { epochs: -1 } }),
    /affinity\.epochs/,
  );
});

Deno.test("openParts() takes usual lists for those of the recipe that are not there", async () => {
  const read = await readSilopConfig("edge", undefined);
  const { parts, measured, data } = await openParts(toys.data, toys.classes, read);
  assert.deepEqual(
    parts.map(({ part, role, name, images, truth }) => [part, role, name, images, truth]),
    [
      ["train", "train", "train", 4, false],
      ["dev", "dev", "dev", 2, true],
      ["test", "test", "test", 3, true],
    ],
  );
  // The recipe's classes are of other data.
  assert.deepEqual(measured, []);
  assert.deepEqual(data.classes.map(({ name }) => name), TOY_CLASSES);
  const told = await readSilopConfig("edge", undefined, { sets: { test: ["test", "dev"] } });
  const { parts: two } = await openParts(toys.data, toys.classes, told);
  assert.deepEqual(two.map(({ part }) => part), ["train", "dev", "test", "test-dev"]);
  const missing = await readSilopConfig("edge", undefined, { sets: { train: "edge" } });
  await assert.rejects(openParts(toys.data, toys.classes, missing), /no images of "edge"/);
  const limited = await readSilopConfig("edge", undefined, { limits: { test: 1 } });
  const { parts: few } = await openParts(toys.data, toys.classes, limited);
  assert.deepEqual([few[2]!.images, few[2]!.limit], [1, 1]);
});

Deno.test("planSteps() follows the method, and only tasks that there are", async () => {
  const steps = await plan({}, { trainClassifier: true, ablation: 2 });
  const stages = [...new Set(steps.map(({ stage }) => stage))];
  assert.deepEqual(stages, [
    "classifier",
    "cam",
    "perimeter",
    "combine",
    "affinity-labels",
    "affinity-training",
    "random-walk",
    "choose",
    "pseudo-labels",
    "segmentation-training",
    "segment",
    "evaluate",
    "ablation",
    "report",
  ]);
  const names = namesOf(steps);
  assert.equal(new Set(names).size, names.length);
  for (const [i, { task, needs, name }] of steps.entries()) {
    if (task !== null) assert.match(commandOf(task).script, /^scripts\/.*\.ts$/);
    for (const need of needs) {
      const at = names.indexOf(need);
      assert.ok(at >= 0 && at < i, `${name} needs ${need} before it`);
    }
  }
});

Deno.test("planSteps() follows the maps without PerimeterFit to their labels in an ablation", async () => {
  const steps = await plan({
    randomWalk: { from: "combined", edge: "model" },
    choose: { from: ["random_walk"], thresholds: [0.2], images: 1 },
  }, { ablation: 1 });
  const labels = steps.filter(({ name }) => /^ablation\/test\/labels-walk_cam-crf-\d+$/.test(name));
  assert.equal(labels.length, 2);
  for (const { args, needs } of labels) {
    assert.deepEqual(needs, ["ablation/test/walk-cam"]);
    const uses = args().filter((_, i, all) => all[i - 1] === "--use");
    assert.equal(uses.length, 1);
    assert.match(uses[0]!, /^random_walk=.*ablation\/test\/walk-cam\/random_walk$/);
  }
});

Deno.test("planSteps() leaves out what nothing reads", async () => {
  const names = namesOf(await plan({ choose: null, pseudoLabels: { from: "combined" } }));
  assert.ok(!names.some((name) => /walk|affinity|choose|fit/.test(name)), names.join());
  const masks = namesOf(await plan({ choose: null, combine: { fit: "masks" } }));
  assert.ok(masks.includes("fit/train") && masks.includes("affinity-training"));
  const published = namesOf(await plan({ sets: { test: "test" } }, {}, "published"));
  assert.ok(published.includes("fit/train") && !published.includes("choose"));
});

Deno.test("planSteps() hands options on as the scripts' flags", async () => {
  const steps = await plan({ cam: { mirror: false, scales: [0.5, 2] } }, { threads: 3, jobs: 2 });
  const cam = steps.find(({ name }) => name === "cam/test")!;
  const text = cam.args().join(" ");
  assert.match(text, /--run RUN\/test /);
  assert.match(text, /--scales 0\.5,2 --no-mirror --device cpu --threads 3/);
  assert.deepEqual(cam.work, ["--jobs", "2"]);
  const training = steps.find(({ name }) => name === "affinity-training")!.args().join(" ");
  assert.match(training, /--labels RUN\/train\/affinity_labels --cams RUN\/dev\/combined/);
  assert.match(training, /--optimizer adam --rate 0\.0002/);
});

Deno.test("planSteps() hands a queue to what is done image by image, and to nothing else", async () => {
  const queue = "nats://queue-host:4222";
  const steps = await plan({}, { trainClassifier: true, ablation: 2, queue });
  for (const { name, task, args, work = [] } of steps) {
    const isBatch = task?.startsWith("voc:") ?? false;
    assert.deepEqual(work, isBatch ? ["--queue", queue] : [], name);
    // A step that was done without a queue is done.
    assert.ok(!args().includes("--queue"), name);
  }
});

Deno.test("commandOf() gives the tasks that planSteps() hands a queue to the network", async () => {
  const steps = await plan({ combine: { fit: "masks" } }, { ablation: 2 });
  const tasks = new Set(steps.flatMap(({ task }) => task?.startsWith("voc:") ? [task] : []));
  assert.ok(tasks.size >= 9, [...tasks].join());
  for (const task of tasks) assert.ok(commandOf(task).flags.includes("--allow-net"), task);
});

Deno.test("selectSteps() takes stages from one to another without those skipped", async () => {
  const steps = await plan();
  const all = selectSteps(steps, { skip: [] });
  assert.equal(all.size, steps.length);
  const some = selectSteps(steps, {
    skip: ["perimeter", "combine/dev"],
    from: "cam/dev",
    until: "combine",
  });
  assert.deepEqual([...some], ["cam/dev", "cam/test", "combine/train", "combine/test"]);
  assert.throws(() => selectSteps(steps, { skip: ["cams"] }), /no step cams; the stages are cam,/);
  assert.throws(() => selectSteps(steps, { skip: [], from: "segment", until: "cam" }), /Nothing/);
  const states = await inspectSteps(steps, some, []);
  assert.deepEqual(states.filter(({ state }) => state === "to do").length, 4);
});

Deno.test("choosePseudoLabels() takes the best trial, of equals the first", async () => {
  const run = await mkdtemp(join(tmpdir(), "silop-choice-"));
  try {
    const ious = { "combined@0.1": 0.4, "combined@0.2": 0.6, "cam@0.1": 0.6, "cam@0.2": 0.1 };
    for (const [name, present] of Object.entries(ious)) {
      const folder = join(run, "choice", name, "evaluation");
      mkdirSync(folder, { recursive: true });
      const at = { threshold: null, miou: 0, present, chosen: null, fp: 0, fn: 0 };
      const metrics = { results: [{ kind: "pseudo_labels", at }] };
      writeFileSync(join(folder, "metrics.json"), JSON.stringify(metrics));
    }
    await choosePseudoLabels(run, ["combined", "cam"], [0.1, 0.2]);
    assert.deepEqual(readChoice(run)!.chosen, { from: "combined", threshold: 0.2 });
    assert.equal(readChoice(run)!.trials.length, 4);
  } finally {
    await rm(run, { recursive: true });
  }
});
