/**
 * Checkpoints of a training: `RUN/checkpoints/step_000001200.npz`, of which the last few are kept, and
 * `best.npz`, the one that did best when it was validated.
 *
 * A checkpoint is an `.npz` archive that `numpy.load` reads: the trainer's tensors under
 * `tensors/NAME`, and `checkpoint`, the bytes of a JSON text with all the rest. Its checksums tell a
 * damaged one from a whole.
 */

import { readdirSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { MadeWith } from "../../batch/manifest.ts";
import { DecodeError, StorageError } from "../../errors.ts";
import { writeFileAtomic } from "../../files.ts";
import { decodeNpz, encodeNpz, type NpyArray, type NpyData, type NpyDtype } from "../../npz.ts";
import type { WeightDtype, WeightTensor } from "../../weights/tensor.ts";
import type { TrainerState } from "./trainer.ts";

const bestSchema = z.strictObject({
  step: z.int().positive(),
  /** Of the metric that decides. */
  value: z.number(),
  metrics: z.record(z.string(), z.number()),
});

const progressSchema = z.strictObject({
  version: z.literal(1),
  /** Steps taken. */
  step: z.int().nonnegative(),
  /** Steps that the trainer counts. */
  trainerSteps: z.int().nonnegative(),
  /** Step of the last validation, 0 before the first. */
  validated: z.int().nonnegative(),
  /** The best validation so far. */
  best: bestSchema.nullable(),
  /** Validations since then. */
  stale: z.int().nonnegative(),
  /** All that decides the numbers. */
  madeWith: z.record(z.string(), z.json()),
});

/** A validation and its step. */
export type BestValidation = z.infer<typeof bestSchema>;
/** Where a training is. Its randomness needs no entry: it follows from seed and step. */
export type TrainingProgress =
  & Omit<z.infer<typeof progressSchema>, "version" | "trainerSteps" | "madeWith">
  & { readonly madeWith: MadeWith };

/** A training at one of its steps. */
export interface Checkpoint {
  readonly progress: TrainingProgress;
  readonly state: TrainerState;
}

const DTYPES: Partial<Record<WeightDtype, NpyDtype>> = {
  float32: "<f4",
  float64: "<f8",
  int64: "<i8",
  int32: "<i4",
  int16: "<i2",
  int8: "|i1",
  uint8: "|u1",
};
const NAME = /^step_(\d{9})\.npz$/;
const BEST = "best.npz";
const PREFIX = "tensors/";
/** Far above what any network of this project takes; an archive cannot hold more. */
const MAX_BYTES = 2 ** 32;

/**
 * @throws {TypeError} A tensor's type has no place in an `.npz` archive.
 */
export function encodeCheckpoint({ progress, state }: Checkpoint): Uint8Array {
  const text = JSON.stringify({ version: 1, ...progress, trainerSteps: state.steps });
  const json = new TextEncoder().encode(text);
  const arrays: Record<string, NpyArray> = { checkpoint: { shape: [json.length], data: json } };
  for (const [name, { shape, dtype, data }] of state.tensors) {
    const npy = DTYPES[dtype];
    if (npy === undefined) throw new TypeError(`Cannot keep ${name}, a tensor of ${dtype}`);
    arrays[PREFIX + name] = { shape, data: data as NpyData, dtype: npy };
  }
  return encodeNpz(arrays);
}

/** @throws {DecodeError} The bytes are no checkpoint, or damaged. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const { checkpoint, ...arrays } = decodeNpz(bytes, { maxBytes: MAX_BYTES });
  if (!(checkpoint?.data instanceof Uint8Array)) {
    throw new DecodeError("Cannot read checkpoint: it tells no step");
  }
  let parsed: z.infer<typeof progressSchema>;
  try {
    parsed = progressSchema.parse(JSON.parse(new TextDecoder().decode(checkpoint.data)));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new DecodeError(`Cannot read checkpoint: ${reason}`);
  }
  const { version: _, trainerSteps: steps, ...progress } = parsed;
  const tensors = new Map<string, WeightTensor>();
  for (const [name, { shape, dtype, data }] of Object.entries(arrays)) {
    const [weight] = Object.entries(DTYPES).find(([, npy]) => npy === dtype) ?? [];
    if (weight === undefined || !name.startsWith(PREFIX)) {
      throw new DecodeError(`Cannot read checkpoint: "${name}" is none of its tensors`);
    }
    tensors.set(name.slice(PREFIX.length), {
      shape,
      dtype: weight as WeightDtype,
      data: data as WeightTensor["data"],
    });
  }
  return { progress, state: { steps, tensors } };
}

/** The checkpoints of one run. Only who holds the run's lock may write or clear. */
export class CheckpointFolder {
  readonly #folder: string;

  /**
   * @param run The run's folder.
   * @param keep How many checkpoints are kept beside the best.
   */
  constructor(run: string, readonly keep: number) {
    this.#folder = join(run, "checkpoints");
  }

  /**
   * Writes a checkpoint and removes those that are not to be kept any longer.
   *
   * @throws {StorageError} It cannot be written.
   */
  async write(checkpoint: Checkpoint): Promise<void> {
    await this.#write(fileName(checkpoint.progress.step), encodeCheckpoint(checkpoint));
    const steps = this.steps();
    for (const step of steps.slice(0, Math.max(0, steps.length - this.keep))) {
      rmSync(join(this.#folder, fileName(step)), { force: true });
    }
  }

  /** Writes the best. @throws {StorageError} It cannot be written. */
  async writeBest(checkpoint: Checkpoint): Promise<void> {
    await this.#write(BEST, encodeCheckpoint(checkpoint));
  }

  /** The best there is; `null` before the first validation. @throws {DecodeError} It is damaged. */
  async best(): Promise<Checkpoint | null> {
    return await this.#read(BEST);
  }

  /**
   * The last checkpoint that is whole; `null` when there is none.
   *
   * @param onDamaged Told of every later one that is not.
   */
  async latest(onDamaged: (name: string, error: Error) => void): Promise<Checkpoint | null> {
    for (const step of this.steps().reverse()) {
      try {
        return await this.#read(fileName(step));
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        onDamaged(join(this.#folder, fileName(step)), error);
      }
    }
    return null;
  }

  /** Steps there is a checkpoint of, ascending. */
  steps(): number[] {
    return this.#names().flatMap((name) => {
      const [, step] = NAME.exec(name) ?? [];
      return step === undefined ? [] : [Number(step)];
    }).sort((a, b) => a - b);
  }

  /** Removes checkpoints of later steps, which a damaged one in between has made worthless, and parts. */
  clear(after: number): void {
    const late = this.steps().filter((step) => step > after).map(fileName);
    const parts = this.#names().filter((name) => /^\..+\.part$/.test(name));
    for (const name of [...late, ...parts]) rmSync(join(this.#folder, name), { force: true });
  }

  async #write(name: string, content: Uint8Array): Promise<void> {
    const path = join(this.#folder, name);
    try {
      await writeFileAtomic(path, content);
    } catch (error) {
      throw new StorageError(`Cannot write ${path}: ${(error as Error).message}`);
    }
  }

  async #read(name: string): Promise<Checkpoint | null> {
    let bytes: Uint8Array;
    try {
      bytes = await readFile(join(this.#folder, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
    return decodeCheckpoint(bytes);
  }

  #names(): string[] {
    try {
      return readdirSync(this.#folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }
}

function fileName(step: number): string {
  return `step_${String(step).padStart(9, "0")}.npz`;
}
