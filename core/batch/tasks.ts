/** The batch tasks by name: what each reads, makes and can be told. */

import { z } from "zod";
import type { FileKind, MadeKind } from "./folders.ts";
import { EDGE_KINDS } from "../stages/refine_choices.ts";
import { DETECTORS } from "../stages/perimeter_choices.ts";
import { UNARIES } from "../../kernels/pseudo_labels.ts";

/** A network that tasks run: a model, or the one that is trained on each image. */
export type Network = "cam" | "uss" | "affinity" | "segmentation";

/** A task as the command line knows it. */
export interface BatchTask<Schema extends z.ZodObject = z.ZodObject> {
  /** What it does, in a sentence. */
  readonly description: string;
  /** Options with their defaults and explanations. */
  readonly options: Schema;
  /** The module that does the work. */
  readonly module: URL;
  inputs(options: z.output<Schema>): readonly FileKind[];
  readonly outputs: readonly MadeKind[];
  /** Networks it may run. */
  readonly networks: readonly Network[];
  /** Those it runs with these options, whose versions decide its results. Default: all of them. */
  runs?(options: z.output<Schema>): readonly Network[];
}

function define<Schema extends z.ZodObject>(task: BatchTask<Schema>): BatchTask<Schema> {
  return task;
}

const crfSteps = z.int().min(0).max(100);
const certainty = z.number().gt(0).lt(1).default(0.7)
  .describe("probability that a label given to the CRF is right");

export const camOptions = z.strictObject({
  labels: z.enum(["known", "predicted"]).default("known")
    .describe("classes of the annotation, or those the classifier sees"),
  scales: z.array(z.number().min(0.1).max(4)).min(1).optional()
    .describe("scales to look at, as 0.5,1,1.5,2 (default: the model's)"),
  mirror: z.boolean().default(true).describe("look at the mirrored photo as well"),
  workingSize: z.int().min(16).max(2048).default(2048)
    .describe("long side to which larger photos are reduced; other tasks want the full size"),
});

export const perimeterOptions = z.strictObject({
  detector: z.enum(DETECTORS).default("boundary")
    .describe("how lines are found: between labels, or as the published code does, by Canny"),
  workingSize: z.int().min(16).max(768).default(512)
    .describe("long side to which larger photos are reduced for training"),
  iterations: z.int().min(1).max(64).default(64).describe("most iterations of the training"),
  minLabels: z.int().min(1).max(32).default(20)
    .describe("training ends when fewer labels are left"),
  seed: z.int().min(0).max(2 ** 32 - 1).default(43).describe("seed of the initial weights"),
});

/** Rules that make masks. */
export const MASK_RULES = ["reference", "all", "majority"] as const;
export const fitOptions = z.strictObject({
  rule: z.enum(MASK_RULES).default("all").describe(
    "which regions stay: those wholly in the rough CAM (all), the same found by flood fill in a " +
      "picture as published (reference), or those more than half in it",
  ),
});

export const combineOptions = z.strictObject({
  fit: z.enum(["masks", "region-mean", "half", "mean-majority"]).default("half").describe(
    "raise the CAM inside the masks of voc:fit as published, or take its mean over each region of " +
      "both segmentations, wholly or by half, or wholly and raised in the regions it mostly covers",
  ),
});

const refinable = ["cam", "combined"] as const;
export const affinityLabelsOptions = z.strictObject({
  from: z.enum(refinable).default("combined").describe("which CAM to label"),
  foreground: z.number().min(0).max(2).default(0.6)
    .describe("a class is trusted where its CAM is above this"),
  background: z.number().min(0).max(2).default(0.4)
    .describe("background is trusted where no CAM is above this"),
  crfSteps: crfSteps.default(10).describe("steps of the CRF"),
  certainty,
});

export const randomWalkOptions = z.strictObject({
  from: z.enum(refinable).default("combined")
    .describe("which CAM to walk on; the published recipe takes cam"),
  edge: z.enum(EDGE_KINDS).optional().describe(
    "whose edges the walk respects: AffinityNet's, or those of the perimeters " +
      "(default: model, where there is one)",
  ),
  radius: z.int().min(1).max(64).optional()
    .describe("pixels nearer than this are neighbours (default: the model's, or 5)"),
  beta: z.int().min(1).max(1000).optional()
    .describe("power of the affinities (default: the model's, or 10)"),
  steps: z.int().min(0).max(65536).default(256).describe("steps of the walk"),
  edgeStrength: z.number().min(0).max(1).default(0.5)
    .describe("edge of a cell that the perimeters of both segmentations cross, 0..1"),
});

/** Chosen on `dev` for each kind of maps, walks being of fitted ones; `docs/refinement.md` has the figures. */
const PSEUDO_LABELS = {
  random_walk: { threshold: 0.24, crfSteps: 1, unary: "labels" },
  combined: { threshold: 0.1, crfSteps: 10, unary: "values" },
  cam: { threshold: 0.06, crfSteps: 10, unary: "labels" },
} as const;

