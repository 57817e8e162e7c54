/** Who does a batch's work: workers of this process, or others that a queue reaches. */

import { WorkerPool } from "../runtime/worker_pool.ts";
import type { JournalEntry } from "./journal.ts";
import type { PlannedImage } from "./plan_batch.ts";
import type { Batch } from "./run_batch.ts";
import type { BatchJob, BatchResult, BatchSetup, FileRecord } from "./task.ts";

/** An image's files as they lie in the run. */
export interface DoneImage {
  readonly files: Readonly<Record<string, FileRecord>>;
  /** What they were made with unlike what the batch says; see `JournalEntry`. */
  readonly unlike?: readonly string[];
}

/** Does the work of one batch. Disposing ends it. */
export interface Crew extends AsyncDisposable {
  /** What was done for the batch while nobody kept its journal. */
  readonly earlier: readonly JournalEntry[];
  /** Where workers may die and others go on: milliseconds after which what they left half written is nobody's. */
  readonly staleAfter?: number;
  /**
   * Gets ready for so many images, at least one.
   *
   * @returns How many to hand over at once.
   */
  begin(images: number): Promise<number>;
  /**
   * Does the task for an image.
   *
   * @throws {DoneByNobody} It was taken back.
   * @throws {StorageError} Results cannot be written.
   * @throws {QueueError} The others cannot be reached.
   * @throws Whatever the task throws.
   */
  run(image: PlannedImage): Promise<DoneImage>;
  /** Takes back what nobody has begun. */
  cancel(): void;
}

/**
 * Finds a crew for a batch.
 *
 * @param stamp Fingerprint of what the batch is made with.
 */
export type Hire = (batch: Batch, stamp: string) => Promise<Crew>;

/** An image was handed over, and nobody has begun it. */
export class DoneByNobody extends Error {
  override name = "DoneByNobody";
}

/** Workers of this process, as many as the batch says. */
export const hireWorkers: Hire = (batch) => {
  let pool: BatchPool | null = null;
  return Promise.resolve({
    earlier: [],
    async begin(images) {
      const { module, options, outputs, surroundings, workers } = batch;
      pool = openBatchPool(
        { module: module.href, options, outputs, surroundings },
        Math.min(workers, images),
      );
      await pool.ready;
      return workers;
    },
    run: ({ id, inputs }) => pool!.run({ id, inputs }),
    // What is handed over is begun.
    cancel() {},
    [Symbol.asyncDispose]: () => Promise.resolve(pool?.close()),
  });
};

/** Workers that do one task. */
export type BatchPool = WorkerPool<BatchSetup, BatchJob, object, BatchResult>;

/** Starts workers for a task. */
export function openBatchPool(setup: BatchSetup, workers: number): BatchPool {
  return new WorkerPool(new URL("./batch_worker.ts", import.meta.url), setup, workers);
}
