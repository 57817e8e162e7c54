/** The models of this project: a manifest, and files whose checksums are verified before use. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { ModelError } from "../errors.ts";

const perChannel = (value: z.ZodNumber) => z.tuple([value, value, value]);
const probability = z.number().min(0).max(1);
const scales = z.array(z.number().min(0.1).max(4)).min(1).max(8);
const classNames = (most: number) => z.array(z.string().min(1)).min(1).max(most);
const level = z.int().min(0).max(255);
const rgb = z.tuple([level, level, level]);

/** A colour: red, green, blue, 0..255. */
export type Rgb = z.infer<typeof rgb>;

/** Colours that masks are painted in, one for each of `classes`, in their order. Default: VOC's of the labels. */
const colors = z.array(rgb).optional();
const hasColorPerClass = (model: { classes: readonly string[]; colors?: readonly Rgb[] }) =>
  model.colors === undefined || model.colors.length === model.classes.length;
const ONE_COLOR_PER_CLASS = { message: "colors must hold one colour per class", path: ["colors"] };

/** What is told of every model. */
const described = {
  /** File beside the manifest. */
  file: z.string().regex(/^[\w@+-][\w.@+-]*\.onnx$/),
  bytes: z.int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Network input: `(RGB/255 − mean)/std`, per channel. */
  mean: perChannel(z.number()),
  std: perChannel(z.number().positive()),
  /** Name of the network its features come from, as `resnest101`. */
  backbone: z.string().optional(),
  /** How weights are stored. Default: as the file says. */
  precision: z.enum(["fp32", "fp16"]).optional(),
  licence: z.string(),
  origin: z.string(),
  /** The command that makes this file. */
  madeBy: z.string(),
  /** File beside the manifest that tells what the model is worth. */
  card: z.string().optional(),
};

/** A classifier whose last layer is a map per class, as in Puzzle-CAM (arXiv 2101.11253). */
const camModelSchema = z.strictObject({
  task: z.literal("cam"),
  ...described,
  /** Names of the classes in the order of the output's channels. */
  classes: classNames(254),
  colors,
  /** Pixels per map cell. */
  outputStride: z.int().positive(),
  /** Scales of the image used unless a caller names others. */
  scales,
  /** CAM value, 0..1, from which a pixel counts as foreground unless a caller names another. */
  threshold: probability,
  /** Sigmoid score from which a class counts as present in an unlabelled image, per class. */
  scoreThresholds: z.array(probability),
}).refine((model) => model.scoreThresholds.length === model.classes.length, {
  message: "scoreThresholds must hold one number per class",
}).refine(hasColorPerClass, ONE_COLOR_PER_CLASS);

/** An AffinityNet (arXiv 1904.05044): one map that tells how much of an edge every cell is. */
const affinityModelSchema = z.strictObject({
  task: z.literal("affinity"),
  ...described,
  /** Pixels per map cell; CAMs walk at this stride. */
  outputStride: z.literal(4),
  /**
   * Zeros are put right of the image and below it until both sides have `least` pixels and are multiples of
   * `multiple`. The network sees them: its group normalisation counts them.
   */
  padding: z.strictObject({
    least: z.int().min(0).max(2048),
    multiple: z.int().min(1).max(128),
  }),
  /** The random walk's, unless a caller names others. */
  radius: z.int().min(1).max(64),
  beta: z.int().min(1).max(1000),
});

/** A network that gives a map per class, background being the first. */
const segmentationModelSchema = z.strictObject({
  task: z.literal("segmentation"),
  ...described,
  /** Names of the classes in the order of the output's channels, `background` first. */
  classes: classNames(255).min(2),
  colors,
  /** Pixels per cell of the features. */
  outputStride: z.int().positive(),
  /** Scales of the image used unless a caller names others. */
  scales,
  /** Whether the mirrored image is looked at as well, unless a caller says otherwise. */
  mirror: z.boolean(),
  /** Whether a dense CRF revises the mask, unless a caller says otherwise. */
  crf: z.boolean(),
}).refine((model) => model.classes[0] === "background", {
  message: "the first class must be background",
}).refine(hasColorPerClass, ONE_COLOR_PER_CLASS);

/** A network without a task of its own, whose features others are trained on. */
const backboneModelSchema = z.strictObject({
  task: z.literal("backbone"),
  ...described,
  /** Pixels per cell of the features. */
  outputStride: z.int().positive(),
});

const modelSchema = z.discriminatedUnion("task", [
  camModelSchema,
  affinityModelSchema,
  segmentationModelSchema,
  backboneModelSchema,
]);

/** Names that are no paths, and that shells and addresses take as they are. */
const modelName = z.string().regex(/^[A-Za-z0-9](?!.*\.onnx$)[\w.@+-]{0,99}$/);

const manifestSchema = z.strictObject({
  version: z.literal(1),
  /** Models taken when none is named. Default: for each task the first. */
  defaults: z.strictObject({
    cam: z.string(),
    affinity: z.string(),
    segmentation: z.string(),
  }).partial().optional(),
  models: z.record(modelName, modelSchema),
});

