/** A step of the whole method. */

import type { TaskName } from "../../core/batch/tasks.ts";

/** Where a step's results are, for their checksum. */
export type Results =
  /** Images of a batch task's journal. */
  | { readonly run: string; readonly task: TaskName; readonly ids: readonly string[] }
  /** A model in a folder's manifest. */
  | { readonly models: string; readonly name: string }
  | { readonly file: string };

/** A step: one `deno task` with its arguments, or something done on the spot. */
export interface Step {
  /** As `cam/train`: the stage, and which images. */
  readonly name: string;
  /** Steps of one stage are skipped, begun with and ended with together. */
  readonly stage: string;
  /** As in `deno.json`; `null` with {@linkcode act}. */
  readonly task: string | null;
  /** What decides the results. Asked when its turn has come: it may depend on what was chosen before. */
  readonly args: () => readonly string[];
  /** How the work is done. */
  readonly work?: readonly string[];
  /** What is done on the spot. */
  readonly act?: () => Promise<void>;
  /** Names of the steps whose results it reads. */
  readonly needs: readonly string[];
  /** How many images it works on; `null` where that tells nothing. */
  readonly images: number | null;
  readonly results: Results;
  /** How it is begun anew after its options have changed: by a flag, or in an empty folder. */
  readonly anew?: { readonly flag: string } | { readonly folder: string };
}
