/**
 * Class activation maps: where in a photograph a classifier sees each class.
 *
 * Follows IRN's and Puzzle-CAM's inference: at several scales the image and its mirror go through the
 * classifier, the positive parts of both map stacks are added, every scale's maps are enlarged and
 * summed, and each class's map is divided by its own maximum.
 */

import { OptionError } from "../errors.ts";
import type { Planes, Raster } from "../raster.ts";
import type { CamModelInfo } from "../runtime/models.ts";
import { addMirroredPositive, normalizePlanes } from "../../kernels/cam_maps.ts";
import { interpolateBilinear } from "../../kernels/interpolate.ts";
import { normalizeImage } from "../../kernels/normalize.ts";
import { resizeImage } from "../../kernels/resize_image.ts";
import type { Checkpoint } from "./stage.ts";
import { checkWorkingSize, stridedSize, workingSize } from "./working_size.ts";

/** What a classifier answers for `N` images of one size. */
export interface ClassifierOutput {
  /** One map per image and class before ReLU: `N×C×h×w`. */
  readonly maps: Float32Array;
  readonly mapWidth: number;
  readonly mapHeight: number;
  /** One logit per image and class: `N×C`. */
  readonly logits: Float32Array;
}

/** A classifier whose last layer is a map per class. */
export interface CamClassifier {
  readonly info: CamModelInfo;
  /** @param images `N×3×height×width`, normalised as `info` says. */
  classify(images: Float32Array, width: number, height: number): Promise<ClassifierOutput>;
}

/** Options of {@linkcode computeCam}. */
export interface CamOptions {
  /**
   * Names of the classes known to be in the image. Default: the classes whose sigmoid score reaches
   * the model's threshold for them.
   */
  labels?: readonly string[];
  /** Scales at which the image is looked at. Default: the model's. */
  scales?: readonly number[];
  /** Look at the mirrored image as well. Default: `true`. */
  mirror?: boolean;
  /**
   * Images with a longer long side are reduced to this many pixels; all maps are of the reduced
   * size. Default: 512.
   */
  workingSize?: number;
}

/** Class activation maps of one image; `K` is the number of classes present, which may be 0. */
export interface Cam {
  /** Size of the image given. */
  readonly width: number;
  readonly height: number;
  /** `[0, c1, c2, …]`: background, then the classes present, 1-based, ascending. */
  readonly keys: readonly number[];
  /** `K×⌈H/4⌉×⌈W/4⌉` of the working size, values 0..1. */
  readonly cam: Planes;
  /** `K×H×W` at the working size, values 0..1. */
  readonly hrCam: Planes;
  /** Sigmoid score of every class the model knows, in its order. */
  readonly scores: Float32Array;
  /** The scales used. */
  readonly scales: readonly number[];
}

/** Pixels over all scales (mirrors not counted) that one request may ask the network to see. */
const MAX_NETWORK_PIXELS = 4_000_000;
/**
 * Pixels of one run of the network, which cannot be stopped once it has begun. Up to here an image and its
 * mirror image run together, which is quicker; beyond, one after the other.
 */
export const MAX_RUN_PIXELS = 1_000_000;
/** Pixels of the image at one scale: beyond this even a run of its own would last too long. */
const MAX_SCALED_PIXELS = 2_000_000;
/** The most scales one request may ask for. */
const MAX_SCALES = 8;
const CAM_STRIDE = 4;
const HR_STRIDE = 16;

/**
 * Computes the class activation maps of a photograph.
 *
 * With `labels` empty, or none predicted, the result has no maps (`K = 0`); that is not an error.
 *
 * @throws {OptionError} An unknown label, or scales or sizes outside what can be served.
 */
export async function computeCam(
  image: Raster,
  classifier: CamClassifier,
  options: CamOptions = {},
  checkpoint: Checkpoint = () => {},
): Promise<Cam> {
  const { info } = classifier;
  const { mirror = true, scales = info.scales } = options;
  const given = options.labels === undefined ? null : labelIndices(options.labels, info.classes);
  const work = workingSize(image.width, image.height, options.workingSize);
  const sizes = scaledSizes(work, scales);

  const stacks: MapStack[] = [];
  const logits = new Float64Array(info.classes.length);
  for (const { width, height } of sizes) {
    const pixels = resizeImage(image.data, image.width, image.height, 3, width, height);
    const seen = await lookAt(classifier, pixels, width, height, mirror, checkpoint);
    stacks.push(seen);
    for (let c = 0; c < logits.length; c++) logits[c]! += seen.logits[c]! / sizes.length;
  }

  const scores = Float32Array.from(logits, (logit) => 1 / (1 + Math.exp(-logit)));
  const present = given ?? predictedClasses(scores, info.scoreThresholds);
  return {
    width: image.width,
    height: image.height,
    keys: [0, ...present.map((index) => index + 1)],
    cam: sumMaps(stacks, present, {
      width: stridedSize(work.width, CAM_STRIDE),
      height: stridedSize(work.height, CAM_STRIDE),
    }, checkpoint),
    hrCam: sumMaps(stacks, present, work, checkpoint, {
      width: stridedSize(work.width, HR_STRIDE) * HR_STRIDE,
      height: stridedSize(work.height, HR_STRIDE) * HR_STRIDE,
    }),
    scores,
    scales,
  };
}

/** Pixels of an image or cells of a map. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Maps of all classes at one scale: `C×height×width`. */
interface MapStack extends Size {
  readonly maps: Float32Array;
}

/**
 * Runs the network on an image, and on its mirror image if wanted: maps of all classes with the positive
 * parts of both added, and the mean logits.
 */
