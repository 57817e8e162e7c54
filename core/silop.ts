/** SILOP as a library: one object that takes images and answers maps and masks. */

import { readImageHeader } from "./image/header.ts";
import {
  checkImageBytes,
  checkImageLimits,
  type ImageLimits,
  resolveImageLimits,
} from "./image/limits.ts";
import type { DeviceName } from "./runtime/device_names.ts";
import { HEAVY_BYTES, planWork, type WorkPlan, type WorkPlanOptions } from "./runtime/machine.ts";
import { modelFolders } from "./runtime/model_folders.ts";
import { ModelLibrary } from "./runtime/model_library.ts";
import { StagePool, type WorkerReady } from "./runtime/stage_pool.ts";
import type {
  PoolState,
  RestartReason,
  RunOptions,
  WorkerPoolOptions,
} from "./runtime/worker_pool.ts";
import type { Cam } from "./stages/cam.ts";
import type { Perimeters } from "./stages/perimeter.ts";
import type { StageName, StageOptions, StageResult } from "./stages/render.ts";
import type { Refinement } from "./stages/refine.ts";
import type { Segmentation } from "./stages/segment_stage.ts";
import type { FileFormat } from "./stages/stage.ts";

/** Options of {@linkcode createSilop}. */
export interface SilopOptions extends WorkPlanOptions {
  /** Where networks run. Default: `"auto"`: CUDA where it works, else the CPU. */
  device?: DeviceName;
  /**
   * Folders of models, each with a `manifest.json`; the first that has a model counts. Default: the
   * folder that the environment's `SILOP_MODELS` names, where that may be read, and the models that come
   * with this project.
   */
  models?: URL | readonly URL[];
  /**
   * Name of the CAM model, or path of an `.onnx` file with a description beside it. Default: the one that
   * the first folder names for this, or else its first.
   */
  camModel?: string;
  /** The same of the AffinityNet. Default: of the folders up to the CAM model's, if any has one. */
  affinityModel?: string;
  /** The same of the segmentation network. */
  segmentationModel?: string;
  /** Names of further models that single calls may ask for. Default: none. */
  allowModels?: readonly string[];
  /** Limits of the images accepted. Default: 20 MiB, 25 megapixels, 8192 px a side. */
  limits?: Partial<ImageLimits>;
  /**
   * Told when a worker crashes, when one cannot be replaced, and when ONNX Runtime's telemetry cannot be
   * turned off. Default: nobody is.
   */
  onFault?: WorkerPoolOptions["onFault"];
  /** Bytes of memory of the process above which workers are replaced. Default: none. */
  memoryLimit?: WorkerPoolOptions["memoryLimit"];
}

/** See {@linkcode createSilop}. */
export class Silop {
  /** How many workers and threads are at work. */
  readonly plan: WorkPlan;
  /** Settles when the models are loaded; rejects with the reason they cannot be. */
  readonly ready: Promise<WorkerReady>;
  /** What an image may cost. */
  readonly limits: ImageLimits;
  readonly #pool: StagePool;

  constructor(options: SilopOptions = {}) {
    const {
      device = "auto",
      models = modelFolders(),
      camModel,
      affinityModel,
      segmentationModel,
      allowModels,
      onFault,
      memoryLimit,
    } = options;
    const named = { camModel, affinityModel, segmentationModel };
    const { heavy = ModelLibrary.weigh(models, named) > HEAVY_BYTES } = options;
    this.plan = planWork({ ...options, heavy });
    this.limits = resolveImageLimits(options.limits);
    const names = { ...named, allowModels };
    this.#pool = new StagePool({ models, device, ...names }, this.plan, {
      onFault,
      memoryLimit,
    });
    this.ready = this.#pool.ready;
  }

  /** How many workers take jobs now, and whether images are taken at all. */
  get state(): PoolState {
    return this.#pool.state;
  }

  /** How many workers have been replaced, by reason. */
  get restarts(): Readonly<Record<RestartReason, number>> {
    return this.#pool.restarts;
  }

  /** Jobs waiting or running. */
  get load(): number {
    return this.#pool.load;
  }

  /**
   * Class activation maps of an image file.
   *
   * @param image Bytes of a JPEG, PNG, WebP, GIF or TIFF.
   * @throws {UnsupportedFormatError} Another format.
   * @throws {DecodeError} The bytes are damaged.
   * @throws {LimitError} The image is too large.
   * @throws {OptionError} An option cannot be served.
   */
  async cam(
    image: Uint8Array,
    options: StageOptions<"cam"> = {},
    run: RunOptions = {},
  ): Promise<Cam> {
    return (await this.#run("cam", image, options, [], true, run)).output!;
  }

  /** Segments an image file into classes; throws as {@linkcode Silop.cam} does. */
  async segment(
    image: Uint8Array,
    options: StageOptions<"segment"> = {},
    run: RunOptions = {},
  ): Promise<Segmentation> {
    return (await this.#run("segment", image, options, [], true, run)).output!;
  }

  /** Finds regions without classes and the lines between them; throws as {@linkcode Silop.cam} does. */
  async perimeter(
    image: Uint8Array,
    options: StageOptions<"perimeter"> = {},
    run: RunOptions = {},
  ): Promise<Perimeters> {
    return (await this.#run("perimeter", image, options, [], true, run)).output!;
  }

  /**
   * Refines the CAM of an image file by its perimeters and cuts a mask from it; throws as
   * {@linkcode Silop.cam} does.
   */
  async refine(
    image: Uint8Array,
    options: StageOptions<"refine"> = {},
    run: RunOptions = {},
  ): Promise<Refinement> {
    return (await this.#run("refine", image, options, [], true, run)).output!;
  }

  /**
   * Runs a stage and encodes its result as files, all in a worker; throws as
   * {@linkcode Silop.cam} does.
   */
  async render<S extends StageName>(
    stage: S,
    image: Uint8Array,
    options: StageOptions<S>,
    files: readonly FileFormat[] = [],
    run: RunOptions = {},
  ): Promise<StageResult<S>> {
    return await this.#run(stage, image, options, files, false, run);
  }

  /** Ends the workers; what is not finished is rejected. */
  close(): void {
    this.#pool.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #run<S extends StageName>(
    stage: S,
    image: Uint8Array,
    options: StageOptions<S>,
    files: readonly FileFormat[],
    output: boolean,
    run: RunOptions,
  ): Promise<StageResult<S>> {
    // What the header tells is refused here: that takes no worker, nor waiting for one.
    checkImageBytes(image.length, this.limits);
    checkImageLimits(readImageHeader(image), this.limits);
    return await this.#pool.run({ stage, image, options, files, output, limits: this.limits }, run);
  }
}

/**
 * Starts workers, loads the models into them and returns an object to send images to. Call
 * {@linkcode Silop.close} (or declare it with `using`) when done.
 *
 * @example
 * ```ts
 * using silop = createSilop();
 * const { mask } = await silop.segment(await Deno.readFile("photo.jpg"));
 * ```
 * @throws {RangeError} Workers or threads are no positive integers, or a limit is not above 0.
 */
export function createSilop(options: SilopOptions = {}): Silop {
  return new Silop(options);
}
