/** The steps of a run, in their order. */

import { join } from "node:path";
import type { z } from "zod";
import { type BatchTask, type TaskName, TASKS } from "../../core/batch/tasks.ts";
import { writeSchemaFlags } from "../voc/schema_flags.ts";
import { planAblation } from "./ablation.ts";
import { CHOICE_FILE, choosePseudoLabels, readChoice, trialName } from "./choice.ts";
import { type SilopConfig, type StageName, type TrainingName, TRAININGS } from "./config.ts";
import type { PartImages } from "./data.ts";
import type { Step } from "./step.ts";

/** What a plan is made of. */
export interface PlanRequest {
  readonly run: string;
  /** The data set as it is named to every script. */
  readonly data: string;
  readonly classes?: string;
  readonly parts: readonly PartImages[];
  readonly measured: readonly string[];
  readonly config: SilopConfig;
  /** Whether a classifier is trained. */
  readonly trainClassifier: boolean;
  readonly device: string;
  readonly threads?: number;
  readonly jobs?: number;
  /** Address of the queue whose workers do the work of the batch tasks. Default: this machine does. */
  readonly queue?: string;
  /** Images on which the chain is tried without its parts; 0 for none. */
  readonly ablation: number;
}

/** A batch task of the plan. */
export interface BatchStep {
  readonly name: string;
  readonly stage: string;
  readonly part: PartImages;
  /** Folder of the run. */
  readonly folder: string;
  readonly task: TaskName;
  readonly options?: () => Readonly<Record<string, unknown>>;
  readonly more?: readonly string[];
  readonly needs: readonly string[];
  readonly images?: number;
}

const STAGE_TASKS: Readonly<Record<StageName, TaskName>> = {
  cam: "cam",
  perimeter: "perimeter",
  fit: "fit",
  combine: "combine",
  affinityLabels: "affinity-labels",
  randomWalk: "random-walk",
  pseudoLabels: "pseudo-labels",
  segment: "segment",
};

/** Makes steps from what they have in common. */
export class StepMaker {
  constructor(readonly request: PlanRequest) {}

  /** The arguments that name a list of images and the folder of its results. */
  where(part: PartImages, folder: string, images?: number): string[] {
    const { data, classes } = this.request;
    const limit = images !== undefined && images < part.images ? images : part.limit;
    return [
      ...["--data", data, "--set", part.name, "--run", folder],
      ...classes === undefined ? [] : ["--classes", classes],
      ...limit === undefined ? [] : ["--limit", String(limit)],
    ];
  }

  get models(): string {
    return join(this.request.run, "models");
  }

  /** The arguments that tell a batch task how to work, which makes no difference to its results. */
  get work(): readonly string[] {
    const { jobs, queue } = this.request;
    return [
      ...jobs === undefined ? [] : ["--jobs", String(jobs)],
      ...queue === undefined ? [] : ["--queue", queue],
    ];
  }

  /** The arguments that name the CAM model. */
  get camModel(): readonly string[] {
    const { trainClassifier, config: { camModel } } = this.request;
    if (trainClassifier) return ["--models", this.models, "--cam-model", "classifier"];
    return camModel === undefined ? [] : ["--cam-model", camModel];
  }

  /** The arguments that name a network of this run; models are looked up together with the CAMs'. */
  network(kind: "affinity" | "segmentation"): readonly string[] {
    const cam = this.request.trainClassifier
      ? this.camModel
      : [...this.camModel, "--models", this.models];
    return [...cam, `--${kind}-model`, kind];
  }

  /** Options of a stage that the configuration tells. */
  stageOptions(stage: StageName): Readonly<Record<string, unknown>> {
    return this.request.config[stage] ?? {};
  }

  /** Options of a task as they will be in effect. */
  settled<T extends TaskName>(task: T): z.output<(typeof TASKS)[T]["options"]> {
    const [stage] = Object.entries(STAGE_TASKS).find(([, name]) => name === task)!;
    return TASKS[task].options.parse(this.stageOptions(stage as StageName)) as z.output<
      (typeof TASKS)[T]["options"]
    >;
  }

