/**
 * Stages as users call them: the bytes of an image in; the result, a summary and files out.
 *
 * This is what runs inside a worker, so that decoding, inference and encoding all stay away from
 * the thread that answers requests.
 */

import { OptionError } from "../errors.ts";
import { decodeImage, type ImageLimits } from "../image/mod.ts";
import { camStage } from "./cam_stage.ts";
import { perimeterStage } from "./perimeter_stage.ts";
import { refineStage } from "./refine_stage.ts";
import { segmentStage } from "./segment_stage.ts";
import { canWrite } from "./file_formats.ts";
import {
  type Checkpoint,
  type FileFormat,
  type ModelChoice,
  refuseFormat,
  type Stage,
  type StageModels,
} from "./stage.ts";

/** The stages that take an image, by name. */
export const STAGES = {
  cam: camStage,
  segment: segmentStage,
  perimeter: perimeterStage,
  refine: refineStage,
} as const;
export type StageName = keyof typeof STAGES;

type StageParts<S extends StageName> = typeof STAGES[S] extends Stage<infer O, infer R, infer M>
  ? { options: O; output: R; summary: M }
  : never;
/** What a stage can be told, the models to take among it. */
export type StageOptions<S extends StageName> = StageParts<S>["options"] & ModelChoice;
export type StageOutput<S extends StageName> = StageParts<S>["output"];
export type StageSummary<S extends StageName> = StageParts<S>["summary"];

/** A piece of work for a worker. */
export interface StageRequest<S extends StageName = StageName> {
  readonly stage: S;
  /** The bytes of an image file. */
  readonly image: Uint8Array;
  readonly options: StageOptions<S>;
  /** Files to make of the result. */
  readonly files: readonly FileFormat[];
  /** Whether the result itself is wanted, with all its arrays. */
  readonly output: boolean;
  readonly limits: Partial<ImageLimits>;
}

/** Milliseconds spent in each part of the work, and in the steps of `compute` that are timed by themselves. */
export type Timings = Readonly<Record<"decode" | "compute" | "encode", number>> & {
  readonly [step: string]: number;
};

/** A worker's answer. */
export interface StageResult<S extends StageName = StageName> {
  readonly summary: StageSummary<S>;
  readonly files: Readonly<Partial<Record<FileFormat, Uint8Array>>>;
  /** Only when asked for. */
  readonly output?: StageOutput<S>;
  readonly timings: Timings;
}

/** The models that the options ask for. */
function selectModels(available: StageModels, names: ModelChoice): StageModels {
  const { camModel, affinityModel, segmentationModel } = names;
  const named = camModel ?? affinityModel ?? segmentationModel;
  if (named === undefined) return available;
  if (available.select === undefined) {
    throw new OptionError(`Model "${named}" may not be chosen: models are given here`);
  }
  return available.select({ camModel, affinityModel, segmentationModel });
}

/**
 * Runs a stage on the bytes of an image.
 *
 * @throws The codec's errors; `OptionError` for options that cannot be served.
 */
export async function renderStage<S extends StageName>(
  { stage: name, image: bytes, options, files: formats, output, limits }: StageRequest<S>,
  available: StageModels,
  checkpoint: Checkpoint = () => {},
): Promise<StageResult<S>> {
  const models = selectModels(available, options);
  // The table's entry for S and the parts of S agree by construction; TypeScript cannot see that.
  const stage = STAGES[name] as unknown as Stage<
    StageOptions<S>,
    StageOutput<S>,
    StageSummary<S>
  >;
  stage.check(options, models);
  for (const format of formats) {
    if (!canWrite(name, format)) refuseFormat(format, `the stage ${name}`);
  }
  const start = performance.now();
  const image = await decodeImage(bytes, { limits });
  checkpoint();
  const decoded = performance.now();
  const steps: Record<string, number> = {};
  let last = decoded;
  const result = await stage.compute(image, options, models, (step) => {
    const now = performance.now();
    if (step !== undefined) {
      steps[step] = (steps[step] ?? 0) + now - last;
      last = now;
    }
    checkpoint(step);
  }, formats);
  const computed = performance.now();
  const files: Partial<Record<FileFormat, Uint8Array>> = {};
  for (const format of formats) {
    checkpoint();
    files[format] = stage.encode(format, result, { image, options, models, checkpoint });
  }
  return {
    summary: stage.summarize(result, models),
    files,
    ...(output ? { output: result } : {}),
    timings: {
      decode: decoded - start,
      compute: computed - decoded,
      ...steps,
      encode: performance.now() - computed,
    },
  };
}
