/**
 * `deno task silop --data DATA --run RUN`: the whole method in one go, from images with image-level labels
 * to a segmentation network, its figures and a report. It can be broken off at any moment; the same command
 * goes on where it was.
 *
 * Every step is one of the other tasks, in a process of its own with that task's permissions.
 */

import { join, resolve } from "node:path";
import { availableParallelism } from "node:os";
import { Option } from "commander";
import project from "../deno.json" with { type: "json" };
import { lockTask } from "../core/batch/lock.ts";
import { classNames } from "../core/data/class_list.ts";
import { ModelLibrary } from "../core/runtime/model_library.ts";
import { modelFolders } from "../core/runtime/model_folders.ts";
import { readSilopManifest, type SilopManifest } from "../core/pipeline/manifest.ts";
import { createCommand, EXIT_FAILED, EXIT_USAGE, fail, integerIn, readList } from "./cli.ts";
import {
  PRESET_NAMES,
  type PresetName,
  type ReadConfig,
  readSilopConfig,
  type SilopConfig,
} from "./pipeline/config.ts";
import { type OpenedData, openParts } from "./pipeline/data.ts";
import { planSteps } from "./pipeline/plan.ts";
import { printPlan } from "./pipeline/print_plan.ts";
import { inspectSteps, runSteps, selectSteps } from "./pipeline/run_steps.ts";
import { EXIT_INTERRUPTED, stopOnSignals } from "./signals.ts";

interface SilopFlags {
  data: string;
  classes?: string;
  run: string;
  preset: PresetName;
  config?: string;
  train?: string;
  dev?: string;
  test?: string[];
  trainClassifier?: true;
  camModel?: string;
  weights?: string;
  seed?: number;
  models?: string;
  device: string;
  threads?: number;
  jobs?: number;
  queue?: string;
  ablation?: number | true;
  skip: string[];
  from?: string;
  until?: string;
  redo?: boolean;
  dryRun?: boolean;
}

/** Images of an ablation when no number is told. */
const ABLATION_IMAGES = 100;

const command = createCommand("silop", "The whole method, from images with labels to a report.")
  .requiredOption(
    "--data <path>",
    "folder laid out as the VOC 2012 development kit, .csv or .json file of images and labels, or " +
      "folder of a folder for each class",
  )
  .option("--classes <file>", "classes of the data set in their order, one a line, .csv or .json")
  .requiredOption("--run <folder>", "folder of everything that is made")
  .addOption(new Option("--preset <name>", "recipe").choices(PRESET_NAMES).default("edge"))
  .option("--config <file>", "JSON file of what shall be other than in the recipe")
  .option("--train <list>", "list of the images to learn from")
  .option("--dev <list>", "list of images with masks to choose on")
  .option("--test <lists>", "lists of images to report", readList)
  .option("--train-classifier", "train a classifier for the CAMs")
  .option("--cam-model <name>", "take the CAMs of this model: its name or path")
  .option("--weights <file>", "weights that the trainings start from")
  .option("--seed <n>", "seed of all trainings", integerIn(0, 2 ** 31))
  .option("--models <folder>", "folder of further models")
  .addOption(
    new Option("--device <name>", "where networks run").choices(["cpu", "cuda"]).default("cpu"),
  )
  .option("--threads <n>", "threads of each network", integerIn(1, 256))
  .option("--jobs <n>", "images worked on at once (default: by the machine)", integerIn(1, 256))
  .option(
    "--queue <nats://…>",
    "have what is done image by image done by voc:worker, on any machines",
  )
  .option(
    "--ablation [images]",
    `also try the chain without its parts, on so many images (${ABLATION_IMAGES})`,
    integerIn(1, 1e9),
  )
  .option("--skip <stages>", "leave these out, taking what is there", readList, [])
  .option("--from <stage>", "begin here, taking what is there")
  .option("--until <stage>", "end after this")
  .option("--redo", "make again what was made with other options")
  .option("--dry-run", "print the plan alone");
command.parse(Deno.args, { from: "user" });
await runSilop(command.opts<SilopFlags>());