  batch(step: BatchStep): Step {
    const { name, stage, part, folder, task, options, more = [], needs, images } = step;
    const { device, threads } = this.request;
    const { networks, options: schema }: BatchTask = TASKS[task];
    const many = Math.min(images ?? Infinity, part.images);
    return {
      name,
      stage,
      task: `voc:${task}`,
      args: () => [
        ...this.where(part, folder, images),
        ...writeSchemaFlags(options?.() ?? {}, schema),
        ...networks.length > 0 ? ["--device", device] : [],
        ...networks.length > 0 && threads !== undefined ? ["--threads", String(threads)] : [],
        ...more,
      ],
      work: this.work,
      needs,
      images: many,
      results: { run: folder, task, ids: part.ids.slice(0, many) },
      anew: { flag: "--redo" },
    };
  }

  /** A stage of the chain over one list. */
  stage(
    stage: StageName,
    part: PartImages,
    needs: readonly string[],
    more?: readonly string[],
  ): Step {
    const task = STAGE_TASKS[stage];
    return this.batch({
      name: `${task}/${part.part}`,
      stage: task,
      part,
      folder: join(this.request.run, part.part),
      task,
      options: () => this.stageOptions(stage),
      more,
      needs,
    });
  }

  evaluate(
    name: string,
    stage: string,
    part: PartImages,
    folder: string,
    needs: readonly string[],
    { images, what }: { images?: number; what?: string } = {},
  ): Step {
    const { measured } = this.request;
    return {
      name,
      stage,
      task: "voc:evaluate",
      args: () => [
        ...this.where(part, folder, images),
        ...measured.length === 0 ? [] : ["--mean-classes", ["background", ...measured].join(",")],
        ...what === undefined ? [] : ["--what", what],
      ],
      work: this.work,
      needs,
      images: Math.min(images ?? Infinity, part.images),
      results: { file: join(folder, "evaluation", "metrics.json") },
    };
  }

  training(
    kind: TrainingName,
    needs: readonly string[],
    { inputs, validated }: { inputs: readonly string[]; validated: boolean },
  ): Step {
    const { run, data, classes, config, measured, device, threads, parts } = this.request;
    const folder = join(run, kind);
    const train = parts.find(({ role }) => role === "train")!;
    const dev = parts.find(({ role, truth }) => role === "dev" && truth);
    const options: Record<string, unknown> = { ...config[kind] };
    if (config.weights !== undefined) options.weights ??= config.weights;
    if (dev === undefined || !validated) options.validateImages = 0;
    else if (dev.limit !== undefined) options.validateImages ??= dev.limit;
    return {
      name: kind === "classifier" ? kind : `${kind}-training`,
      stage: kind === "classifier" ? kind : `${kind}-training`,
      task: `train:${kind}`,
      args: () => [
        ...["--data", data, "--set", train.name, "--run", folder],
        ...classes === undefined ? [] : ["--classes", classes],
        ...dev === undefined ? [] : ["--dev", dev.name],
        ...inputs,
        ...["--out", this.models, "--name", kind, "--seed", String(config.seed ?? 0)],
        ...measured.length === 0 ? [] : ["--measured", measured.join(",")],
        ...["--device", device],
        ...threads === undefined ? [] : ["--threads", String(threads)],
        ...writeSchemaFlags(options, TRAININGS[kind]),
      ],
      needs,
      images: train.images,
      results: { models: this.models, name: kind },
      anew: { folder },
    };
  }
}

