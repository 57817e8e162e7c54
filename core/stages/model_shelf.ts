/** The networks of a worker: opened once each, those that are not always needed when they first are. */

import { OptionError } from "../errors.ts";
import type { ActualDevice, DeviceName } from "../runtime/device_names.ts";
import type { ChosenModels, ModelEntry } from "../runtime/model_library.ts";
import {
  type AffinityModelInfo,
  type CamModelInfo,
  type ModelInfo,
  type ModelInfoOf,
  type ModelTask,
  type SegmentationModelInfo,
  verifyModel,
} from "../runtime/models.ts";
import { trimMemory } from "../runtime/trim_memory.ts";
import type { EdgeNetwork } from "./affinity.ts";
import type { CamClassifier } from "./cam.ts";
import { type OnnxClassifier, openClassifier } from "./classifier.ts";
import {
  AFFINITY_TENSORS,
  type MapNetwork,
  openMapNetwork,
  SEGMENTATION_TENSORS,
} from "./map_network.ts";
import type { SegmentationNetwork } from "./segmentation.ts";
import type { ModelChoice, StageModels } from "./stage.ts";
import type { UssSegmenterOptions } from "./uss.ts";

/** Options of {@linkcode openModels}. */
export interface OpenModelsOptions {
  /** Where networks run. Default: `"cpu"`. */
  device?: DeviceName;
  /** Native threads of each. Default: ONNX Runtime's choice, one per core. */
  threads?: number;
  /** Models that a piece of work may ask for, besides those chosen. Default: none. */
  allowed?: readonly ModelEntry[];
}

/** The models at a worker's disposal. */
export interface OpenedModels {
  readonly models: StageModels;
  /** What the classifier runs on; the others are opened there too. */
  readonly device: ActualDevice;
  /** Why `auto` did not take a GPU whose driver is there. */
  readonly fallback?: string;
}

/** Side of the blank image a fresh session is tried on, so that the first photo is not slower. */
const WARM_UP_SIZE = 64;

/**
 * Opens the classifier, and the segmentation network where that is asked first; AffinityNet and models that
 * single pieces of work name are opened when they are needed.
 *
 * @throws {ModelError} A file is missing, damaged, or no network for its task.
 * @throws {DeviceError} The device is not available.
 */
export async function openModels(
  { cam, affinity, segmentation, segmentationFirst }: ChosenModels,
  { device: wanted = "cpu", threads, allowed = [] }: OpenModelsOptions = {},
): Promise<OpenedModels> {
  const classifier = await openCam(cam, { device: wanted, threads });
  await classifier.classify(blank(), WARM_UP_SIZE, WARM_UP_SIZE);
  const { device, fallback } = classifier;

  const shelf = new ModelShelf({ device, threads });
  shelf.put(cam, classifier);
  const standard: StageModels = {
    classifier,
    uss: trainedWhenAsked({ device, threads }),
    edges: affinity === null ? undefined : shelf.edges(affinity),
    segmenter: segmentation === null ? undefined : shelf.segmenter(segmentation),
    segmenterFirst: segmentationFirst && segmentation !== null,
  };
  if (standard.segmenterFirst) {
    await standard.segmenter!.run(blank(), WARM_UP_SIZE, WARM_UP_SIZE);
  }

  const permitted = [cam, affinity, segmentation, ...allowed].filter((entry) => entry !== null);
  const select = (names: ModelChoice): StageModels => {
    const camEntry = named(permitted, names.camModel, "cam");
    const edgeEntry = named(permitted, names.affinityModel, "affinity");
    const segmentEntry = named(permitted, names.segmentationModel, "segmentation");
    return {
      ...standard,
      ...(camEntry && { classifier: shelf.classifier(camEntry) }),
      ...(edgeEntry && { edges: shelf.edges(edgeEntry) }),
      ...(segmentEntry && { segmenter: shelf.segmenter(segmentEntry) }),
      // Who names a CAM model, and no segmentation network, wants that one to be asked.
      segmenterFirst: segmentEntry !== null ||
        (camEntry === null && standard.segmenterFirst === true),
    };
  };
  return { models: { ...standard, select }, device, fallback };
}

/** What a network is opened with. */
type OpenOptions = Pick<OpenModelsOptions, "device" | "threads">;

/**
 * Opens an AffinityNet.
 *
 * @throws As {@linkcode openModels} does.
 */