async function runSilop(flags: SilopFlags): Promise<never> {
  const read = await readSilopConfig(flags.preset, flags.config, configOf(flags)).catch(refuse);
  const opened = await openParts(flags.data, flags.classes, read).catch(refuse);
  const trainClassifier = await needsClassifier(read, opened, flags).catch(refuse);
  const { config } = read;
  for (const warning of opened.warnings) console.error(`warning: ${warning}`);
  const steps = planSteps({
    run: flags.run,
    data: flags.data,
    classes: flags.classes,
    parts: opened.parts,
    measured: opened.measured,
    config,
    trainClassifier,
    device: flags.device,
    threads: flags.threads,
    jobs: flags.jobs,
    queue: flags.queue,
    ablation: flags.ablation === true ? ABLATION_IMAGES : flags.ablation ?? 0,
  });
  let selected: Set<string>;
  let before: SilopManifest | null;
  try {
    selected = selectSteps(steps, flags);
    before = readSilopManifest(flags.run);
  } catch (error) {
    refuse(error as Error);
  }
  const states = await inspectSteps(steps, selected, before?.steps ?? []);
  printPlan(flags.run, opened, states);
  if (flags.dryRun) Deno.exit(0);

  using _lock = await lockTask(resolve(flags.run), "silop", "").catch((error: Error) =>
    fail(error.message)
  );
  const signal = stopOnSignals("Ending after what is in work; once more ends at once …");
  const total = selected.size;
  let number = 0;
  const outcome = await runSteps(steps, selected, {
    run: flags.run,
    manifest: manifestOf(flags, read, opened, before),
    redo: flags.redo,
    models: flags.models,
    signal,
    onStep: (step) => {
      number = [...selected].indexOf(step.name) + 1;
      const images = step.images === null ? "" : `, ${step.images} images`;
      console.error(`\n[${number}/${total}] ${step.name}${images}`);
    },
  }).catch((error: Error) => fail(error.message));
  if (outcome.end === "stopped") {
    console.error("\nStopped; the same command goes on from here.");
    Deno.exit(EXIT_INTERRUPTED);
  }
  if (outcome.end === "failed") {
    console.error(
      `\n${outcome.step} failed: ${outcome.reason}. Once that is mended, the same command goes on ` +
        "from there.",
    );
    Deno.exit(EXIT_FAILED);
  }
  if (selected.has("report")) console.log(join(flags.run, "report.html"));
  Deno.exit(0);
}

function refuse(error: Error): never {
  fail(error.message, EXIT_USAGE);
}

/** What the flags say of the configuration. */
function configOf(flags: SilopFlags): SilopConfig {
  const { train, dev, test, trainClassifier, camModel, weights, seed } = flags;
  const sets = JSON.parse(JSON.stringify({ train, dev, test }));
  const asked = trainClassifier ? "yes" : camModel === undefined ? undefined : "no";
  return {
    ...Object.keys(sets).length > 0 ? { sets } : {},
    trainClassifier: asked,
    camModel,
    weights,
    seed,
  };
}

/** Whether a classifier is to be trained: when it is asked for, or the model lacks a class. */
async function needsClassifier(
  { config: { trainClassifier = "auto", camModel } }: ReadConfig,
  { data }: OpenedData,
  { models }: SilopFlags,
): Promise<boolean> {
  if (trainClassifier === "yes") return true;
  const { cam } = (await ModelLibrary.open(modelFolders(models))).choose({ camModel });
  const lacking = classNames(data.classes).find((name) => !cam.info.classes.includes(name));
  if (lacking === undefined) return false;
  if (trainClassifier === "auto") return true;
  throw new RangeError(
    `Cannot take CAMs of ${cam.name}: it does not know "${lacking}"; train a classifier with ` +
      "--train-classifier, or name another --cam-model",
  );
}

function manifestOf(
  flags: SilopFlags,
  { config }: ReadConfig,
  { data, parts, measured }: OpenedData,
  before: SilopManifest | null,
): SilopManifest {
  return {
    version: 1,
    made: {
      silop: project.version,
      deno: Deno.version.deno,
      onnxruntime: project.imports["onnxruntime-node"].replace(/^.*@/, ""),
      platform: `${Deno.build.os} ${Deno.build.arch}`,
      cores: availableParallelism(),
    },
    data: {
      path: flags.data,
      classFile: flags.classes ?? null,
      classes: data.classes.map((it) => ({ ...it })),
      parts: parts.map(({ ids: _, ...part }) => part),
      measured: [...measured],
    },
    preset: flags.preset,
    seed: config.seed ?? 0,
    config: JSON.parse(JSON.stringify(config)),
    steps: before?.steps ?? [],
  };
}
