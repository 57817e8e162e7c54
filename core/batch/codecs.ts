/**
 * The files of a run as bytes. Files are told apart by their first bytes, so that any stage can be fed
 * with those of another origin; what is written follows the layout.
 */

import {
  decodeImage,
  decodeMaskPng,
  encodeMaskPng,
  encodeRgbPng,
  greyPalette,
} from "../image/mod.ts";
import { decodeNpy, decodeNpz, encodeNpy, encodeNpz, type NpyArray } from "../npz.ts";
import { decodePickledDict, encodePickledDict } from "../numpy_pickle.ts";
import { DecodeError } from "../errors.ts";
import type { Mask, Planes, Raster } from "../raster.ts";
import { paintLabels } from "../stages/perimeter.ts";
import { regionColors } from "../../kernels/region_colors.ts";
import type { Layout } from "./folders.ts";

/** Class activation maps as they are kept. */
export interface CamFile {
  /** `[0, c1, c2, …]`. */
  readonly keys: readonly number[];
  /** At stride 4. */
  readonly cam: Planes;
  /** At the image's size. */
  readonly hrCam: Planes;
}

/** Maps at the image's size with their keys. */
export interface KeyedPlanes {
  readonly keys: readonly number[];
  readonly planes: Planes;
}

/** A segmentation without classes: its labels, or, where JPEG has blurred them, its picture. */
export type UssFile = { readonly labels: Mask } | { readonly picture: Raster };

/** Masks of the classes, `K×H×W` bytes, 0 or 255. */
export interface MasksFile {
  readonly width: number;
  readonly height: number;
  readonly masks: Uint8Array;
}

export function encodeCam({ keys, cam, hrCam }: CamFile, layout: Layout): Uint8Array {
  return encodeArrays({ keys: keysOf(keys), cam: arrayOf(cam), hr_cam: arrayOf(hrCam) }, layout);
}

/** @throws {DecodeError} The bytes are no CAM file. */
export function decodeCam(bytes: Uint8Array): CamFile {
  const arrays = decodeArrays(bytes);
  const keys = keysIn(arrays);
  return {
    keys,
    cam: planesIn(arrays, "cam", keys.length - 1),
    hrCam: planesIn(arrays, "hr_cam", keys.length - 1),
  };
}

export function encodeWalk({ keys, planes }: KeyedPlanes, layout: Layout): Uint8Array {
  return encodeArrays({ keys: keysOf(keys), rw: arrayOf(planes) }, layout);
}

/** Full-size maps of a CAM's or a walk's file. @throws {DecodeError} The bytes are neither. */
export function decodeMaps(bytes: Uint8Array): KeyedPlanes {
  const arrays = decodeArrays(bytes);
  const keys = keysIn(arrays);
  return { keys, planes: planesIn(arrays, "rw" in arrays ? "rw" : "hr_cam", keys.length - 1) };
}

export function encodeUss(labels: Mask, layout: Layout): Uint8Array {
  const { data, width, height } = labels;
  return layout === "published"
    ? encodeRgbPng(paintLabels(data, width, height))
    : encodeMaskPng(labels);
}

/** @throws The codec's errors. */
export async function decodeUss(bytes: Uint8Array): Promise<UssFile> {
  const isPalette = bytes[0] === 0x89 && bytes[25] === 3;
  if (isPalette) return { labels: decodeMaskPng(bytes) };
  const picture = await decodeImage(bytes);
  const labels = labelsOfPicture(picture);
  return labels === null ? { picture } : { labels };
}

/** In grey, for the published scripts and for eyes. */
export function encodePerimeter(perimeter: Mask): Uint8Array {
  return encodeMaskPng(perimeter, greyPalette());
}

/** @throws The codec's errors. */
export async function decodePerimeter(bytes: Uint8Array): Promise<Mask> {
  if (bytes[0] === 0x89 && bytes[25] === 3) return decodeMaskPng(bytes);
  const { width, height, data } = await decodeImage(bytes);
  return {
    width,
    height,
    data: Uint8Array.from({ length: width * height }, (_, p) => data[3 * p]!),
  };
}

