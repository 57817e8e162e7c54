/**
 * Unsupervised segmentation of one image: a small network is trained on it, inside ONNX Runtime, until
 * its superpixels have fallen into a few labels.
 */

import { clearTimeout, setTimeout } from "node:timers";
import * as ort from "onnxruntime-node";
import {
  buildUss,
  initialUssParameters,
  PATCH_SIZE,
  USS_PARAMETERS,
  USS_TENSORS,
} from "../nets/uss.ts";
import { probeBlockSize } from "../onnx/block_size.ts";
import { openSession } from "../runtime/device.ts";
import type { ActualDevice } from "../runtime/device_names.ts";
import { imagePatches, patchStatistics } from "../../kernels/image_patches.ts";
import { rankLabels } from "../../kernels/rank_labels.ts";
import type { Checkpoint } from "./stage.ts";
import { checkUssOptions, type UssOptions } from "./uss_options.ts";

/** A segmentation without classes. */
export interface UssResult {
  /** `H×W` labels 0..31; all pixels of a superpixel have the same. */
  readonly labels: Uint8Array;
  /** Different labels there were in each iteration; its length is their number. */
  readonly distinct: readonly number[];
  /** The loss of each iteration. */
  readonly losses: readonly number[];
}

/** How a segmenter works. */
export interface UssSegmenterOptions {
  /** Where training runs. Default: `"cpu"`. */
  device?: ActualDevice;
  /** Native threads. Default: ONNX Runtime's choice, one per core. */
  threads?: number;
  /**
   * Whether ONNX Runtime's blocked operators may be used; they exist on x86-64 CPUs and train about 1.5
   * times faster than standard ones. Default: `true`.
   */
  blocked?: boolean;
  /**
   * How many image sizes are kept ready. Each has a session of its own, which takes 30 to 50 ms to
   * make, and holds the memory of its last training (about 2.3 KB per pixel). Default: 1.
   */
  sizes?: number;
  /** Milliseconds without work after which that memory is given back; 0: never. Default: 10 000. */
  idleMs?: number;
}

/**
 * A run inside ONNX Runtime cannot be stopped, so training is split into runs of about this many
 * milliseconds, with a checkpoint after each.
 */
const RUN_MS = 500;

/** Trains networks on images, keeping the sessions for their sizes. One image at a time. */
export class UssSegmenter {
  readonly device: ActualDevice;
  readonly #options: Required<Omit<UssSegmenterOptions, "threads">> & { threads?: number };
  /** Sessions by image size, the least recently used first. */
  readonly #sessions = new Map<string, ort.InferenceSession>();
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(options: UssSegmenterOptions = {}) {
    const { device = "cpu", threads, blocked = true, sizes = 1, idleMs = 10_000 } = options;
    this.device = device;
    this.#options = { device, threads, blocked, sizes, idleMs };
  }

  /**
   * Segments an image.
   *
   * @param image `H×W×3` bytes; SILOP hands in B, G, R.
   * @param superpixels `H×W` superpixel numbers.
   * @param checkpoint Called between runs; what it throws ends the training.
   * @throws {TypeError} The arrays do not fit the size.
   * @throws {OptionError} An option is out of its range.
   */
  async segment(
    image: Uint8Array,
    superpixels: Int32Array,
    width: number,
    height: number,
    options: UssOptions = {},
    checkpoint: Checkpoint = () => {},
  ): Promise<UssResult> {
    const settings = checkUssOptions(options);
    const pixels = width * height;
    if (superpixels.length !== pixels || image.length !== 3 * pixels) {
      throw new TypeError(
        `Cannot segment ${width}×${height} px: there are ${image.length} bytes of image and ` +
          `${superpixels.length} superpixel numbers`,
      );
    }
    clearTimeout(this.#idle);
    try {
      const session = await this.#open(width, height);
      checkpoint();
      return await train(session, image, superpixels, width, height, settings, checkpoint);
    } finally {
      if (this.#options.idleMs > 0) {
        // The timer alone shall not keep a program running.
        this.#idle = setTimeout(() => {
          // A session that cannot be released has been forgotten all the same: nothing more can be done.
          this.close().catch(() => {});
        }, this.#options.idleMs).unref();
      }
    }
  }

