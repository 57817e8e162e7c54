/**
 * What a batch task is: files of one image in, files of one image out, many times.
 *
 * The engine (`run_batch.ts`) knows nothing of segmentation. A task tells it which files it reads and
 * writes; the work itself lives in a module of its own, which only the workers load, so that a run in
 * which all is done need not load any network.
 */

import type { DeviceName } from "../runtime/device_names.ts";
import type { Checkpoint } from "../stages/stage.ts";

/** Where a kind of file is: `FOLDER/ID` and an ending. */
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
}

/** Some kinds of file by name. */
export type Slots = Readonly<Record<string, Slot>>;

/** Contents of one image's files, by kind. */
export type Files = Readonly<Record<string, Uint8Array>>;

/** What a worker is told about its surroundings. */
export interface BatchSurroundings {
  /** Address of the folder of models. */
  readonly models: string;
  /** Name of the CAM model in its manifest. */
  readonly camModel: string;
  readonly device: DeviceName;
  /** Native threads of each worker. */
  readonly threads: number;
  /** How files are laid out; see `folders.ts`. */
  readonly layout: "silop" | "published";
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
  readonly inputs: Slots;
  readonly outputs: Slots;
  readonly surroundings: BatchSurroundings;
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
  /** The files written, by kind. */
  readonly files: Readonly<Record<string, FileRecord>>;
}
