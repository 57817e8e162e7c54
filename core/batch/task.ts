/**
 * What a batch task is: files of one image in, files of one image out, many times.
 *
 * The engine (`run_batch.ts`) knows nothing of segmentation. A task tells it which files it reads and
 * writes; the work itself lives in a module of its own, which only the workers load, so that a run in
 * which all is done need not load any network.
 */

import { join } from "node:path";
import type { DataClass } from "../data/class_list.ts";
import type { Source } from "../data/data_set.ts";
import type { DeviceName } from "../runtime/device_names.ts";
import type { Checkpoint } from "../stages/stage.ts";

/** Where a kind of file is: `FOLDER/ID` and an ending, unless a data set knows better. */
export interface Slot {
  readonly folder: string;
  /** With its dot. */
  readonly ending: string;
  /**
   * Who makes these files: the name of a task, `"data"` for those of the data set, which are known by
   * their sizes alone so that a copy of it is as good, or `"other"`.
   */
  readonly madeBy: string;
  /** The kind by which the journal of that task knows these files. Default: the reader's own name. */
  readonly madeAs?: string;
  /**
   * Where an image's file is, or its text; `null` when it has none. Files that are written have no such
   * thing. Default: `FOLDER/ID` and the ending.
   */
  readonly find?: (id: string) => Source | null;
}

/** Where an image's file of a kind is; `null` when there can be none. */
export function sourceIn({ folder, ending, find }: Slot, id: string): Source | null {
  return find === undefined ? { path: join(folder, id + ending) } : find(id);
}

/** Some kinds of file by name. */
export type Slots = Readonly<Record<string, Slot>>;

/** Contents of one image's files, by kind. */
export type Files = Readonly<Record<string, Uint8Array>>;

/** What a worker is told about its surroundings. */
export interface BatchSurroundings {
  /** Addresses of the folders of models; the first that has a model counts. */
  readonly models: readonly string[];
  /** Names of models or paths of their files. Default: see `core/runtime/model_library.ts`. */
  readonly camModel?: string;
  readonly affinityModel?: string;
  readonly segmentationModel?: string;
  readonly device: DeviceName;
  /** Native threads of each worker. */
  readonly threads: number;
  /** How files are laid out; see `folders.ts`. */
  readonly layout: "silop" | "published";
  /** Classes of the data set, with the colours of its masks. Default: VOC's. */
  readonly classes?: readonly DataClass[];
}

/**
 * Does the work for one image. `checkpoint` is to be called between heavy steps.
 *
 * @throws Anything; the image then counts as failed, and none of its files is written.
 */
export type Work = (files: Files, checkpoint: Checkpoint) => Promise<Files>;

/** What a task's module exports as `prepare`: loads what all images need, once in every worker. */
export type Prepare<Options> = (
  options: Options,
  surroundings: BatchSurroundings,
) => Promise<Work> | Work;

/** What a worker is told first. */
export interface BatchSetup {
  /** Address of a module that exports `prepare`. */
  readonly module: string;
  readonly options: unknown;
  /** Where files are written, or only their kinds: then the worker answers their contents. */
  readonly outputs: Slots | readonly string[];
  readonly surroundings: BatchSurroundings;
}

/** What a worker is told of an image. */
export interface BatchJob {
  readonly id: string;
  /** Its files, by kind. */
  readonly inputs: Readonly<Record<string, Source | { readonly bytes: Uint8Array }>>;
}

/** A file as the journal knows it. */
export interface FileRecord {
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly mtime: number;
  readonly sha256: string;
}

/** What a worker answers for an image. */
export interface BatchResult {
  /** The files made, by kind. Of files that are not written yet, the time is 0. */
  readonly files: Readonly<Record<string, FileRecord>>;
  /** Contents of files that are not written yet, by kind. */
  readonly contents?: Readonly<Record<string, Uint8Array>>;
}
