/** A seeded stream of batches, made ahead in workers, that can be entered at any step. */

import { createHash } from "node:crypto";
import { WorkerPool } from "../../runtime/worker_pool.ts";
import { type AugmentOptions, checkAugmentOptions } from "./augment.ts";
import {
  type BatchRequest,
  type BatchSetup,
  type DecodedSample,
  prepareBatch,
  type PreparedBatch,
} from "./prepare_batch.ts";
import { type BatchPlace, SampleOrder } from "./sample_order.ts";

/** A photograph to train on. All samples of a set have the same kinds of truth. */
export interface Sample {
  /** Names it in errors and fingerprints. */
  readonly id: string;
  /** Path of the photograph. */
  readonly image: string;
  /** Path of a palette or grey PNG of the photograph's size: classes, 255 = ignore. */
  readonly mask?: string;
  /** 0-based classes in the image. */
  readonly labels?: readonly number[];
}

/** Options of {@linkcode SampleLoader}. */
export interface SampleLoaderOptions extends AugmentOptions {
  /** Samples in a batch. */
  readonly batch: number;
  /** Seed of orders and of all choices. */
  readonly seed: number;
  /** Number of classes; needed where samples have labels. */
  readonly classes?: number;
  /** Number of classes in masks, background included; masks with others are refused. Default: all are taken. */
  readonly maskClasses?: number;
  /** Threads that make batches; 0 makes them in the caller's. Default: {@linkcode loaderWorkers}. */
  readonly workers?: number;
  /** Most batches made, or in the making, beyond the one in use. Default: two per worker. */
  readonly prefetch?: number;
  /** Memory for decoded images, in MB, kept from the first epoch on. Default: 0. */
  readonly cacheMb?: number;
  /**
   * Longer side above which images are reduced right after decoding, in pixels. Saves time and cache;
   * pixels are then resized twice. Default: none are.
   */
  readonly maxSide?: number;
}

/** What one step is trained on. */
export interface Batch extends BatchPlace {
  readonly ids: readonly string[];
  /** `N×3×S×S`, normalised. */
  readonly images: Float32Array;
  /** `N×K`: 1 for the classes in the image, else 0; there when samples have labels. */
  readonly labels?: Float32Array;
  /** `N×M×M`, M = ⌈S/maskStride⌉; there when samples have masks. */
  readonly masks?: Uint8Array;
}

/** Batches by step, as a training loop reads them. */
export interface BatchSource<B> {
  /** Steps in an epoch. */
  readonly perEpoch: number;
  /** The batches of the steps `from..to − 1`. */
  batches(from: number, to: number): AsyncIterable<B>;
}

/** Bytes of a MB. */
const MB = 2 ** 20;

/** Threads that keep a trainer on the same cores busy without being in its way. */
export function loaderWorkers(cores: number = navigator.hardwareConcurrency): number {
  return Math.max(1, Math.min(8, Math.floor(cores / 2)));
}

/**
 * Batches of photographs, varied at random, from a seed.
 *
 * What a batch holds depends on the samples, the seed, its step and the options of variation, not on
 * how many workers there are, which of them made it, or where the stream was entered.
 *
 * @example
 * ```ts
 * using loader = new SampleLoader(samples, {
 *   batch: 8, seed: 0, classes: 20, size: 256, longSide: [256, 448], mean, std,
 * });
 * for await (const { images, labels } of loader.batches(0, 10 * loader.perEpoch)) { … }
 * ```
 */
export class SampleLoader implements BatchSource<Batch>, Disposable {
  readonly perEpoch: number;
  /**
   * Name of all that decides what the batches hold, apart from the files' contents. Runs with the same
   * fingerprint see the same stream.
   */
  readonly fingerprint: string;
  readonly #samples: readonly Sample[];
  readonly #options: SampleLoaderOptions;
  readonly #setup: BatchSetup;
  readonly #order: SampleOrder;
  readonly #prefetch: number;
  readonly #make: (request: BatchRequest) => Promise<PreparedBatch>;
  readonly #pool: WorkerPool<BatchSetup, BatchRequest, object, PreparedBatch> | null;
  readonly #cache = new Map<number, DecodedSample>();
  #room: number;

