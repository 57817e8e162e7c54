/** The pool of worker threads that run stages. */

import type { StageName, StageRequest, StageResult } from "../stages/render.ts";
import type { ActualDevice, DeviceName } from "./device_names.ts";
import type { WorkPlan } from "./machine.ts";
import type { ModelNames } from "./model_library.ts";
import type {
  AffinityModelInfo,
  CamModelInfo,
  ModelInfo,
  ModelTask,
  SegmentationModelInfo,
} from "./models.ts";
import type { StageSetup } from "./worker_messages.ts";
import { type RunOptions, WorkerPool, type WorkerPoolOptions } from "./worker_pool.ts";

/** What every worker of a pool loads when it starts. */
export interface WorkerSetup extends ModelNames {
  /** The folders of models, each with its manifest; the first that has a model counts. */
  readonly models: URL | readonly URL[];
  /** Names of further models that single pieces of work may ask for. Default: none. */
  readonly allowModels?: readonly string[];
  readonly device: DeviceName;
}

/** What a worker says once it can work. */
export interface WorkerReady {
  readonly device: ActualDevice;
  /** Why `auto` did not take a GPU whose driver is there. */
  readonly fallback?: string;
  readonly camModel: CamModelInfo;
  /** Absent when there is none. */
  readonly affinityModel?: AffinityModelInfo;
  readonly segmentationModel?: SegmentationModelInfo;
  /** Models that single pieces of work may ask for besides these, by name. */
  readonly allowedModels: Readonly<Record<string, ModelInfo>>;
  /** Names of the models at work, by task. */
  readonly names: Readonly<Partial<Record<ModelTask, string>>>;
  /** Whether photos are segmented by the segmentation network unless a mode is named. */
  readonly segmentationFirst: boolean;
}

/** Workers that run stages. */
export class StagePool extends WorkerPool<StageSetup, StageRequest, WorkerReady, StageResult> {
  constructor(
    { models, allowModels = [], ...setup }: WorkerSetup,
    { workers, threads }: WorkPlan,
    options: WorkerPoolOptions = {},
  ) {
    const folders = models instanceof URL ? [models] : models;
    super(
      new URL("./stage_worker.ts", import.meta.url),
      { ...setup, models: folders.map(({ href }) => href), allowModels, threads },
      workers,
      options,
    );
  }

  /** As {@linkcode WorkerPool.run}; the result is of the stage asked for. */
  override async run<S extends StageName>(
    request: StageRequest<S>,
    options: RunOptions = {},
  ): Promise<StageResult<S>> {
    return await super.run(request as StageRequest, options) as StageResult<S>;
  }
}
