/** What the commands for data sets have in common. */

import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import {
  type FileKind,
  type Layout,
  LAYOUTS,
  MAKERS,
  type Places,
} from "../../core/batch/folders.ts";
import type { Hire } from "../../core/batch/crew.ts";
import type { BatchSurroundings, Slot } from "../../core/batch/task.ts";
import { areVocClasses } from "../../core/data/class_list.ts";
import type { DataSet } from "../../core/data/data_set.ts";
import { openDataSet } from "../../core/data/open.ts";
import { type DeviceName } from "../../core/runtime/device_names.ts";
import { planWork } from "../../core/runtime/machine.ts";
import { modelFolders } from "../../core/runtime/model_folders.ts";
import { addModelOptions, EXIT_FAILED, EXIT_USAGE, fail, integerIn } from "../cli.ts";

/** Values of the options that {@linkcode addSetOptions} adds. */
export interface SetFlags {
  data: string;
  /** File of the data set's classes. */
  classes?: string;
  /** Settled by {@linkcode openData}. */
  set: string;
  run: string;
  limit?: number;
  shard?: Shard;
  layout: Layout;
  use?: Partial<Record<FileKind, string>>;
}

/** Values of the options that {@linkcode addWorkOptions} and {@linkcode addNetworkOptions} add. */
export interface RunFlags extends SetFlags {
  jobs?: number;
  /** Address of the queue whose workers do the work. */
  queue?: string;
  results: "folder" | "store";
  /** Seconds. */
  ackWait: number;
  deliveries: number;
  redo?: boolean;
  verify?: boolean;
  /** Of tasks that run networks, as are the following. */
  threads?: number;
  device?: DeviceName;
  models?: string;
  camModel?: string;
  affinityModel?: string;
  segmentationModel?: string;
}

/** The list of images of VOC's layout that is taken unless another is named. */
const TRAINING_SET = "train_aug";

/** Part `index` of `count`. */
interface Shard {
  readonly index: number;
  readonly count: number;
}

/**
 * Adds the options that tell the data set.
 *
 * @param set List of images taken of VOC's layout when none is named.
 */
export function addDataOptions(command: Command, set: string = TRAINING_SET): Command {
  return command
    .requiredOption(
      "--data <path>",
      "folder laid out as the VOC 2012 development kit, .csv or .json file of images and labels, or " +
        "folder of a folder for each class",
    )
    .option("--classes <file>", "classes of the data set in their order, one a line, .csv or .json")
    .option(
      "--set <name>",
      "list of images: ImageSets/Segmentation/NAME.txt, or those with this name in the column set " +
        `(default: ${set} of VOC, else all)`,
    );
}

/** Adds the options that tell which images and where. */
export function addSetOptions(command: Command): Command {
  return addDataOptions(command)
    .requiredOption("--run <folder>", "folder of results")
    .option("--limit <n>", "only the first images of the set", integerIn(1, 1e9))
    .option("--shard <i/n>", "only every n-th image, from the i-th", readShard)
    .addOption(
      new Option("--layout <name>", "folders of this project, or of the published Python scripts")
        .choices(LAYOUTS).default("silop"),
    )
    .option(
      "--use <kind=folder>",
      "take files of a kind from another folder, as cam=FOLDER of .npz or pickled .npy files",
      readUse,
    );
}

/** Adds the options that tell how to work, and those of {@linkcode addSetOptions}. */
export function addWorkOptions(command: Command): Command {
  return addSetOptions(command)
    .option("--jobs <n>", "images worked on at once (default: by the machine)", integerIn(1, 256))
    .option("--verify", "read all files that should be done to see whether they are whole")
    .option("--queue <nats://…>", "have the work done by voc:worker, on any machines, and watch")
    .addOption(
      new Option(
        "--results <way>",
        "of the queue: by folders that all machines share, or its store",
      )
        .choices(["folder", "store"]).default("folder"),
    )
    .option(
      "--ack-wait <seconds>",
      "of the queue: without a sign of life for so long, an image goes to another worker",
      integerIn(2, 3600),
      30,
    )
    .option(
      "--deliveries <n>",
      "of the queue: an image that so many workers tried in vain counts as failed",
      integerIn(1, 100),
      3,
    );
}

/** Who does the work, if it is not this process; told on standard error. */
export async function hireOf(
  { queue: address, results, ackWait, deliveries }: RunFlags,
): Promise<Hire | undefined> {
  if (address === undefined) return undefined;
  // Loaded only where it is needed.
  const { Queue } = await import("../../core/queue/queue.ts");
  const { hireQueue } = await import("../../core/queue/queue_crew.ts");
  try {
    const queue = await Queue.open(address, "silop");
    const onNotice = (text: string) => console.error(text);
    return hireQueue(queue, { results, ackWait: 1000 * ackWait, deliveries, onNotice });
  } catch (error) {
    fail((error as Error).message, error instanceof RangeError ? EXIT_USAGE : EXIT_FAILED);
  }
}

