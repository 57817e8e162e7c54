/** A small CAM network with seeded weights, so that the way from a photo to an answer can be tested. */

import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { GraphBuilder } from "../../core/onnx/graph_builder.ts";
import {
  DEFAULT_CAM_MODEL,
  type Manifest,
  type ModelInfo,
  type Rgb,
} from "../../core/runtime/models.ts";
import { VOC_CLASSES } from "../../core/voc/classes.ts";

/** Options of {@linkcode buildTinyModel}. */
export interface TinyModelOptions {
  /** Convolutions at full resolution that only cost time. Default: 0. */
  slowness?: number;
  /** Seed of the weights. Default: 1. */
  seed?: number;
  /** Colours of the classes in the manifest. Default: none. */
  colors?: Rgb[];
}

/** Options of {@linkcode makeModelFolder}. */
export interface ModelFolderOptions extends TinyModelOptions {
  /** Further models of the folder. Default: none. */
  models?: Readonly<Record<string, ModelFile>>;
}

/** A model and its file's content. */
export interface ModelFile {
  readonly bytes: Uint8Array;
  readonly info: ModelInfo;
}

/** A folder as `models/` is: a manifest and one model. Disposing removes it. */
export interface ModelFolder extends AsyncDisposable {
  readonly url: URL;
  readonly path: string;
}

const CLASSES = VOC_CLASSES.length;
const FEATURES = 8;
const SLOW_CHANNELS = 16;
/** Classes the network finds in every photo. */
export const TINY_MODEL_SEES: readonly string[] = ["cat", "person"];

/**
 * Bytes of an ONNX file: input `image` `N×3×H×W`, outputs `maps` `N×20×⌈H/16⌉×⌈W/16⌉` and their means
 * `logits` `N×20`.
 */
export function buildTinyModel({ slowness = 0, seed = 1 }: TinyModelOptions = {}): Uint8Array {
  const random = mulberry32(seed);
  const weights = (count: number, scale: number) =>
    Float32Array.from({ length: count }, () => (2 * random() - 1) * scale);
  const g = new GraphBuilder();
  const image = g.input("image", "float32", ["N", 3, "H", "W"]);
  const shape = [FEATURES, 3, 3, 3];
  const stem = g.initializer("stem", weights(FEATURES * 27, 0.3), shape);
  // 3×3 windows every 16 pixels with a rim of 1 give ⌈n/16⌉ of them.
  let features = g.relu(g.conv(image, stem, { strides: 16, pads: 1 }));
  if (slowness > 0) features = g.add(features, slow(g, image, slowness, weights));
  const head = g.initializer("head", weights(CLASSES * FEATURES, 1), [CLASSES, FEATURES, 1, 1]);
  const lean = VOC_CLASSES.map((name) => TINY_MODEL_SEES.includes(name) ? 2 : -4);
  const bias = g.initializer("bias", Float32Array.from(lean), [CLASSES]);
  const maps = g.conv(features, head, { bias });
  g.output("maps", maps);
  g.output("logits", g.reduceMean(maps, [2, 3], { keep: false }));
  return g.build();
}

/** A term of (almost) zero that takes `layers` convolutions at full resolution to compute. */
function slow(
  g: GraphBuilder,
  image: ReturnType<GraphBuilder["input"]>,
  layers: number,
  weights: (count: number, scale: number) => Float32Array,
) {
  let x = image;
  for (let layer = 0; layer < layers; layer++) {
    const channels = layer === 0 ? 3 : SLOW_CHANNELS;
    const data = weights(SLOW_CHANNELS * channels * 9, 0.1);
    const kernel = g.initializer(`slow${layer}`, data, [SLOW_CHANNELS, channels, 3, 3]);
    x = g.relu(g.conv(x, kernel, { pads: 1 }));
  }
  const mean = g.reduceMean(x, [1, 2, 3]);
  return g.mul(mean, 1e-6);
}

