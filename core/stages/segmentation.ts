/**
 * Segmentation by a network that gives a map per class, background among them: no CAM, no training on the
 * photograph, one look.
 *
 * Follows Puzzle-CAM's inference with DeepLabv3+: at every scale the image, and its mirror image if wanted,
 * goes through the network; the logits are enlarged to the image and summed over scales and mirrors;
 * their softmax may be revised by a dense CRF. Networks may answer at a stride, as light ones do; cells
 * are then enlarged with half-pixel centres.
 */

import { ModelError, OptionError } from "../errors.ts";
import type { Mask, Planes, Raster } from "../raster.ts";
import type { SegmentationModelInfo } from "../runtime/models.ts";
import {
  argmaxPlanes,
  crfKernels,
  inferDenseCrf,
  unaryFromProbabilities,
} from "../../kernels/dense_crf.ts";
import { enlargeRegions } from "../../kernels/enlarge_regions.ts";
import { normalizeImage } from "../../kernels/normalize.ts";
import { removeSpecks } from "../../kernels/remove_specks.ts";
import { resizeImage } from "../../kernels/resize_image.ts";
import { addMirrored, largestProbabilities, softmaxPlanes } from "../../kernels/segment_logits.ts";
import { checkScales, labelIndices, MAX_RUN_PIXELS, scaledSizes, type Size } from "./cam.ts";
import {
  atFullSize,
  likeliest,
  type Logits,
  pickPlanes,
  probabilitiesOf,
  sumLogits,
} from "./class_logits.ts";
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
  /** Let a dense CRF revise the mask; the stage takes at most 331 776 px at the working size. Default: the model's. */
  crf?: boolean;
  /** Images with a longer long side are reduced to this many pixels for the network. Default: 512. */
  workingSize?: number;
  /** Regions smaller than this share of the image take their surroundings' class. Default: 0. */
  minArea?: number;
  /** Keep the probabilities of the classes in the mask, which takes time and memory. Default: `false`. */
  probabilities?: boolean;
}

/** One class per pixel, and how sure the network is of each. */
export interface SegmentedImage {
  /** At the image's full size; values are the network's classes, 0 being background. */
  readonly mask: Mask;
  /** `[0, c1, c2, …]`: background, then the mask's other classes, ascending. */
  readonly keys: readonly number[];
  /** Size at which the network saw the image at scale 1. */
  readonly workingWidth: number;
  readonly workingHeight: number;
  readonly scales: readonly number[];
  /**
   * Of every class but background the highest probability anywhere, before any CRF, looked for at every
   * fourth pixel in both directions; 0 of classes left out by `labels`.
   */
  readonly scores: Float32Array;
  /**
   * `K×H×W` at the working size: how probable each of `keys` is among all classes that may be in the
   * image, after the CRF if there was one and before specks were removed. Absent unless asked for.
   */
  readonly probabilities?: Planes;
}

/** As published for DeepLabv3+, and 10 steps. */
const CRF = { gaussianSxy: 3, gaussianCompat: 3, bilateralSxy: 80, bilateralSrgb: 13 } as const;
const CRF_COMPAT = 10;
const CRF_STEPS = 10;
/**
 * Classes that are nowhere this likely are left out of the CRF, whose time grows with their number: its
 * kernels, of weights 3 and 10, cannot raise them above others any more.
 */
