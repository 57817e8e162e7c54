/**
 * `RUN/silop.json`: what `deno task silop` has run, with which options, versions, seeds and checksums, how
 * long it took and how much memory.
 *
 * | below `RUN` | what |
 * |---|---|
 * | `silop.json` | this manifest |
 * | `train/`, `dev/`, `test/`, … | runs of the batch tasks over the lists of images; see `core/batch/folders.ts` |
 * | `classifier/`, `affinity/`, `segmentation/` | runs of the trainings |
 * | `models/` | the models they give, ready to be served |
 * | `choice/`, `choice.json` | pseudo labels tried on `dev`, and which of them is best |
 * | `ablation/` | what the chain gives without its parts |
 * | `report.html` | the report |
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { BatchError, StorageError } from "../errors.ts";
import { writeFileAtomic } from "../files.ts";

/** Name of the manifest in a run. */
export const SILOP_MANIFEST = "silop.json";

const stepSchema = z.object({
  name: z.string(),
  /** The `deno task` it ran as; `null` of what is done on the spot. */
  task: z.string().nullable(),
  args: z.array(z.string()),
  images: z.int().nullable(),
  status: z.enum(["running", "stopped", "failed", "done"]),
  /** Of its task, its arguments and the results that it read. */
  fingerprint: z.string(),
  /** SHA-256 over the results; of a model, that of its file. */
  results: z.string().nullable(),
  began: z.string(),
  ended: z.string().nullable(),
  /** Of all sittings together. */
  seconds: z.number(),
  /** Greatest resident memory of any sitting, its workers included, in MB; `null` where it is not known. */
  peakMb: z.number().nullable(),
  sittings: z.int(),
});
/** What a list of images is for. */
export const ROLES = ["train", "dev", "test"] as const;
const partSchema = z.object({
  /** Name of its folder in the run: `train`, `dev`, `test`, `test-coco_val`. */
  part: z.string(),
  role: z.enum(ROLES),
  /** Name of the list. */
  name: z.string(),
  images: z.int(),
  /** SHA-256 over ids and labels. */
  sha256: z.string(),
  /** Whether the images have true masks. */
  truth: z.boolean(),
  /** Only so many of the list. */
  limit: z.int().optional(),
});
const manifestSchema = z.object({
  version: z.literal(1),
  made: z.object({
    silop: z.string(),
    deno: z.string(),
    onnxruntime: z.string(),
    platform: z.string(),
    cores: z.int(),
  }),
  data: z.object({
    /** As it was named on the command line. */
    path: z.string(),
    classFile: z.string().nullable(),
    classes: z.array(z.object({ name: z.string(), color: z.string().optional() })),
    parts: z.array(partSchema),
    /** Classes of the mean that counts, besides background; empty for all. */
    measured: z.array(z.string()),
  }),
  preset: z.string(),
  seed: z.int(),
  config: z.record(z.string(), z.json()),
  steps: z.array(stepSchema),
});

/** The manifest of a run. */
export type SilopManifest = z.output<typeof manifestSchema>;
/** What is known of a step. */
export type StepRecord = z.output<typeof stepSchema>;
/** A list of images: to learn from, to choose on, or to report. */
export type Part = z.output<typeof partSchema>;

/**
 * Reads a run's manifest; `null` when there is none.
 *
 * @throws {BatchError} The file is no such manifest.
 */
export function readSilopManifest(run: string): SilopManifest | null {
  const path = join(run, SILOP_MANIFEST);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch {
    throw new BatchError(`${path} is not the manifest of a run; name another --run`);
  }
}

/** @throws {StorageError} It cannot be written. */
export async function writeSilopManifest(run: string, manifest: SilopManifest): Promise<void> {
  const path = join(run, SILOP_MANIFEST);
  try {
    await writeFileAtomic(path, JSON.stringify(manifest, null, 2) + "\n");
  } catch (error) {
    throw new StorageError(`Cannot write ${path}: ${(error as Error).message}`);
  }
}