  /**
   * @throws {RangeError} An option is out of its range, or the samples do not fill one batch.
   * @throws {TypeError} Only some samples have masks or labels, or there is a label that is no class.
   */
  constructor(samples: readonly Sample[], options: SampleLoaderOptions) {
    checkAugmentOptions(options);
    checkSamples(samples, options.classes);
    const { batch, seed, workers = loaderWorkers(), cacheMb = 0, maxSide, maskClasses } = options;
    const { size, longSide, mirror, mean, std, maskStride, jitter, grey } = options;
    const { prefetch = 2 * Math.max(1, workers) } = options;
    for (
      const [name, value, least] of [["workers", workers, 0], ["prefetch", prefetch, 1]] as const
    ) {
      if (!(Number.isInteger(value) && value >= least)) {
        throw new RangeError(`${name} must be a whole number ≥ ${least}, got ${value}`);
      }
    }
    const augment = { size, longSide, mirror, mean, std, maskStride, jitter, grey };
    this.#samples = samples;
    this.#options = options;
    this.#setup = { augment, maxSide, maskClasses, seed };
    this.#order = new SampleOrder(samples.length, batch, seed);
    this.perEpoch = this.#order.perEpoch;
    this.#room = cacheMb * MB;
    this.fingerprint = createHash("sha256").update(JSON.stringify([
      samples.map(({ id, mask, labels }) => [id, mask !== undefined, labels]),
      this.#setup,
      batch,
    ])).digest("hex").slice(0, 16);
    const module = new URL("./sample_worker.ts", import.meta.url);
    this.#pool = workers === 0 ? null : new WorkerPool(module, this.#setup, workers);
    const pool = this.#pool;
    this.#make = pool === null
      ? (request) => prepareBatch(request, this.#setup)
      : (request) => pool.run(request);
    // In one thread there is nothing to gain by making another than the one that is asked for.
    this.#prefetch = pool === null ? 0 : prefetch;
  }

  /**
   * The batches of the steps `from..to − 1`, in order; steps count from 0 through all epochs. Batches are
   * made ahead while the caller is at work on one.
   *
   * @throws {Error} A file cannot be read, or is not what it should be; the text names it.
   */
  async *batches(from: number, to: number): AsyncGenerator<Batch, void, void> {
    const ahead: Promise<Batch>[] = [];
    let next = from;
    for (let step = from; step < to; step++) {
      while (next < Math.min(to, step + 1 + this.#prefetch)) {
        const making = this.#batch(next++);
        // Who awaits it learns of errors; nobody may, if the caller leaves before.
        making.catch(() => {});
        ahead.push(making);
      }
      yield await ahead.shift()!;
    }
  }

  /** The batch of one step. */
  async #batch(step: number): Promise<Batch> {
    const place = this.#order.at(step);
    const { epoch, index } = place;
    const chosen = [...place.samples];
    const samples = chosen.map((i) => {
      const { image, mask } = this.#samples[i]!;
      return { image, mask, decoded: this.#cache.get(i) };
    });
    const request = { epoch, index, samples, keep: this.#room > 0 };
    const { images, masks, decoded } = await this.#make(request);
    for (const [i, sample] of decoded) this.#keep(chosen[i]!, sample);
    const labels = this.#labels(chosen);
    return {
      ...place,
      ids: chosen.map((i) => this.#samples[i]!.id),
      images,
      ...(masks === undefined ? {} : { masks }),
      ...(labels === undefined ? {} : { labels }),
    };
  }

  /** Ends the workers and lets go of the cache. */
  close(): void {
    this.#pool?.close();
    this.#cache.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Keeps a decoded sample while there is room; every epoch needs all, so none gives way to another. */
  #keep(index: number, sample: DecodedSample): void {
    const bytes = sample.image.byteLength + (sample.mask?.byteLength ?? 0);
    if (bytes > this.#room || this.#cache.has(index)) return;
    this.#room -= bytes;
    this.#cache.set(index, sample);
  }

  #labels(chosen: readonly number[]): Float32Array | undefined {
    const { classes } = this.#options;
    if (classes === undefined || this.#samples[0]!.labels === undefined) return undefined;
    const rows = new Float32Array(chosen.length * classes);
    chosen.forEach((sample, i) => {
      for (const label of this.#samples[sample]!.labels!) rows[i * classes + label] = 1;
    });
    return rows;
  }
}

function checkSamples(samples: readonly Sample[], classes?: number): void {
  for (const kind of ["mask", "labels"] as const) {
    const having = samples.filter((sample) => sample[kind] !== undefined).length;
    if (having !== 0 && having !== samples.length) {
      throw new TypeError(`Only ${having} of ${samples.length} samples have ${kind}`);
    }
  }
  if (classes === undefined) {
    if (samples[0]?.labels === undefined) return;
    throw new TypeError("Samples with labels need the number of classes");
  }
  for (const { id, labels = [] } of samples) {
    const strange = labels.find((label) =>
      !(Number.isInteger(label) && label >= 0 && label < classes)
    );
    if (strange !== undefined) {
      throw new TypeError(`${id} has the label ${strange}, which is none of ${classes} classes`);
    }
  }
}