  /** Gives the sessions' memory back. The segmenter can still be used. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const session of sessions) await session.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #open(width: number, height: number): Promise<ort.InferenceSession> {
    const { sizes } = this.#options;
    const key = `${width}×${height}`;
    const known = this.#sessions.get(key);
    this.#sessions.delete(key);
    // Room first, so that there never are more than wanted.
    for (const [other, session] of this.#sessions) {
      if (this.#sessions.size < sizes) break;
      this.#sessions.delete(other);
      await session.release();
    }
    const session = known ?? await this.#create(width, height);
    this.#sessions.set(key, session);
    return session;
  }

  async #create(width: number, height: number): Promise<ort.InferenceSession> {
    const { device, threads, blocked } = this.#options;
    const blockSize = blocked && device === "cpu" ? await probeBlockSize() : null;
    const model = buildUss({ width, height, blockSize });
    return (await openSession(model, { device, threads, memoryPattern: false })).session;
  }
}

async function train(
  session: ort.InferenceSession,
  image: Uint8Array,
  superpixels: Int32Array,
  width: number,
  height: number,
  settings: Required<UssOptions>,
  checkpoint: Checkpoint,
): Promise<UssResult> {
  const { inputs, outputs } = USS_TENSORS;
  const { ranks, count } = rankLabels(superpixels);
  const constants = {
    ...imageTensors(image, width, height),
    [inputs.superpixels]: new ort.Tensor("int32", ranks, [ranks.length]),
    [inputs.labels]: new ort.Tensor("int64", new BigInt64Array(count), [count]),
    [inputs.rate]: scalar(settings.learningRate),
    [inputs.momentum]: scalar(settings.momentum),
    [inputs.minLabels]: scalar(settings.minLabels),
  };
  const list = (data: Float32Array) => new ort.Tensor("float32", data, [data.length]);
  let parameters: ort.Tensor = list(initialUssParameters(settings.seed));
  let velocity: ort.Tensor = list(new Float32Array(USS_PARAMETERS));

  const distinct: number[] = [];
  const losses: number[] = [];
  let labels: BigInt64Array;
  let turns = 1;
  do {
    const start = performance.now();
    const limit = BigInt64Array.of(BigInt(Math.min(turns, settings.iterations - distinct.length)));
    const results = await session.run({
      ...constants,
      [inputs.parameters]: parameters,
      [inputs.velocity]: velocity,
      [inputs.count]: new ort.Tensor("int64", limit, []),
    });
    checkpoint();
    parameters = results[outputs.parameters]!;
    velocity = results[outputs.velocity]!;
    labels = results[outputs.labels]!.data as BigInt64Array;
    const counts = results[outputs.distinct]!.data as Float32Array;
    distinct.push(...counts);
    losses.push(...results[outputs.losses]!.data as Float32Array);
    const each = (performance.now() - start) / counts.length;
    turns = Math.max(1, Math.floor(RUN_MS / each));
  } while (distinct.length < settings.iterations && distinct.at(-1)! >= settings.minLabels);

  const byRank = Uint8Array.from(labels, Number);
  return { labels: Uint8Array.from(ranks, (rank) => byRank[rank]!), distinct, losses };
}

/** The inputs that follow from the image. */
function imageTensors(
  image: Uint8Array,
  width: number,
  height: number,
): Record<string, ort.Tensor> {
  const { inputs } = USS_TENSORS;
  const pixels = width * height;
  const planes = new Float32Array(3 * pixels);
  for (let p = 0, at = 0; p < pixels; p++) {
    planes[p] = image[at++]! / 255;
    planes[pixels + p] = image[at++]! / 255;
    planes[2 * pixels + p] = image[at++]! / 255;
  }
  const { mean, covariance } = patchStatistics(image, width, height);
  const float = (data: Float32Array, shape: number[]) => new ort.Tensor("float32", data, shape);
  return {
    [inputs.image]: float(planes, [1, 3, height, width]),
    [inputs.patches]: float(imagePatches(planes, width, height), [PATCH_SIZE + 1, pixels]),
    [inputs.patchMean]: float(Float32Array.from(mean), [PATCH_SIZE]),
    [inputs.patchCovariance]: float(Float32Array.from(covariance), [PATCH_SIZE, PATCH_SIZE]),
  };
}

function scalar(value: number): ort.Tensor {
  return new ort.Tensor("float32", Float32Array.of(value), []);
}