async function lookAt(
  classifier: CamClassifier,
  pixels: Uint8Array,
  width: number,
  height: number,
  mirror: boolean,
  checkpoint: Checkpoint,
): Promise<MapStack & { readonly logits: Float32Array }> {
  const { mean, std, classes } = classifier.info;
  const size = 3 * width * height;
  const prepare = (mirrored: boolean, out: Float32Array) =>
    normalizeImage(pixels, width, height, mean, std, { mirror: mirrored, out });
  const run = async (input: Float32Array) => {
    const output = await classifier.classify(input, width, height);
    checkpoint();
    return output;
  };

  if (mirror && 2 * width * height <= MAX_RUN_PIXELS) {
    const both = new Float32Array(2 * size);
    prepare(false, both.subarray(0, size));
    prepare(true, both.subarray(size));
    const { maps, logits, mapWidth, mapHeight } = await run(both);
    const half = maps.length / 2;
    addMirroredPositive(maps.subarray(0, half), maps.subarray(half), mapWidth);
    return {
      maps: maps.subarray(0, half),
      width: mapWidth,
      height: mapHeight,
      logits: meanLogits(logits.subarray(0, classes.length), logits.subarray(classes.length)),
    };
  }

  const input = new Float32Array(size);
  const straight = await run(prepare(false, input));
  const mirrored = mirror ? await run(prepare(true, input)) : null;
  const { maps, logits, mapWidth, mapHeight } = straight;
  addMirroredPositive(maps, mirrored?.maps ?? null, mapWidth);
  return {
    maps,
    width: mapWidth,
    height: mapHeight,
    logits: mirrored === null ? logits : meanLogits(logits, mirrored.logits),
  };
}

function meanLogits(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((logit, i) => (logit + b[i]!) / 2);
}

/**
 * Refuses what {@linkcode computeCam} would refuse of any image: unknown labels, and scales or working
 * sizes out of range.
 *
 * @throws {OptionError}
 */
export function checkCamOptions(
  { labels = [], scales, workingSize: longSide }: CamOptions,
  info: CamModelInfo,
): void {
  labelIndices(labels, info.classes);
  checkScales(scales ?? info.scales);
  checkWorkingSize(longSide);
}

/**
 * Refuses scales that are too many or out of range.
 *
 * @throws {OptionError}
 */
export function checkScales(scales: readonly number[]): void {
  if (scales.length === 0 || scales.length > MAX_SCALES) {
    throw new OptionError(`scales must be 1 to ${MAX_SCALES} numbers, got ${scales.length}`);
  }
  for (const scale of scales) {
    if (!(scale >= 0.1 && scale <= 4)) {
      throw new OptionError(`A scale must lie in 0.1..4, got ${scale}`);
    }
  }
}

/**
 * Image sizes of all scales.
 *
 * @throws {OptionError} Together they are more than can be served.
 */
export function scaledSizes(work: Size, scales: readonly number[]): Size[] {
  checkScales(scales);
  let total = 0;
  const sizes = scales.map((scale) => {
    const size = { width: scaled(work.width, scale), height: scaled(work.height, scale) };
    const pixels = size.width * size.height;
    if (pixels > MAX_SCALED_PIXELS) {
      throw new OptionError(
        `scale ${scale} of a ${work.width}×${work.height} px image is ${pixels} px, the limit is ` +
          `${MAX_SCALED_PIXELS}; use a smaller scale or working size`,
      );
    }
    total += pixels;
    return size;
  });
  if (total > MAX_NETWORK_PIXELS) {
    throw new OptionError(
      `scales ${scales.join(", ")} of a ${work.width}×${work.height} px image are ${total} px, ` +
        `the limit is ${MAX_NETWORK_PIXELS}; use fewer or smaller scales or a smaller working size`,
    );
  }
  return sizes;
}

/** Half to even, as Python rounds. */
function scaled(size: number, scale: number): number {
  const exact = size * scale;
  const rounded = exact % 1 === 0.5 ? 2 * Math.round(exact / 2) : Math.round(exact);
  return Math.max(1, rounded);
}

/**
 * Indices of the named classes, ascending and without repetitions.
 *
 * @throws {OptionError} The model does not know a name.
 */
export function labelIndices(labels: readonly string[], classes: readonly string[]): number[] {
  const found = labels.map((label) => {
    const index = classes.indexOf(label);
    if (index < 0) {
      throw new OptionError(`Unknown label "${label}"; the model knows ${classes.join(", ")}`);
    }
    return index;
  });
  return [...new Set(found)].sort((a, b) => a - b);
}

/** 0-based classes whose score reaches their threshold, ascending. */
export function predictedClasses(scores: Float32Array, thresholds: readonly number[]): number[] {
  return thresholds.flatMap((threshold, index) => scores[index]! >= threshold ? [index] : []);
}

/**
 * The sum over scales of the chosen classes' maps, enlarged to `full` (default: `size`) and cropped to
 * `size`, each divided by its maximum.
 */
function sumMaps(
  stacks: readonly MapStack[],
  chosen: readonly number[],
  size: Size,
  checkpoint: Checkpoint,
  full: Size = size,
): Planes {
  const planeSize = size.width * size.height;
  const data = new Float32Array(chosen.length * planeSize);
  for (const { maps, width, height } of stacks) {
    const cells = width * height;
    chosen.forEach((index, k) => {
      interpolateBilinear(
        maps.subarray(index * cells, (index + 1) * cells),
        1,
        height,
        width,
        full.height,
        full.width,
        {
          cropHeight: size.height,
          cropWidth: size.width,
          out: data.subarray(k * planeSize, (k + 1) * planeSize),
          accumulate: true,
        },
      );
      checkpoint();
    });
  }
  return { ...size, channels: chosen.length, data: normalizePlanes(data, planeSize) };
}