/** Adds the option to make images again. */
export function addRedoOption(command: Command): Command {
  return command.option("--redo", "make again what was made with other options");
}

/** Adds the options of tasks that run networks. */
export function addNetworkOptions(command: Command): Command {
  return addModelOptions(command)
    .option("--threads <n>", "threads of each job", integerIn(1, 256), 1)
    .addOption(
      // Not "auto": a run must be of one device.
      new Option("--device <name>", "where networks run").choices(["cpu", "cuda", "webgpu"])
        .default("cpu"),
    );
}

/** Opens the data set, and settles which of its lists of images is meant; `set` as for the options. */
export async function openData(
  flags: Pick<SetFlags, "data" | "classes"> & { set?: string },
  set: string = TRAINING_SET,
): Promise<DataSet> {
  try {
    const data = await openDataSet(flags.data, flags.classes);
    flags.set ??= data.defaultSet === TRAINING_SET ? set : data.defaultSet;
    return data;
  } catch (error) {
    fail(`Cannot read the data set: ${(error as Error).message}`, EXIT_USAGE);
  }
}

/** The images asked for. */
export async function readIds(
  { set, limit, shard }: Pick<SetFlags, "set" | "limit" | "shard">,
  data: DataSet,
): Promise<string[]> {
  let ids: string[];
  try {
    ids = await data.ids(set);
  } catch (error) {
    fail(`Cannot read the list of images: ${(error as Error).message}`, EXIT_USAGE);
  }
  if (ids.length === 0) fail(`The set ${set} has no images`, EXIT_USAGE);
  const first = [...new Set(ids)].slice(0, limit);
  return shard === undefined ? first : first.filter((_, i) => i % shard.count === shard.index - 1);
}

/** Where files are. */
export function placesOf({ run, layout, use = {} }: SetFlags, data: DataSet): Places {
  const others: Partial<Record<FileKind, Slot>> = {};
  for (const [kind, folder] of Object.entries(use)) {
    others[kind as FileKind] = {
      folder: resolve(folder),
      ending: endingIn(folder),
      madeBy: "other",
    };
  }
  return { data, run: resolve(run), layout, others };
}

/** Name of a file of the run, with the shard in it if there is one: `NAME.2of4.ENDING`. */
export function shardFile(name: string, flags: SetFlags, ending: string): string {
  return [name, shardName(flags), ending].filter((part) => part !== "").join(".");
}

/** `2of4`, for the name of a journal. */
export function shardName({ shard }: SetFlags): string {
  return shard === undefined ? "" : `${shard.index}of${shard.count}`;
}

/** What workers are told of their surroundings, and how many there are. */
export function surroundingsOf(
  { device = "cpu", threads = 1, models, layout, jobs, ...names }: RunFlags,
  { classes }: DataSet,
): { surroundings: BatchSurroundings; workers: number } {
  const { camModel, affinityModel, segmentationModel } = names;
  return {
    surroundings: {
      models: modelFolders(models).map(({ href }) => href),
      camModel,
      affinityModel,
      segmentationModel,
      device,
      threads,
      layout,
      ...(areVocClasses(classes) ? {} : { classes }),
    },
    workers: jobs ?? planWork({ threads, aim: "throughput" }).workers,
  };
}

function readShard(text: string): Shard {
  const [, index = 0, count = 0] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (!(index >= 1 && index <= count)) {
    throw new InvalidArgumentError(`"${text}" is no part such as 1/4, 2/4, 3/4 or 4/4.`);
  }
  return { index, count };
}

function readUse(
  text: string,
  before: Partial<Record<FileKind, string>> = {},
): Partial<Record<FileKind, string>> {
  const [, kind = "", folder = ""] = /^(\w+)=(.+)$/.exec(text) ?? [];
  if (!Object.hasOwn(MAKERS, kind)) {
    throw new InvalidArgumentError(
      `"${text}" is not KIND=FOLDER with a kind of ${Object.keys(MAKERS).join(", ")}.`,
    );
  }
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new InvalidArgumentError(`There is no folder ${folder}.`);
  }
  return { ...before, [kind]: folder };
}

/** The ending of a folder's files. */
function endingIn(folder: string): string {
  for (const { name } of Deno.readDirSync(folder)) {
    const [ending] = /\.(npz|npy|png|jpg)$/.exec(name) ?? [];
    if (ending !== undefined && !name.startsWith(".")) return ending;
  }
  fail(`There is no .npz, .npy, .png or .jpg file in ${join(folder)}`, EXIT_USAGE);
}
