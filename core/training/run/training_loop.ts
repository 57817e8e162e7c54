/**
 * The loop of every training: batches in, steps taken, checkpoints, metrics and validations written to a
 * folder, so that it can be broken off at any moment and gone on with to the same last bit.
 *
 * A run's folder holds `config.json`, `metrics.jsonl` (`metrics_file.ts`) and `checkpoints/`
 * (`checkpoints.ts`).
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { lockTask } from "../../batch/lock.ts";
import { differences, type Json, type MadeWith } from "../../batch/manifest.ts";
import { StorageError, TrainingError } from "../../errors.ts";
import { writeFileAtomic } from "../../files.ts";
import type { BatchSource } from "../data/sample_loader.ts";
import type { WeightTensor } from "../../weights/tensor.ts";
import {
  type BestValidation,
  type Checkpoint,
  CheckpointFolder,
  type TrainingProgress,
} from "./checkpoints.ts";
import { MetricsFile, type StepLine, type ValidationLine } from "./metrics_file.ts";
import type { Schedule } from "./schedules.ts";
import type { Trainer } from "./trainer.ts";

/** How a training is validated. */
export interface Validation {
  /** Steps between two validations; there is one after the last step, too. */
  readonly every: number;
  /** Measures the trainer as it is. A signal that comes meanwhile may make it throw. */
  readonly run: (step: number, signal: AbortSignal) => Promise<Readonly<Record<string, number>>>;
  /** Which of the numbers decides. */
  readonly metric: string;
  /** Default: `"higher"`. */
  readonly better?: "higher" | "lower";
  /** Validations in a row without a new best after which the training ends. Default: it does not. */
  readonly patience?: number;
}

/** A training. */
export interface TrainingPlan<B, Feeds> {
  /** Folder of the run. */
  readonly run: string;
  readonly trainer: Trainer<Feeds>;
  readonly source: BatchSource<B>;
  /** Makes what the trainer is fed, of a batch of the step, counted from 0. */
  readonly feeds: (batch: B, step: number) => Feeds | Promise<Feeds>;
  readonly schedule: Schedule;
  /** Steps of the whole training. */
  readonly steps: number;
  /** The effective options, written to `config.json`. */
  readonly config: { readonly [key: string]: Json };
  /** Options that do not decide the numbers, and may be others when the training is gone on with. */
  readonly mayChange?: readonly string[];
  /** What else decides the numbers: fingerprint of the samples, versions, processor. */
  readonly madeWith?: MadeWith;
  /** Steps between two checkpoints. Default: an epoch. */
  readonly checkpointEvery?: number;
  /** Checkpoints kept beside the best. Default: 2. */
  readonly keep?: number;
  readonly validation?: Validation;
  /** Minutes after which the training is saved and left. Default: none. */
  readonly maxMinutes?: number;
  /** Saves and leaves after the step in work. */
  readonly signal?: AbortSignal;
}

/** Hears how a training goes on. */
export interface TrainingListener {
  /** Once, before the first step: where it begins. */
  started?(step: number, steps: number): void;
  stepped?(line: StepLine): void;
  validating?(step: number): void;
  validated?(line: ValidationLine): void;
  saved?(step: number): void;
  /** Something is not as it should be, but the training goes on. */
  warned?(message: string): void;
}

/** Why a training ended. `done` and `early` are for good, the others can be gone on with. */
export type TrainingEnd = "done" | "early" | "stopped" | "time";

/** How a training ended. */
export interface TrainingOutcome {
  readonly end: TrainingEnd;
  /** Steps taken in all. */
  readonly step: number;
  /** Steps taken now. */
  readonly taken: number;
  /** The best validation; its weights are in `checkpoints/best.npz`: see {@linkcode restoreBest}. */
  readonly best: BestValidation | null;
}

/**
 * Trains, from the start or from the last checkpoint in the run's folder. Kill it whenever you like:
 * called again it ends in the same weights.
 *
 * @example
 * ```ts
 * const outcome = await runTraining({
 *   run: "runs/cam", trainer, source: loader, steps: 10 * loader.perEpoch, config,
 *   schedule: makeSchedule({ rate: 0.1, steps: 10 * loader.perEpoch }),
 *   feeds: (batch) => ({ image: imageTensor(batch), labels: labelTensor(batch) }),
 *   madeWith: { samples: loader.fingerprint },
 *   validation: { every: loader.perEpoch, metric: "miou", run: () => measure(trainer) },
 * });
 * if (outcome.end === "done") await restoreBest("runs/cam", trainer);
 * ```
 *
 * @throws {TrainingError} The folder holds a training with other options (the text tells which), none of
 *   its checkpoints is whole, or a loss or a tensor of the trainer is not finite any more.
 * @throws {BatchError} Somebody is at work in the same folder.
 * @throws {StorageError} Something cannot be written.
 * @throws Whatever trainer, source and validation throw; the last checkpoint stays.
 */