/** All steps of a run. */
export function planSteps(request: PlanRequest): Step[] {
  const { run, config, parts, trainClassifier } = request;
  const make = new StepMaker(request);
  const steps: Step[] = [];
  const train = parts.find(({ role }) => role === "train")!;
  const dev = parts.find(({ role, truth }) => role === "dev" && truth);
  // The stages between photo and mask are of use where they can be measured.
  const measured = parts.filter(({ role, truth }) => role === "train" || truth);
  const tests = parts.filter(({ role }) => role !== "train");

  if (trainClassifier) steps.push(make.training("classifier", [], { inputs: [], validated: true }));
  const each = (stage: StageName, needs: (part: string) => string[], more?: readonly string[]) => {
    for (const part of measured) steps.push(make.stage(stage, part, needs(part.part), more));
  };
  each("cam", () => trainClassifier ? ["classifier"] : [], make.camModel);
  each("perimeter", () => []);
  const byMasks = make.settled("combine").fit === "masks";
  if (byMasks) each("fit", (part) => [`cam/${part}`, `perimeter/${part}`]);
  each("combine", (part) => [`cam/${part}`, `${byMasks ? "fit" : "perimeter"}/${part}`]);

  const walk = { ...make.settled("random-walk") };
  const labels = make.settled("pseudo-labels");
  const sources = config.choose && dev !== undefined ? config.choose.from : [labels.from];
  const taskOf = (kind: string) => ({ cam: "cam", combined: "combine" })[kind] ?? "random-walk";
  if (sources.includes("random_walk")) {
    const byModel = (walk.edge ?? "model") === "model";
    if (byModel) {
      const { from } = make.settled("affinity-labels");
      steps.push(make.stage("affinityLabels", train, [`${taskOf(from)}/train`]));
      steps.push(make.training("affinity", ["affinity-labels/train"], {
        inputs: [
          ...["--labels", join(run, "train", "affinity_labels")],
          ...dev === undefined ? [] : ["--cams", join(run, "dev", walk.from)],
        ],
        validated: true,
      }));
    }
    each(
      "randomWalk",
      (part) => [
        `${taskOf(walk.from)}/${part}`,
        byModel ? "affinity-training" : `perimeter/${part}`,
      ],
      byModel ? make.network("affinity") : [],
    );
  }

  let chosen: readonly string[] = [];
  if (config.choose && dev !== undefined) {
    const { from: kinds, thresholds, images } = config.choose;
    for (const from of kinds) {
      for (const threshold of thresholds) {
        const trial = trialName(from, threshold);
        const folder = join(run, "choice", trial);
        const name = `choose/${trial}`;
        steps.push(make.batch({
          name,
          stage: "choose",
          part: dev,
          folder,
          task: "pseudo-labels",
          options: () => ({ ...make.stageOptions("pseudoLabels"), from, threshold }),
          more: ["--use", `${from}=${join(run, "dev", from)}`],
          needs: [`${taskOf(from)}/dev`],
          images,
        }));
        steps.push(make.evaluate(`${name}/iou`, "choose", dev, folder, [name], { images }));
        chosen = [...chosen, `${name}/iou`];
      }
    }
    steps.push({
      name: "choose",
      stage: "choose",
      task: null,
      args: () => [],
      act: () => choosePseudoLabels(run, kinds, thresholds),
      needs: chosen,
      images: null,
      results: { file: join(run, CHOICE_FILE) },
    });
    chosen = ["choose"];
  }
  for (const part of measured) {
    steps.push(make.batch({
      name: `pseudo-labels/${part.part}`,
      stage: "pseudo-labels",
      part,
      folder: join(run, part.part),
      task: "pseudo-labels",
      options: () => ({
        ...make.stageOptions("pseudoLabels"),
        ...chosen.length > 0 ? readChoice(run)?.chosen : {},
      }),
      needs: [...chosen, ...sources.map((from) => `${taskOf(from)}/${part.part}`)],
    }));
  }

  steps.push(make.training("segmentation", ["pseudo-labels/train"], {
    inputs: ["--masks", join(run, "train", "pseudo_labels")],
    validated: true,
  }));
  for (const part of tests) {
    const needs = ["segmentation-training"];
    steps.push(make.stage("segment", part, needs, make.network("segmentation")));
  }
  for (const part of parts.filter(({ truth }) => truth)) {
    const needs = steps.filter(({ name, stage }) =>
      name === `${stage}/${part.part}` && stage !== "choose"
    ).map(({ name }) => name);
    steps.push(
      make.evaluate(
        `evaluate/${part.part}`,
        "evaluate",
        part,
        join(run, part.part),
        needs,
      ),
    );
  }
  if (request.ablation > 0) steps.push(...planAblation(make));
  steps.push({
    name: "report",
    stage: "report",
    task: "report",
    args: () => ["--run", run],
    needs: steps.filter(({ results }) => "file" in results || "models" in results)
      .map(({ name }) => name),
    images: null,
    results: { file: join(run, "report.html") },
  });
  return steps;
}
