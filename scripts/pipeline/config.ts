/** The configuration of a run of the whole method: a preset, over which a file wins, over which flags win. */

import { readFile } from "node:fs/promises";
import { z } from "zod";
import { TASKS } from "../../core/batch/tasks.ts";
import { OptionError } from "../../core/errors.ts";
import { affinityOptions, classifierOptions, segmentationOptions } from "../train/schemas.ts";
import edge from "./presets/edge.json" with { type: "json" };
import published from "./presets/published.json" with { type: "json" };

/**
 * The recipes that come with this project: `published` follows the paper's code, at its price; `edge` is
 * for a machine without a GPU and an evening.
 */
export const PRESETS = { published, edge } as const;
export type PresetName = keyof typeof PRESETS;
export const PRESET_NAMES = Object.keys(PRESETS) as PresetName[];

/** Options of trainings that the pipeline sets itself. */
const SET_HERE = {
  run: true,
  data: true,
  classes: true,
  set: true,
  dev: true,
  seed: true,
  measured: true,
  device: true,
  threads: true,
  out: true,
  name: true,
  maxMinutes: true,
} as const;

/** What each training may be told. */
export const TRAININGS = {
  classifier: classifierOptions.omit(SET_HERE).partial(),
  affinity: affinityOptions.omit({ ...SET_HERE, labels: true, cams: true }).partial(),
  segmentation: segmentationOptions.omit({ ...SET_HERE, masks: true }).partial(),
} as const;
export type TrainingName = keyof typeof TRAININGS;

/** What each batch task may be told, by its name here. */
export const STAGES = {
  cam: TASKS.cam.options.partial(),
  perimeter: TASKS.perimeter.options.partial(),
  fit: TASKS.fit.options.partial(),
  combine: TASKS.combine.options.partial(),
  affinityLabels: TASKS["affinity-labels"].options.partial(),
  randomWalk: TASKS["random-walk"].options.partial(),
  pseudoLabels: TASKS["pseudo-labels"].options.partial(),
  segment: TASKS.segment.options.partial(),
} as const;
export type StageName = keyof typeof STAGES;

const list = z.string().min(1);
const limit = z.int().min(1).max(1e9).optional();
const configSchema = z.strictObject({
  /** Lists of images: to learn from, to choose on, to report; `null` for none. */
  sets: z.strictObject({
    train: list.optional(),
    dev: list.nullable().optional(),
    test: z.union([list, z.array(list)]).nullable().optional(),
  }).default({}),
  /** Only the first images of a list. */
  limits: z.strictObject({ dev: limit, test: limit }).default({}),
  /** Classes of the mean IoU that counts, besides background. Default: all. */
  measured: z.array(z.string()).optional(),
  seed: z.int().min(0).max(2 ** 31).default(0),
  /** File of the weights that all trainings start from, unless they name one. */
  weights: z.string().optional(),
  /** Train a classifier for the CAMs, or take a model; `auto`: train if the model lacks a class. */
  trainClassifier: z.enum(["auto", "yes", "no"]).default("auto"),
  /** Name or path of the CAM model to take. Default: the standard one. */
  camModel: z.string().optional(),
  /** Pseudo labels to try on `dev` before those of all images are made; `null` for none. */
  choose: z.strictObject({
    from: z.array(z.enum(["cam", "combined", "random_walk"])).min(1),
    thresholds: z.array(z.number().min(0).max(2)).min(1),
    images: z.int().min(1).default(48),
  }).nullable().optional(),
  ...STAGES,
  ...TRAININGS,
}).partial({
  cam: true,
  perimeter: true,
  fit: true,
  combine: true,
  affinityLabels: true,
  randomWalk: true,
  pseudoLabels: true,
  segment: true,
  classifier: true,
  affinity: true,
  segmentation: true,
});

/** The configuration, with what was told alone: what was not is left to the defaults of each step. */
export type SilopConfig = z.input<typeof configSchema>;

/** A configuration, and which parts of it the user has named. */
export interface ReadConfig {
  readonly config: SilopConfig;
  /** What the user told, without the preset. */
  readonly told: SilopConfig;
}

/**
 * Puts the configuration together. Sections (`affinity`, `sets`, …) are merged option by option; lists and
 * `choose` are replaced.
 *
 * @param file JSON file with an object.
 * @param flags What the command line tells.
 * @throws {OptionError} The file cannot be read, or an option is unknown or out of its range.
 */
export async function readSilopConfig(
  preset: PresetName,
  file: string | undefined,
  flags: SilopConfig = {},
): Promise<ReadConfig> {
  const told = merge(file === undefined ? {} : await readObject(file), flags);
  const config = merge(PRESETS[preset], told);
  const { success, error } = configSchema.safeParse(config);
  if (!success) {
    const where = file === undefined ? "" : ` in ${file}`;
    throw new OptionError(`The configuration${where} makes no sense:\n${z.prettifyError(error)}`);
  }
  return { config, told };
}

function merge(below: object, above: object): SilopConfig {
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    if (value === undefined) continue;
    const before = merged[key];
    const sections = key !== "choose" && isSection(before) && isSection(value);
    merged[key] = sections ? { ...before, ...value } : value;
  }
  return merged as SilopConfig;
}

function isSection(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function readObject(file: string): Promise<object> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw new OptionError(`Cannot read the configuration ${file}: ${(error as Error).message}`);
  }
  if (!isSection(value)) throw new OptionError(`The configuration ${file} holds no JSON object`);
  return value;
}
