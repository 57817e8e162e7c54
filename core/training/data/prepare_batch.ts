/** From files to a batch: what a loader's workers do. */

import { readFile } from "node:fs/promises";
import { resizeImage } from "../../../kernels/resize_image.ts";
import { decodeImage, decodeMaskPng } from "../../image/mod.ts";
import type { Mask, Raster } from "../../raster.ts";
import { randomOf } from "../random.ts";
import {
  augmentImage,
  augmentMask,
  type AugmentOptions,
  drawAugmentation,
  IGNORED,
  resizedTo,
} from "./augment.ts";

/** What all batches of a loader have in common. */
export interface BatchSetup {
  readonly augment: AugmentOptions;
  /** Side above which decoded images are reduced, cached or not. */
  readonly maxSide?: number;
  /** Masks hold numbers below this, or 255. */
  readonly maskClasses?: number;
  readonly seed: number;
}

/** A decoded photograph and its mask, in memory that threads share. */
export interface DecodedSample {
  readonly width: number;
  readonly height: number;
  /** `H×W×3` */
  readonly image: SharedArrayBuffer;
  /** `H×W` */
  readonly mask?: SharedArrayBuffer;
}

/** The files of one sample, or what was read from them before. */
export interface SampleRequest {
  readonly image: string;
  readonly mask?: string;
  readonly decoded?: DecodedSample;
}

/** A batch to be made. */
export interface BatchRequest {
  readonly epoch: number;
  /** Of the first sample, within the epoch. */
  readonly index: number;
  readonly samples: readonly SampleRequest[];
  /** Whether what is decoded now shall be sent along to be kept. */
  readonly keep: boolean;
}

/** A batch made. */
export interface PreparedBatch {
  /** `N×3×S×S` */
  readonly images: Float32Array;
  /** `N×M×M` */
  readonly masks?: Uint8Array;
  /** What was decoded for this, by place in the batch; empty unless it is to be kept. */
  readonly decoded: readonly (readonly [place: number, sample: DecodedSample])[];
}

/** Keeps the randomness of samples apart from that of orders. */
const SAMPLE = 0x7361;

/**
 * Makes a batch. What is done to a sample depends on the seed, the epoch and its index in the epoch
 * alone.
 *
 * @throws {Error} A file cannot be read or decoded; the text names the file.
 * @throws {RangeError} A mask is not of its image's size, or holds a class that there is not; so does this.
 */
export async function prepareBatch(
  { epoch, index, samples, keep }: BatchRequest,
  { augment, maxSide, maskClasses, seed }: BatchSetup,
): Promise<PreparedBatch> {
  const { size } = augment;
  const values = 3 * size * size;
  const images = new Float32Array(samples.length * values);
  const masks: Uint8Array[] = [];
  const decoded: [number, DecodedSample][] = [];
  for (const [i, sample] of samples.entries()) {
    let pixels = sample.decoded;
    if (pixels === undefined) {
      pixels = await decodeSample(sample, maxSide, maskClasses);
      if (keep) decoded.push([i, pixels]);
    }
    const { width, height, image, mask } = pixels;
    const random = randomOf(seed, SAMPLE, epoch, index + i);
    const choices = drawAugmentation(random, width, height, augment);
    const raster = { width, height, data: new Uint8Array(image) };
    augmentImage(raster, choices, augment, images.subarray(i * values, (i + 1) * values));
    if (mask !== undefined) {
      masks.push(augmentMask({ width, height, data: new Uint8Array(mask) }, choices, augment));
    }
  }
  return masks.length === 0 ? { images, decoded } : { images, masks: join(masks), decoded };
}

async function decodeSample(
  sample: SampleRequest,
  maxSide?: number,
  maskClasses = IGNORED,
): Promise<DecodedSample> {
  const image = await read(sample.image, decodeImage);
  const mask = sample.mask === undefined ? undefined : await read(sample.mask, decodeMaskPng);
  if (mask !== undefined && (mask.width !== image.width || mask.height !== image.height)) {
    throw new RangeError(
      `${sample.mask} is ${mask.width}×${mask.height} px, its image ` +
        `${image.width}×${image.height} px`,
    );
  }
  const strange = mask?.data.find((label) => label >= maskClasses && label !== IGNORED);
  if (strange !== undefined) {
    throw new RangeError(
      `${sample.mask} holds the class ${strange}: neither below ${maskClasses} nor ${IGNORED}, ` +
        "which stands for ignored pixels",
    );
  }
  const { width, height } = maxSide === undefined || Math.max(image.width, image.height) <= maxSide
    ? image
    : resizedTo(image.width, image.height, maxSide);
  return {
    width,
    height,
    image: share(resizeImage(image.data, image.width, image.height, 3, width, height)),
    ...(mask === undefined ? {} : {
      mask: share(resizeImage(mask.data, mask.width, mask.height, 1, width, height, {
        filter: "nearest",
      })),
    }),
  };
}

async function read<T extends Raster | Mask>(
  path: string,
  decode: (bytes: Uint8Array) => T | Promise<T>,
): Promise<T> {
  try {
    return await decode(await readFile(path));
  } catch (error) {
    throw new Error(`Cannot train on ${path}: ${(error as Error).message}`, { cause: error });
  }
}

function share(bytes: Uint8Array): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  return buffer;
}

function join(masks: readonly Uint8Array[]): Uint8Array {
  const each = masks[0]!.length;
  const all = new Uint8Array(masks.length * each);
  masks.forEach((mask, i) => all.set(mask, i * each));
  return all;
}
