/** The models of this project: a manifest, and files whose checksums are verified before use. */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { ModelError } from "../errors.ts";

const perChannel = z.tuple([z.number(), z.number(), z.number()]);
const probability = z.number().min(0).max(1);

/** A classifier whose last layer is a map per class, as in Puzzle-CAM (arXiv 2101.11253). */
const camModelSchema = z.strictObject({
  task: z.literal("cam"),
  /** File beside the manifest. */
  file: z.string().regex(/^[\w.-]+\.onnx$/),
  bytes: z.int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Names of the classes in the order of the output's channels. */
  classes: z.array(z.string()).min(1).max(254),
  /** Network input: `(RGB/255 − mean)/std`, per channel. */
  mean: perChannel,
  std: perChannel,
  /** Pixels per map cell. */
  outputStride: z.int().positive(),
  /** Scales of the image used unless a caller names others. */
  scales: z.array(z.number().positive()).min(1),
  /** CAM value, 0..1, from which a pixel counts as foreground unless a caller names another. */
  threshold: probability,
  /** Sigmoid score from which a class counts as present in an unlabelled image, per class. */
  scoreThresholds: z.array(probability),
  licence: z.string(),
  origin: z.string(),
  /** The command that makes this file. */
  madeBy: z.string(),
  card: z.string(),
}).refine((model) => model.scoreThresholds.length === model.classes.length, {
  message: "scoreThresholds must hold one number per class",
});

const manifestSchema = z.strictObject({
  version: z.literal(1),
  models: z.record(z.string(), camModelSchema),
});

/** Everything known about a CAM model but its weights. */
export type CamModelInfo = z.infer<typeof camModelSchema>;
/** The parsed `models/manifest.json`. */
export type Manifest = z.infer<typeof manifestSchema>;

/** Where the models are that come with this project. */
export const EMBEDDED_MODELS: URL = new URL("../../models/", import.meta.url);
/** The CAM model used when none is named. */
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
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new ModelError(`Cannot read models: ${where} is not a valid manifest: ${reason}`, {
      cause: error,
    });
  }
}

/**
 * Looks a model up by name.
 *
 * @throws {ModelError} There is no such model; the text lists those there are.
 */
export function findModel(manifest: Manifest, name: string): CamModelInfo {
  const model = Object.hasOwn(manifest.models, name) ? manifest.models[name] : undefined;
  if (model === undefined) {
    const known = Object.keys(manifest.models).join(", ") || "none";
    throw new ModelError(`Unknown model "${name}"; the manifest has: ${known}`);
  }
  return model;
}

/**
 * Reads a model's file and verifies its length and SHA-256.
 *
 * @throws {ModelError} The file is missing or is not the one the manifest describes.
 */
export async function readModel(
  info: CamModelInfo,
  folder: URL = EMBEDDED_MODELS,
): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(new URL(info.file, folder));
  } catch (error) {
    throw new ModelError(`Cannot load model: ${info.file} is missing`, { cause: error });
  }
  if (bytes.length !== info.bytes) {
    throw new ModelError(
      `Cannot load model: ${info.file} has ${bytes.length} bytes, the manifest says ${info.bytes}`,
    );
  }
  if (createHash("sha256").update(bytes).digest("hex") !== info.sha256) {
    throw new ModelError(
      `Cannot load model: ${info.file} does not have the checksum of the manifest`,
    );
  }
  return bytes;
}
