/**
 * Segmentation by a network that gives a map per class, background among them: no CAM, no training on the
 * photograph, one look.
 *
 * Follows Puzzle-CAM's inference with DeepLabv3+: at every scale the image, and its mirror image if wanted,
 * goes through the network; the logits are enlarged to the image and summed over scales and mirrors;
 * their softmax may be revised by a dense CRF.
 */

import { OptionError } from "../errors.ts";
import type { Mask, Raster } from "../raster.ts";
import type { SegmentationModelInfo } from "../runtime/models.ts";
import { argmaxAbove } from "../../kernels/cam_maps.ts";
import {
  argmaxPlanes,
  crfKernels,
  inferDenseCrf,
  unaryFromProbabilities,
} from "../../kernels/dense_crf.ts";
import { enlargeRegions } from "../../kernels/enlarge_regions.ts";
import { interpolateBilinear } from "../../kernels/interpolate.ts";
import { normalizeImage } from "../../kernels/normalize.ts";
import { removeSpecks } from "../../kernels/remove_specks.ts";
import { resizeImage } from "../../kernels/resize_image.ts";
import { addMirrored, largestProbabilities, softmaxPlanes } from "../../kernels/segment_logits.ts";
import { checkScales, labelIndices, MAX_RUN_PIXELS, scaledSizes, type Size } from "./cam.ts";
import type { MapNetwork } from "./map_network.ts";
import { checkSegmentOptions } from "./segment.ts";
import type { Checkpoint } from "./stage.ts";
import { checkWorkingSize, workingSize } from "./working_size.ts";

/** A network whose maps are the logits of its classes. */
export type SegmentationNetwork = MapNetwork<SegmentationModelInfo>;

/** Options of {@linkcode segmentImage}. */
export interface SegmentImageOptions {
  /** Names of the classes that may be in the image. Default: all the network knows. */
  labels?: readonly string[];
  /** Scales at which the image is looked at. Default: the model's. */
  scales?: readonly number[];
  /** Look at the mirrored image as well. Default: the model's. */
  mirror?: boolean;
  /** Let a dense CRF revise the mask. Default: the model's. */
  crf?: boolean;
  /** Images with a longer long side are reduced to this many pixels for the network. Default: 512. */
  workingSize?: number;
  /** Regions smaller than this share of the image take their surroundings' class. Default: 0. */
  minArea?: number;
}

/** One class per pixel, and how sure the network is of each. */
export interface SegmentedImage {
  /** At the image's full size; values are the network's classes, 0 being background. */
  readonly mask: Mask;
  /** Size at which the network saw the image at scale 1. */
  readonly workingWidth: number;
  readonly workingHeight: number;
  readonly scales: readonly number[];
  /**
   * Of every class but background the highest probability anywhere, before any CRF, looked for at every
   * fourth pixel in both directions; 0 of classes left out by `labels`.
   */
  readonly scores: Float32Array;
}

/** As published for DeepLabv3+, and 10 steps. */
const CRF = { gaussianSxy: 3, gaussianCompat: 3, bilateralSxy: 80, bilateralSrgb: 13 } as const;
const CRF_COMPAT = 10;
const CRF_STEPS = 10;
/** Distance of the pixels whose probabilities are looked at for scores. */
const SCORE_STRIDE = 4;

/**
 * Segments a photograph.
 *
 * @param checkpoint Told of every step done: `network`, `crf`, `mask`.
 * @throws {OptionError} An option cannot be served.
 */
export async function segmentImage(
  image: Raster,
  network: SegmentationNetwork,
  options: SegmentImageOptions = {},
  checkpoint: Checkpoint = () => {},
): Promise<SegmentedImage> {
  const { info } = network;
  checkSegmentImageOptions(options, info);
  const { scales = info.scales, mirror = info.mirror, crf = info.crf, minArea = 0 } = options;
  const work = workingSize(image.width, image.height, options.workingSize);
  const sizes = scaledSizes(work, scales);
  const channels = channelsOf(options.labels, info);

  let logits: Float32Array | null = null;
  for (const size of sizes) {
    const pixels = resizeImage(image.data, image.width, image.height, 3, size.width, size.height);
    const seen = await lookAt(network, pixels, size, mirror, channels, () => checkpoint("network"));
    if (sizes.length === 1 && size.width === work.width && size.height === work.height) {
      logits = seen;
      continue;
    }
    logits ??= new Float32Array(channels.length * work.width * work.height);
    const { length } = channels;
    interpolateBilinear(seen, length, size.height, size.width, work.height, work.width, {
      out: logits,
      accumulate: true,
    });
  }

  const scores = new Float32Array(info.classes.length - 1);
  largestProbabilities(logits!, channels.length, work.width, work.height, SCORE_STRIDE)
    .forEach((score, i) => {
      if (channels[i]! > 0) scores[channels[i]! - 1] = score;
    });
  checkpoint("network");
  const data = crf
    ? revise(logits!, channels, work, image, checkpoint)
    : enlarge(logits!, channels, work, image);
  removeSpecks(data, image.width, image.height, Math.round(minArea * data.length));
  checkpoint("mask");
  return {
    mask: { width: image.width, height: image.height, data },
    workingWidth: work.width,
    workingHeight: work.height,
    scales,
    scores,
  };
}

