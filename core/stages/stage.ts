/** What a stage is: from pixels to a result, and from the result to a summary and files. */

import { OptionError } from "../errors.ts";
import type { Raster } from "../raster.ts";
import type { CamClassifier } from "./cam.ts";
import type { EdgeNetwork } from "./affinity.ts";
import type { FileFormat, FileOptions } from "./file_formats.ts";
import type { SegmentationNetwork } from "./segmentation.ts";
import type { UssSegmenter } from "./uss.ts";

export { FILE_FORMATS, type FileFormat } from "./file_formats.ts";

/**
 * Called between heavy steps; throws when the work is no longer wanted. A step that is to be timed by itself
 * is named when it is done.
 */
export type Checkpoint = (step?: string) => void;

/** The networks at a stage's disposal. */
export interface StageModels {
  readonly classifier: CamClassifier;
  readonly uss: Pick<UssSegmenter, "segment">;
  /** AffinityNet, whose edges a random walk respects. Default: there is none. */
  readonly edges?: EdgeNetwork;
  /** Segments without a CAM. Default: there is none. */
  readonly segmenter?: SegmentationNetwork;
  /** Whether `segmenter` segments unless a mode is named. Default: `false`. */
  readonly segmenterFirst?: boolean;
  /**
   * The models for one piece of work, of which it may name some. Default: it may not.
   *
   * @throws {OptionError} A model named may not be chosen.
   */
  select?(names: ModelChoice): StageModels;
}

/** Models that one piece of work asks for. */
export interface ModelChoice {
  /** Name of the CAM model. Default: the one the workers were started with, as for the others. */
  camModel?: string;
  affinityModel?: string;
  segmentationModel?: string;
}

/** What there is to write a result with. */
export interface Writing<Options = FileOptions> {
  readonly image: Raster;
  readonly options: Options & FileOptions;
  readonly models: StageModels;
  readonly checkpoint: Checkpoint;
}

/** One stage of the chain. */
export interface Stage<Options, Result, Summary> {
  /**
   * Refuses whatever can be refused without knowing the image; called before that is decoded.
   *
   * @throws {OptionError} An option cannot be served.
   */
  check(options: Options, models: StageModels): void;
  /**
   * @param files What the result will be written as; what is for other files only may be missing from it.
   *   Default: nothing.
   * @throws {OptionError} An option cannot be served, some of them with this image only.
   */
  compute(
    image: Raster,
    options: Options,
    models: StageModels,
    checkpoint: Checkpoint,
    files?: readonly FileFormat[],
  ): Promise<Result>;
  /** The result in a few lines of JSON. */
  summarize(result: Result, models: StageModels): Summary;
  /**
   * The result as a file.
   *
   * @throws {OptionError} The result cannot be written as that.
   */
  encode(format: FileFormat, result: Result, writing: Writing<Options>): Uint8Array;
}

/**
 * Refuses a format that a result has nothing for.
 *
 * @param what The result in a few words.
 * @throws {OptionError}
 */
export function refuseFormat(format: FileFormat, what: string): never {
  throw new OptionError(`The format ${format} cannot be made of ${what}`);
}