export const pseudoLabelsOptions = z.strictObject({
  from: z.enum([...refinable, "random_walk"]).default("random_walk").describe("what to label"),
  threshold: z.number().min(0).max(2).optional().describe(
    "a pixel is background where no class is above this (default: " +
      Object.entries(PSEUDO_LABELS).map(([from, { threshold }]) => `${threshold} of ${from}`).join(
        ", ",
      ) +
      "; published: 0.35)",
  ),
  crfSteps: crfSteps.optional().describe(
    "steps of the CRF; 0 leaves it out (default: 1 of random_walk, as published, else 10)",
  ),
  unary: z.enum(UNARIES).optional().describe(
    "what the CRF starts from: how far all classes are above each other, or as published the best " +
      "class alone (default: values of combined, else labels)",
  ),
  certainty,
});

/** Options of `pseudo-labels` with what follows from the maps they are made of. */
export function settlePseudoLabels(options: z.output<typeof pseudoLabelsOptions>) {
  const { from, threshold, crfSteps, unary, certainty } = options;
  const usual = PSEUDO_LABELS[from];
  return {
    from,
    threshold: threshold ?? usual.threshold,
    crfSteps: crfSteps ?? usual.crfSteps,
    unary: unary ?? usual.unary,
    certainty,
  };
}

export const segmentOptions = z.strictObject({
  scales: z.array(z.number().min(0.1).max(4)).min(1).optional()
    .describe("scales to look at, as 0.5,1,1.5,2 (default: the model's)"),
  mirror: z.enum(["yes", "no"]).optional()
    .describe("whether to look at the mirrored photo as well (default: the model's)"),
  crf: z.enum(["yes", "no"]).optional()
    .describe("whether a dense CRF revises the mask (default: the model's)"),
  workingSize: z.int().min(16).max(2048).default(2048)
    .describe("long side to which larger photos are reduced for the network"),
});

const module = (name: string) => new URL(`./tasks/${name}.ts`, import.meta.url);
const BOTH_USS = ["uss_slic", "uss_quickshift"] as const;
const BOTH_PERIMETERS = ["perimeter_slic", "perimeter_quickshift"] as const;
const PHOTO = ["photo"] as const;
const BOTH_FITS = ["fit_slic", "fit_quickshift"] as const;

/** All tasks, in the order in which they depend on each other. */
export const TASKS = {
  cam: define({
    description: "Class activation maps of all photos.",
    options: camOptions,
    module: module("cam"),
    inputs: ({ labels }) => labels === "known" ? ["photo", "annotation"] : ["photo"],
    outputs: ["cam"],
    networks: ["cam"],
  }),
  perimeter: define({
    description: "Unsupervised segmentations by SLIC and quickshift, and their perimeters.",
    options: perimeterOptions,
    module: module("perimeter"),
    inputs: () => ["photo"],
    outputs: [...BOTH_USS, ...BOTH_PERIMETERS],
    networks: ["uss"],
  }),
  fit: define({
    description: "PerimeterFit: masks of the regions that the rough CAM covers.",
    options: fitOptions,
    module: module("fit"),
    inputs: () => ["cam", ...BOTH_USS, ...BOTH_PERIMETERS],
    outputs: [...BOTH_FITS],
    networks: [],
  }),
  combine: define({
    description: "CAMs refined by the perimeters.",
    options: combineOptions,
    module: module("combine"),
    inputs: ({ fit }) => ["cam", ...(fit === "masks" ? BOTH_FITS : BOTH_USS)],
    outputs: ["combined"],
    networks: [],
  }),
  "affinity-labels": define({
    description: "Labels to train AffinityNet on.",
    options: affinityLabelsOptions,
    module: module("affinity_labels"),
    inputs: ({ from }) => ["photo", from],
    outputs: ["affinity_labels"],
    networks: [],
  }),
  "random-walk": define({
    description: "CAMs spread by a random walk between edges.",
    options: randomWalkOptions,
    module: module("random_walk"),
    inputs: ({ from, edge }) => [from, ...(edge === "model" ? PHOTO : BOTH_PERIMETERS)],
    outputs: ["random_walk"],
    networks: ["affinity"],
    runs: ({ edge }) => edge === "model" ? ["affinity"] : [],
  }),
  "pseudo-labels": define({
    description: "Labels to train a segmentation network on.",
    options: pseudoLabelsOptions,
    module: module("pseudo_labels"),
    inputs: ({ from }) => ["photo", from],
    outputs: ["pseudo_labels"],
    networks: [],
  }),
  segment: define({
    description: "Masks by a segmentation network.",
    options: segmentOptions,
    module: module("segment"),
    inputs: () => PHOTO,
    outputs: ["segmentation"],
    networks: ["segmentation"],
  }),
} as const;
export type TaskName = keyof typeof TASKS;
export const TASK_NAMES = Object.keys(TASKS) as TaskName[];
/** The tasks that lead from photos to pseudo labels. */
export const CHAIN: readonly TaskName[] = TASK_NAMES.filter((name) => name !== "segment");