/** Masks; the published layout has a plane of background before them and numbers for bytes. */
export function encodeMasks(
  keys: readonly number[],
  { width, height, masks }: MasksFile,
  layout: Layout,
  background?: Uint8Array,
): Uint8Array {
  const classes = keys.length - 1;
  if (layout === "silop") {
    const array = { shape: [classes, height, width], data: masks };
    return encodeNpz({ keys: keysOf(keys), masks: array }, { compress: true });
  }
  const data = new Float64Array(keys.length * width * height);
  if (background !== undefined) data.set(background);
  data.set(masks, width * height);
  return encodeNpy({ shape: [keys.length, height, width], data });
}

/** @throws {DecodeError} The bytes are no masks of so many classes. */
export function decodeMasks(bytes: Uint8Array, classes: number): MasksFile {
  if (isNpy(bytes)) {
    const { shape: [planes = 0, height = 0, width = 0], data } = decodeNpy(bytes);
    if (planes !== classes + 1 || data instanceof BigInt64Array || data instanceof BigUint64Array) {
      throw new DecodeError(`Masks of ${classes + 1} planes were expected, there are ${planes}`);
    }
    return { width, height, masks: Uint8Array.from(data.subarray(width * height)) };
  }
  const { masks } = decodeNpz(bytes);
  const [planes, height, width] = masks?.shape ?? [];
  if (!(masks?.data instanceof Uint8Array) || planes !== classes || !height || !width) {
    throw new DecodeError(`Masks of ${classes} planes were expected`);
  }
  return { width, height, masks: masks.data };
}

type Arrays = Readonly<Record<string, NpyArray>>;

function encodeArrays(arrays: Arrays, layout: Layout): Uint8Array {
  // The published scripts take `cam` for a tensor, everything else for arrays.
  return layout === "published"
    ? encodePickledDict(arrays, { tensors: ["cam"] })
    : encodeNpz(arrays);
}

function decodeArrays(bytes: Uint8Array): Arrays {
  return isNpy(bytes) ? decodePickledDict(bytes) : decodeNpz(bytes);
}

function isNpy(bytes: Uint8Array): boolean {
  return bytes[0] === 0x93 && bytes[1] === 0x4e;
}

function keysOf(keys: readonly number[]): NpyArray {
  return { shape: [keys.length], data: BigInt64Array.from(keys, BigInt) };
}

function keysIn({ keys }: Arrays): number[] {
  if (keys === undefined || keys.shape.length !== 1 || keys.data.length === 0) {
    throw new DecodeError("Cannot read CAM: there are no keys");
  }
  return Array.from(keys.data as ArrayLike<number | bigint>, Number);
}

function arrayOf({ channels, height, width, data }: Planes): NpyArray {
  return { shape: [channels, height, width], data };
}

function planesIn(arrays: Arrays, name: string, classes: number): Planes {
  const array = arrays[name];
  const [channels = 0, height = 0, width = 0] = array?.shape ?? [];
  if (array === undefined || array.shape.length !== 3 || channels !== classes) {
    throw new DecodeError(`Cannot read CAM: ${name} does not hold ${classes} maps`);
  }
  if (array.data instanceof Float32Array) return { channels, height, width, data: array.data };
  if (array.data instanceof Float64Array) {
    return { channels, height, width, data: Float32Array.from(array.data) };
  }
  throw new DecodeError(`Cannot read CAM: ${name} does not hold floats`);
}

/** The labels that a picture was painted with; `null` when it has other colours. */
function labelsOfPicture({ width, height, data }: Raster): Mask | null {
  const table = regionColors();
  const labelOf = new Map<number, number>();
  for (let label = 255; label >= 0; label--) {
    const [blue, green, red] = table.subarray(3 * label, 3 * label + 3);
    labelOf.set((red! << 16) | (green! << 8) | blue!, label);
  }
  const labels = new Uint8Array(width * height);
  for (let p = 0; p < labels.length; p++) {
    const colour = (data[3 * p]! << 16) | (data[3 * p + 1]! << 8) | data[3 * p + 2]!;
    const label = labelOf.get(colour);
    if (label === undefined) return null;
    labels[p] = label;
  }
  return { width, height, data: labels };
}