/** The tiny model, with what a manifest says of it. */
export function tinyCamModel(file = "tiny.onnx", options: TinyModelOptions = {}): ModelFile {
  const bytes = buildTinyModel(options);
  const info: ModelInfo = {
    task: "cam",
    ...describe(file, bytes),
    classes: [...VOC_CLASSES],
    ...(options.colors && { colors: options.colors }),
    outputStride: 16,
    scales: [1],
    threshold: 0.3,
    scoreThresholds: VOC_CLASSES.map(() => 0.5),
  };
  return { bytes, info };
}

/**
 * A segmentation network of one layer: red cells are `classes[1]`, green ones `classes[2]`, dark ones
 * background. Logits come at `stride`, 1 or 4.
 */
export function tinySegmentationModel(
  { file = "segmentation.onnx", stride = 4, classes = ["background", ...VOC_CLASSES], colors }: {
    file?: string;
    stride?: number;
    classes?: string[];
    colors?: Rgb[];
  } = {},
): ModelFile {
  const g = new GraphBuilder();
  const image = g.input("image", "float32", ["N", 3, "H", "W"]);
  const weights = new Float32Array(classes.length * 3);
  weights.set([1, -1, 0], 3);
  weights.set([-1, 1, 0], 6);
  const bias = new Float32Array(classes.length).fill(-9);
  bias.set([0, 0, 0]);
  const kernel = g.initializer("weight", weights, [classes.length, 3, 1, 1]);
  const added = g.initializer("bias", bias, [classes.length]);
  g.output("logits", g.conv(image, kernel, { strides: stride, bias: added }));
  const bytes = g.build();
  const info: ModelInfo = {
    task: "segmentation",
    ...describe(file, bytes),
    classes: [...classes],
    ...(colors && { colors }),
    outputStride: 16,
    scales: [1],
    mirror: false,
    crf: false,
  };
  return { bytes, info };
}

/** An AffinityNet of one layer: bright cells are edges. */
export function tinyAffinityModel(file = "affinity.onnx"): ModelFile {
  const g = new GraphBuilder();
  const image = g.input("image", "float32", ["N", 3, "H", "W"]);
  const kernel = g.initializer("weight", Float32Array.of(2, 2, 2), [1, 3, 1, 1]);
  g.output("edge", g.conv(image, kernel, { strides: 4 }));
  const bytes = g.build();
  const info: ModelInfo = {
    task: "affinity",
    ...describe(file, bytes),
    outputStride: 4,
    padding: { least: 64, multiple: 16 },
    radius: 5,
    beta: 10,
  };
  return { bytes, info };
}

/** What every manifest says of every model. */
function describe(file: string, bytes: Uint8Array) {
  return {
    file,
    bytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    mean: [0.485, 0.456, 0.406] as [number, number, number],
    std: [0.229, 0.224, 0.225] as [number, number, number],
    licence: "MIT",
    origin: "seeded random weights",
    madeBy: "tests/helpers/tiny_model.ts",
    card: "none",
  };
}

/** Writes a folder with the tiny model under the default name, and others. */
export async function makeModelFolder(
  { models = {}, ...options }: ModelFolderOptions = {},
): Promise<ModelFolder> {
  const path = await mkdtemp(join(tmpdir(), "silop-models-"));
  const all = { [DEFAULT_CAM_MODEL]: tinyCamModel("tiny.onnx", options), ...models };
  for (const { info, bytes } of Object.values(all)) await writeFile(join(path, info.file), bytes);
  const infos = Object.entries(all).map(([name, { info }]) => [name, info]);
  const manifest: Manifest = { version: 1, models: Object.fromEntries(infos) };
  await writeFile(join(path, "manifest.json"), JSON.stringify(manifest));
  return {
    path,
    url: pathToFileURL(path + "/"),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

/** Tommy Ettinger's mulberry32: 32 bits of state, numbers in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