export async function openEdges(
  { info, folder }: ModelEntry<AffinityModelInfo>,
  options: OpenOptions = {},
): Promise<EdgeNetwork> {
  const path = await verifyModel(info, folder);
  return trimmed(info, await openMapNetwork(path, info, AFFINITY_TENSORS, 1, options));
}

/**
 * Opens a segmentation network.
 *
 * @throws As {@linkcode openModels} does.
 */
export async function openSegmenter(
  { info, folder }: ModelEntry<SegmentationModelInfo>,
  options: OpenOptions = {},
): Promise<SegmentationNetwork> {
  const path = await verifyModel(info, folder);
  const channels = info.classes.length;
  return trimmed(info, await openMapNetwork(path, info, SEGMENTATION_TENSORS, channels, options));
}

/**
 * Opens a CAM classifier.
 *
 * @throws As {@linkcode openModels} does.
 */
export async function openCam(
  { info, folder }: ModelEntry<CamModelInfo>,
  options: OpenOptions = {},
): Promise<OnnxClassifier> {
  return trimmed(info, await openClassifier(await verifyModel(info, folder), info, options));
}

/**
 * A segmenter that comes with the first image: building its training takes a third of the modules that
 * workers load, and many workers never need it.
 */
function trainedWhenAsked(options: UssSegmenterOptions): StageModels["uss"] {
  const open = lazily(async () => new (await import("./uss.ts")).UssSegmenter(options));
  return { segment: async (...input) => await (await open()).segment(...input) };
}

/** The network, after giving back what loading it has left. */
function trimmed<Network>({ bytes }: ModelInfo, network: Network): Network {
  trimMemory(bytes);
  return network;
}

/** Networks by file, each in one session for as long as the worker lives. */
class ModelShelf {
  readonly #options: { readonly device: ActualDevice; readonly threads?: number };
  readonly #networks = new Map<string, unknown>();

  constructor(options: { readonly device: ActualDevice; readonly threads?: number }) {
    this.#options = options;
  }

  /** Puts a classifier on the shelf that is open already. */
  put(entry: ModelEntry<CamModelInfo>, classifier: CamClassifier): void {
    this.#networks.set(keyOf(entry), classifier);
  }

  classifier(entry: ModelEntry<CamModelInfo>): CamClassifier {
    const { info, folder } = entry;
    return this.#once(info, folder, () => {
      const open = lazily(() => openCam(entry, this.#options));
      return { info, classify: async (...input) => await (await open()).classify(...input) };
    });
  }

  edges(entry: ModelEntry<AffinityModelInfo>): EdgeNetwork {
    return this.#maps(entry, () => openEdges(entry, this.#options));
  }

  segmenter(entry: ModelEntry<SegmentationModelInfo>): SegmentationNetwork {
    return this.#maps(entry, () => openSegmenter(entry, this.#options));
  }

  #maps<Info extends ModelInfo>(
    { info, folder }: ModelEntry<Info>,
    open: () => Promise<MapNetwork<Info>>,
  ): MapNetwork<Info> {
    return this.#once(info, folder, () => {
      const opened = lazily(open);
      return { info, run: async (...input) => await (await opened()).run(...input) };
    });
  }

  #once<Network>(info: ModelInfo, folder: URL, create: () => Network): Network {
    const key = keyOf({ info, folder });
    if (!this.#networks.has(key)) this.#networks.set(key, create());
    return this.#networks.get(key) as Network;
  }
}

/** Opens something when it is first asked for; a failure is told, and tried again the next time. */
function lazily<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | null = null;
  return () =>
    opened ??= open().catch((error) => {
      opened = null;
      throw error;
    });
}

function keyOf({ info, folder }: Pick<ModelEntry, "info" | "folder">): string {
  return new URL(info.file, folder).href;
}

/** The model of a name, if one is named. @throws {OptionError} It is not among those permitted. */
function named<T extends ModelTask>(
  permitted: readonly ModelEntry[],
  name: string | undefined,
  task: T,
): ModelEntry<ModelInfoOf<T>> | null {
  if (name === undefined) return null;
  const choices = permitted.filter((entry) => entry.info.task === task);
  const entry = choices.find((choice) => choice.name === name);
  if (entry === undefined) {
    const known = choices.map((choice) => choice.name).join(", ") || "none";
    throw new OptionError(`Model "${name}" may not be chosen for ${task}; these may: ${known}`);
  }
  return { ...entry, info: entry.info as ModelInfoOf<T> };
}

function blank(): Float32Array {
  return new Float32Array(3 * WARM_UP_SIZE ** 2);
}