export async function runTraining<B, Feeds>(
  plan: TrainingPlan<B, Feeds>,
  listener: TrainingListener = {},
): Promise<TrainingOutcome> {
  const began = performance.now();
  checkPlan(plan);
  makeFolder(plan.run);
  using _lock = await lockTask(plan.run, "training", "");
  const training = new Training(plan, listener);
  await training.begin();
  return await training.run(began);
}

/**
 * Puts the weights of the best validation into a trainer.
 *
 * @returns What was measured of them; `null`, and nothing changed, when there was no validation.
 * @throws {DecodeError} The file is damaged.
 */
export async function restoreBest(
  run: string,
  trainer: Pick<Trainer<never>, "restore">,
): Promise<BestValidation | null> {
  const best = await new CheckpointFolder(run, 0).best();
  if (best === null) return null;
  trainer.restore(best.state);
  return best.progress.best;
}

/** One sitting of a training. */
class Training<B, Feeds> {
  readonly #plan: TrainingPlan<B, Feeds>;
  readonly #listener: TrainingListener;
  readonly #checkpoints: CheckpointFolder;
  readonly #madeWith: MadeWith;
  #metrics!: MetricsFile;
  #progress: TrainingProgress;
  /** Step of the last checkpoint. */
  #saved = -1;

  constructor(plan: TrainingPlan<B, Feeds>, listener: TrainingListener) {
    const { mayChange = [], config, madeWith = {}, keep = 2, run } = plan;
    const deciding = Object.entries(config).filter(([name]) => !mayChange.includes(name));
    this.#plan = plan;
    this.#listener = listener;
    this.#checkpoints = new CheckpointFolder(run, keep);
    // As it will be read back.
    this.#madeWith = JSON.parse(
      JSON.stringify({ ...madeWith, steps: plan.steps, config: Object.fromEntries(deciding) }),
    );
    this.#progress = {
      step: 0,
      validated: 0,
      best: null,
      stale: 0,
      madeWith: this.#madeWith,
    };
  }

  /** Goes to where the folder is. */
  async begin(): Promise<void> {
    const { run, config, trainer } = this.#plan;
    const found = await this.#checkpoints.latest((name, { message }) =>
      this.#listener.warned?.(`${name} is damaged (${message}); the one before it is taken`)
    );
    if (found === null && this.#checkpoints.steps().length > 0) {
      throw new TrainingError(
        `No checkpoint in ${run} is whole; name another folder or empty this`,
      );
    }
    if (found !== null) {
      const changes = differences(found.progress.madeWith, this.#madeWith);
      if (changes.length > 0) {
        throw new TrainingError(
          `${run} holds a training with other options:\n` +
            changes.map((change) => `  ${change}\n`).join("") +
            "Go on as before, or name another folder.",
        );
      }
      trainer.restore(found.state);
      this.#progress = found.progress;
      this.#saved = found.progress.step;
    }
    const { step, validated } = this.#progress;
    this.#checkpoints.clear(step);
    this.#metrics = await MetricsFile.open(run, step, validated);
    const path = join(run, "config.json");
    await writeFileAtomic(path, JSON.stringify(config, null, 2) + "\n").catch((error: Error) => {
      throw new StorageError(`Cannot write ${path}: ${error.message}`);
    });
    this.#listener.started?.(step, this.#plan.steps);
  }

  /** @param began When the time began that is limited. */
  async run(began: number): Promise<TrainingOutcome> {
    const { source, steps, signal, maxMinutes = Infinity, validation } = this.#plan;
    const first = this.#progress.step;
    const batches = source.batches(first, steps)[Symbol.asyncIterator]();
    const end = async (end: TrainingEnd): Promise<TrainingOutcome> => {
      const { step, best } = this.#progress;
      if (this.#saved !== step) await this.#save();
      return { end, step, taken: step - first, best };
    };
    try {
      for (;;) {
        const { step } = this.#progress;
        if (this.#isValidationDue() && !await this.#validate()) return await end("stopped");
        if (step >= steps) return await end("done");
        if (this.#progress.stale >= (validation?.patience ?? Infinity)) return await end("early");
        if (signal?.aborted) return await end("stopped");
        if (performance.now() - began >= maxMinutes * 60_000) return await end("time");
        await this.#step(batches);
        // Native runs hold up the thread: here signals and finished batches come through.
        await turn();
      }
    } finally {
      await batches.return?.();
    }
  }

  async #step(batches: AsyncIterator<B>): Promise<void> {
    const { trainer, feeds, schedule, source, checkpointEvery = source.perEpoch } = this.#plan;
    const { step } = this.#progress;
    const began = performance.now();
    const { value: batch, done } = await batches.next();
    if (done) throw new TrainingError(`There is no batch for step ${step}`);
    const got = performance.now();
    const rate = schedule(step);
    const metrics = await trainer.step(await feeds(batch, step), rate);
    const line: StepLine = {
      kind: "step",
      step: step + 1,
      epoch: Math.floor(step / source.perEpoch),
      rate,
      seconds: seconds(performance.now() - began),
      waited: seconds(got - began),
      metrics,
    };
    for (const [name, value] of Object.entries(metrics)) {
      if (Number.isFinite(value)) continue;
      throw new TrainingError(
        `${name} became ${value} in step ${step + 1}; a lower rate or a warm-up may help`,
      );
    }
    this.#metrics.add(line);
    this.#progress = { ...this.#progress, step: step + 1 };
    this.#listener.stepped?.(line);
    if ((step + 1) % checkpointEvery === 0) await this.#save();
  }

  #isValidationDue(): boolean {
    const { validation, steps } = this.#plan;
    const { step, validated } = this.#progress;
    if (validation === undefined || step === 0 || validated === step) return false;
    return step % validation.every === 0 || step === steps;
  }

  /** @returns Whether it came to its end; it is caught up on later if it did not. */
  async #validate(): Promise<boolean> {
    const { validation, source, signal = new AbortController().signal } = this.#plan;
    const { run, metric, better = "higher" } = validation!;
    const { step, best, stale } = this.#progress;
    this.#listener.validating?.(step);
    const began = performance.now();
    let metrics: Readonly<Record<string, number>>;
    try {
      metrics = await run(step, signal);
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
    const value = metrics[metric];
    if (value === undefined || !Number.isFinite(value)) {
      throw new TrainingError(`The validation of step ${step} gave ${value} as ${metric}`);
    }
    const isBest = best === null || (better === "higher" ? value > best.value : value < best.value);
    this.#progress = {
      ...this.#progress,
      validated: step,
      best: isBest ? { step, value, metrics: { ...metrics } } : best,
      stale: isBest ? 0 : stale + 1,
    };
    const line: ValidationLine = {
      kind: "validation",
      step,
      epoch: Math.floor((step - 1) / source.perEpoch),
      seconds: seconds(performance.now() - began),
      metrics,
      best: isBest,
    };
    this.#metrics.add(line);
    // The best before the checkpoint that speaks of it: killed in between, it is written again.
    if (isBest) await this.#checkpoints.writeBest(this.#checkpoint());
    await this.#save();
    this.#listener.validated?.(line);
    return true;
  }

  async #save(): Promise<void> {
    await this.#checkpoints.write(this.#checkpoint());
    this.#saved = this.#progress.step;
    this.#listener.saved?.(this.#saved);
  }

  /**
   * A loss may be finite while gradients are not: what they have spoilt must not take the place of the last
   * whole checkpoint.
   */
  #checkpoint(): Checkpoint {
    const state = this.#plan.trainer.state();
    for (const [name, { data }] of state.tensors) {
      if (isFinite(data)) continue;
      throw new TrainingError(
        `${name} is not finite any more at step ${this.#progress.step}; ` +
          "a lower rate or a warm-up may help",
      );
    }
    return { progress: this.#progress, state };
  }
}

/** Whether all numbers are finite: 0 times any of those is 0, and NaN else. */
function isFinite(data: WeightTensor["data"]): boolean {
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return true;
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += 0 * data[i]!;
  return sum === 0;
}

function checkPlan<B, Feeds>(plan: TrainingPlan<B, Feeds>): void {
  const { steps, checkpointEvery = 1, keep = 1, validation } = plan;
  const numbers = { steps, checkpointEvery, keep, "validation.every": validation?.every ?? 1 };
  for (const [name, value] of Object.entries(numbers)) {
    if (!(Number.isInteger(value) && value >= 1)) {
      throw new RangeError(`Cannot train: ${name} is ${value}, not a whole number ≥ 1`);
    }
  }
}

function makeFolder(run: string): void {
  try {
    mkdirSync(run, { recursive: true });
  } catch (error) {
    throw new StorageError(`Cannot make ${run}: ${(error as Error).message}`);
  }
}

function seconds(milliseconds: number): number {
  return Math.round(milliseconds) / 1000;
}