const HOPELESS = 1e-3;
/** Distance of the pixels whose probabilities are looked at for scores. */
const SCORE_STRIDE = 4;
/** At which networks may answer. */
const STRIDES = [1, 2, 4, 8, 16] as const;

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

  const seen: Logits[] = [];
  for (const size of sizes) {
    const pixels = resizeImage(image.data, image.width, image.height, 3, size.width, size.height);
    seen.push(await lookAt(network, pixels, size, mirror, channels, () => checkpoint("network")));
  }
  // A single look at the working size need not be enlarged twice.
  const alone = seen.length === 1 && !crf && seen[0]!.image.width === work.width;
  const logits = alone ? seen[0]! : sumLogits(seen, channels.length, work);

  const scores = new Float32Array(info.classes.length - 1);
  const step = Math.max(1, SCORE_STRIDE / logits.stride);
  largestProbabilities(logits.data, channels.length, logits.width, logits.height, step)
    .forEach((score, i) => {
      if (channels[i]! > 0) scores[channels[i]! - 1] = score;
    });
  checkpoint("network");
  const keep = options.probabilities ?? false;
  const { data, soft } = crf
    ? revise(logits.data, channels, work, image, keep, checkpoint)
    : { data: likeliest(logits, channels, image), soft: undefined };
  removeSpecks(data, image.width, image.height, Math.round(minArea * data.length));
  const keys = keysOf(data);
  const probabilities = !keep
    ? undefined
    : soft?.(keys) ?? probabilitiesOf(keys, logits, channels, work, () => checkpoint());
  checkpoint("mask");
  return {
    mask: { width: image.width, height: image.height, data },
    keys,
    workingWidth: work.width,
    workingHeight: work.height,
    scales,
    scores,
    ...(probabilities &&
      { probabilities: { ...work, channels: keys.length, data: probabilities } }),
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

/** Runs the network on an image, and on its mirror image if wanted, whose logits are added. */
async function lookAt(
  network: SegmentationNetwork,
  pixels: Uint8Array,
  image: Size,
  mirror: boolean,
  channels: readonly number[],
  checkpoint: Checkpoint,
): Promise<Logits> {
  const { width, height } = image;
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

  const apart = mirror && 2 * width * height > MAX_RUN_PIXELS;
  const seen = await run(apart ? input.subarray(0, size) : input);
  const half = seen.maps.length / 2;
  const mirrored = apart
    ? (await run(input.subarray(size))).maps
    : mirror
    ? seen.maps.subarray(half)
    : null;
  const cells = seen.width * seen.height;
  const stride = strideOf(seen, image, network.info);
  const logitsOf = (maps: Float32Array): Logits => {
    const data = pickPlanes(maps, channels, cells);
    return { data, width: seen.width, height: seen.height, stride, image };
  };
  const straight = logitsOf(seen.maps);
  if (mirrored === null) return straight;
  // Both looks have the same cells only where the last of a row is a whole one.
  const whole = width % stride === 0;
  const fit = (look: Logits) => whole ? look : atFullSize(look, channels.length);
  const sum = fit(straight);
  addMirrored(sum.data, fit(logitsOf(mirrored)).data, sum.width);
  return sum;
}

/** Pixels per cell of a network's answer. @throws {ModelError} It does not cover the image. */
function strideOf(map: Size, image: Size, { file }: SegmentationModelInfo): number {
  const stride = STRIDES.find((pixels) =>
    Math.ceil(image.width / pixels) === map.width && Math.ceil(image.height / pixels) === map.height
  );
  if (stride !== undefined) return stride;
  throw new ModelError(
    `${file} answers ${map.width}×${map.height} cells for ${image.width}×${image.height} px`,
  );
}

/** What the CRF makes of logits. */
interface Revised {
  /** The likeliest channel of every pixel, brought to the full image along its own edges. */
  readonly data: Uint8Array;
  /** The distributions that it was taken from, of some classes: `K×H×W`. Absent unless kept. */
  readonly soft?: (keys: readonly number[]) => Float32Array;
}

/** @param keep Whether the distributions will be wanted. */
function revise(
  logits: Float32Array,
  channels: readonly number[],
  work: Size,
  image: Raster,
  keep: boolean,
  checkpoint: Checkpoint,
): Revised {
  const { width, height } = work;
  const reduced = width === image.width && height === image.height ? image : {
    ...work,
    data: resizeImage(image.data, image.width, image.height, 3, width, height),
  };
  const step = () => checkpoint();
  const kernels = crfKernels(reduced.data, width, height, {
    ...CRF,
    bilateralCompat: CRF_COMPAT,
    checkpoint: step,
  });
  const probabilities = softmaxPlanes(logits, channels.length);
  const pixels = width * height;
  const hopeful = channels.filter((_, i) =>
    probabilities.subarray(i * pixels, (i + 1) * pixels).some((value) => value >= HOPELESS)
  );
  const places = hopeful.map((channel) => channels.indexOf(channel));
  const unary = unaryFromProbabilities(pickPlanes(probabilities, places, pixels));
  const revised = inferDenseCrf(unary, hopeful.length, kernels, {
    steps: CRF_STEPS,
    checkpoint: step,
  });
  const best = argmaxPlanes(revised, hopeful.length).map((index) => hopeful[index]!);
  checkpoint("crf");
  const data = reduced === image
    ? best
    : Uint8Array.from(enlargeRegions(Int32Array.from(best), reduced, image, step));
  if (!keep) return { data };
  const soft = (keys: readonly number[]) => {
    // Background is always a key, even where it was hopeless.
    const planes = new Float32Array(keys.length * pixels);
    keys.forEach((key, k) => {
      const place = hopeful.indexOf(key);
      if (place < 0) return;
      planes.set(revised.subarray(place * pixels, (place + 1) * pixels), k * pixels);
    });
    return planes;
  };
  return { data, soft };
}

/** Background, then the classes that a mask has. */
function keysOf(mask: Uint8Array): number[] {
  const seen = new Uint8Array(256);
  for (let p = 0; p < mask.length; p++) seen[mask[p]!] = 1;
  seen[0] = 1;
  return Array.from(seen.keys()).filter((value) => seen[value] === 1);
}

/** Whether a mode that wants a segmentation network can be served. @throws {OptionError} It cannot. */
export function requireSegmenter(network: SegmentationNetwork | undefined): SegmentationNetwork {
  if (network === undefined) {
    throw new OptionError("mode fast needs a segmentation model, and there is none here");
  }
  return network;
}