/**
 * Refuses options that {@linkcode segmentImage} cannot serve, whatever the image.
 *
 * @throws {OptionError}
 */
export function checkSegmentImageOptions(
  { labels = [], scales, workingSize: longSide, minArea }: SegmentImageOptions,
  info: SegmentationModelInfo,
): void {
  labelIndices(labels, info.classes.slice(1));
  checkScales(scales ?? info.scales);
  checkWorkingSize(longSide);
  checkSegmentOptions({ minArea });
}

/** The network's channels that may win: background, and the classes allowed. */
function channelsOf(labels: readonly string[] | undefined, info: SegmentationModelInfo): number[] {
  const names = info.classes.slice(1);
  return [0, ...labelIndices(labels ?? names, names).map((index) => index + 1)];
}

/** Logits of some channels at the size of the image, of which those of the mirror image are added. */
async function lookAt(
  network: SegmentationNetwork,
  pixels: Uint8Array,
  { width, height }: Size,
  mirror: boolean,
  channels: readonly number[],
  checkpoint: Checkpoint,
): Promise<Float32Array> {
  const { mean, std } = network.info;
  const size = 3 * width * height;
  const prepare = (mirrored: boolean, out: Float32Array) =>
    normalizeImage(pixels, width, height, mean, std, { mirror: mirrored, out });
  const input = new Float32Array(mirror ? 2 * size : size);
  prepare(false, input.subarray(0, size));
  if (mirror) prepare(true, input.subarray(size));
  const run = async (images: Float32Array) => {
    const output = await network.run(images, width, height);
    checkpoint();
    return output;
  };

  let seen;
  let mirrored: Float32Array | null = null;
  if (mirror && 2 * width * height > MAX_RUN_PIXELS) {
    seen = await run(input.subarray(0, size));
    mirrored = (await run(input.subarray(size))).maps;
  } else {
    seen = await run(input);
    if (mirror) mirrored = seen.maps.subarray(seen.maps.length / 2);
  }
  const cells = seen.width * seen.height;
  const chosen = pick(seen.maps, channels, cells);
  if (mirrored !== null) addMirrored(chosen, pick(mirrored, channels, cells), seen.width);
  if (seen.width === width && seen.height === height) return chosen;
  // A network that leaves its last enlargement to others does all its resizing this way.
  return interpolateBilinear(chosen, channels.length, seen.height, seen.width, height, width, {
    alignCorners: true,
  });
}

/** Planes of some channels: the beginning of the array itself where they are its first ones. */
function pick(maps: Float32Array, channels: readonly number[], cells: number): Float32Array {
  const count = channels.length * cells;
  if (channels.at(-1) === channels.length - 1) return maps.subarray(0, count);
  const chosen = new Float32Array(count);
  channels.forEach((channel, i) => {
    chosen.set(maps.subarray(channel * cells, (channel + 1) * cells), i * cells);
  });
  return chosen;
}

/** The likeliest channel of every pixel of the full image. */
function enlarge(
  logits: Float32Array,
  channels: readonly number[],
  work: Size,
  { width, height }: Size,
): Uint8Array {
  const labels = Uint8Array.from(channels);
  return argmaxAbove(logits, labels, work.width, work.height, width, height, -Infinity);
}

/** The likeliest channel after the CRF, brought to the full image along its own edges. */
function revise(
  logits: Float32Array,
  channels: readonly number[],
  work: Size,
  image: Raster,
  checkpoint: Checkpoint,
): Uint8Array {
  const { width, height } = work;
  const reduced = width === image.width && height === image.height ? image : {
    ...work,
    data: resizeImage(image.data, image.width, image.height, 3, width, height),
  };
  const kernels = crfKernels(reduced.data, width, height, { ...CRF, bilateralCompat: CRF_COMPAT });
  checkpoint();
  const unary = unaryFromProbabilities(softmaxPlanes(logits, channels.length));
  const revised = inferDenseCrf(unary, channels.length, kernels, { steps: CRF_STEPS });
  const best = argmaxPlanes(revised, channels.length).map((index) => channels[index]!);
  checkpoint("crf");
  if (reduced === image) return best;
  return Uint8Array.from(enlargeRegions(Int32Array.from(best), reduced, image));
}

/** Whether a mode that wants a segmentation network can be served. @throws {OptionError} It cannot. */
export function requireSegmenter(network: SegmentationNetwork | undefined): SegmentationNetwork {
  if (network === undefined) {
    throw new OptionError("mode fast needs a segmentation model, and there is none here");
  }
  return network;
}