/** What a model can be for. */
export const MODEL_TASKS = ["cam", "affinity", "segmentation", "backbone"] as const;
export type ModelTask = typeof MODEL_TASKS[number];
/** Everything known about a model but its weights. */
export type ModelInfo = z.infer<typeof modelSchema>;
/** Everything known about a model of one task. */
export type ModelInfoOf<T extends ModelTask> = Extract<ModelInfo, { task: T }>;
export type CamModelInfo = ModelInfoOf<"cam">;
export type AffinityModelInfo = ModelInfoOf<"affinity">;
export type SegmentationModelInfo = ModelInfoOf<"segmentation">;
export type BackboneModelInfo = ModelInfoOf<"backbone">;
/** The parsed `models/manifest.json`. */
export type Manifest = z.infer<typeof manifestSchema>;

/** Whether a text can be the name of a model: a letter or digit, then at most 99 of these and `.@+_-`. */
export function isModelName(name: string): boolean {
  return modelName.safeParse(name).success;
}

/** Where the models are that come with this project. */
export const EMBEDDED_MODELS: URL = new URL("../../models/", import.meta.url);
/** Name of the CAM model among them that is used when none is named. */
export const DEFAULT_CAM_MODEL = "cam-efficientnet-lite0";

/**
 * Reads and validates a manifest.
 *
 * @param folder Folder that holds `manifest.json`. Default: the embedded models.
 * @throws {ModelError} The manifest is missing or does not describe models as expected.
 */
export async function loadManifest(folder: URL = EMBEDDED_MODELS): Promise<Manifest> {
  const path = new URL("manifest.json", folder);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new ModelError(`Cannot read models: no manifest at ${path.pathname}`, { cause: error });
  }
  return parseManifest(text, path.pathname);
}

/** Validates the text of a manifest; `where` names it in errors. */
export function parseManifest(text: string, where: string): Manifest {
  return parse(manifestSchema, text, `${where} is not a valid manifest`);
}

/** Validates the text of a file that describes one model; `where` names it in errors. */
export function parseModelInfo(text: string, where: string): ModelInfo {
  return parse(modelSchema, text, `${where} does not describe a model`);
}

function parse<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  complaint: string,
): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new ModelError(`Cannot read models: ${complaint}: ${reason}`, { cause: error });
  }
}

/**
 * Looks a model up by name.
 *
 * @param task What it must be for. Default: `"cam"`.
 * @throws {ModelError} There is no such model; the text lists those there are.
 */
export function findModel<T extends ModelTask = "cam">(
  manifest: Manifest,
  name: string,
  task: T = "cam" as T,
): ModelInfoOf<T> {
  const model = Object.hasOwn(manifest.models, name) ? manifest.models[name] : undefined;
  if (model?.task === task) return model as ModelInfoOf<T>;
  if (model !== undefined) throw new ModelError(wrongTask(name, model.task, task));
  const known = Object.keys(manifest.models).join(", ") || "none";
  throw new ModelError(`Unknown model "${name}"; the manifest has: ${known}`);
}

/** What to say of a model that is for something else. */
export function wrongTask(name: string, is: ModelTask, wanted: ModelTask): string {
  return `Model "${name}" is for ${is}, not for ${wanted}`;
}

/**
 * Verifies a model's file without holding it in memory, for sessions that are opened by its path.
 *
 * @returns The path.
 * @throws {ModelError} The file is missing or is not the one the manifest describes.
 */
export async function verifyModel(
  info: Pick<ModelInfo, "file" | "bytes" | "sha256">,
  folder: URL = EMBEDDED_MODELS,
): Promise<string> {
  const path = fileURLToPath(new URL(info.file, folder));
  const hash = createHash("sha256");
  let size: number;
  try {
    // The size first: a file that is not the one described need not be read.
    size = (await stat(path)).size;
    if (size === info.bytes) {
      for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) {
        hash.update(chunk);
      }
    }
  } catch (error) {
    throw unlike(info, "is missing", error);
  }
  if (size !== info.bytes) {
    throw unlike(info, `has ${size} bytes, the manifest says ${info.bytes}`);
  }
  if (hash.digest("hex") !== info.sha256) {
    throw unlike(info, "does not have the checksum of the manifest");
  }
  return path;
}

function unlike({ file }: Pick<ModelInfo, "file">, how: string, cause?: unknown): ModelError {
  return new ModelError(`Cannot load model: ${file} ${how}`, { cause });
}

/**
 * Reads a model's file and verifies its length and SHA-256.
 *
 * @throws {ModelError} The file is missing or is not the one the manifest describes.
 */
export async function readModel(
  info: Pick<ModelInfo, "file" | "bytes" | "sha256">,
  folder: URL = EMBEDDED_MODELS,
): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    const buffer = await readFile(new URL(info.file, folder));
    // Plain bytes: slices of a Buffer are no copies, which readers of ONNX files rely on.
    bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
  } catch (error) {
    throw unlike(info, "is missing", error);
  }
  if (bytes.length !== info.bytes) {
    throw unlike(info, `has ${bytes.length} bytes, the manifest says ${info.bytes}`);
  }
  if (createHash("sha256").update(bytes).digest("hex") !== info.sha256) {
    throw unlike(info, "does not have the checksum of the manifest");
  }
  return bytes;
}
