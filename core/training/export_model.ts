/** A trained network as a model of this project: its file, its checksum, its entry and its card. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { StorageError } from "../errors.ts";
import { writeFileAtomic } from "../files.ts";
import { editManifest, readManifest } from "../runtime/manifest_file.ts";
import { type Manifest, type ModelInfo, parseManifest, parseModelInfo } from "../runtime/models.ts";

/** What follows from the model's bytes and name. */
type Derived = "file" | "bytes" | "sha256" | "card";

/** What is to be told of a model of a task: all of its entry but what follows from its bytes. */
export type ModelFacts<Info extends ModelInfo = ModelInfo> = Info extends ModelInfo
  ? Omit<Info, Derived>
  : never;

/** A model to be written. */
export interface ModelExport<Info extends ModelInfo = ModelInfo> {
  /** Its name in the manifest, as `cam-efficientnet-lite0`. */
  readonly name: string;
  /** The bytes of the ONNX file. */
  readonly model: Uint8Array;
  readonly facts: ModelFacts<Info>;
  /** Markdown; see {@linkcode renderModelCard}. Default: a card that is there already is kept. */
  readonly card?: string | ((info: Info) => string);
  /** Name of the files without their endings. Default: the model's, dashes and dots as underscores. */
  readonly file?: string;
}

/**
 * Writes `FILE.onnx` and `FILE.md` into a folder and enters the model in its `manifest.json`, in this order
 * and each whole or not at all: until the last is written the folder has the model that it had, unless the
 * file is replaced by another of the same name, which the checksum then tells.
 *
 * @example
 * ```ts
 * await exportModel("models", {
 *   name: "affinity-efficientnet-lite0",
 *   model: buildAffinityModel(trainer.parameters()),
 *   facts: { task: "affinity", mean, std, outputStride: 4, padding, radius: 5, beta: 10, licence, origin, madeBy },
 *   card: (info) => renderModelCard("affinity-efficientnet-lite0", info, { summary, sections }),
 * });
 * ```
 *
 * @returns The model's entry.
 * @throws {ModelError} The facts do not make an entry, or the folder's manifest is not valid.
 * @throws {StorageError} A file cannot be written.
 */
export async function exportModel<Info extends ModelInfo>(
  folder: string,
  model: ModelExport<Info>,
): Promise<Info> {
  const { info, card } = describeModel(model, (file) => existsSync(join(folder, file)));
  // Whatever is wrong with names or manifest shall show before anything is written.
  withModel(await readManifest(folder), model.name, info);
  await write(join(folder, info.file), model.model);
  if (card !== undefined) await write(join(folder, info.card!), card);
  await editManifest(folder, (manifest) => withModel(manifest, model.name, info));
  return info;
}

/**
 * Writes a model as a file of its own, described by `FILE.json` beside it: to be named by its path.
 *
 * @returns As {@linkcode exportModel}, and throws as it does.
 */
export async function exportModelFile<Info extends ModelInfo>(
  folder: string,
  model: ModelExport<Info>,
): Promise<Info> {
  const { info, card } = describeModel(model, (file) => existsSync(join(folder, file)));
  await write(join(folder, info.file), model.model);
  if (card !== undefined) await write(join(folder, info.card!), card);
  await write(
    join(folder, info.file.replace(/\.onnx$/, ".json")),
    JSON.stringify(info, null, 2) + "\n",
  );
  return info;
}

/** The entry of a model, validated, and the text of its card if there is a new one. */
function describeModel<Info extends ModelInfo>(
  { name, model, facts, card, file = name.replace(/[-.]/g, "_") }: ModelExport<Info>,
  exists: (file: string) => boolean,
): { info: Info; card?: string } {
  const hasCard = card !== undefined || exists(`${file}.md`);
  const { task, ...rest } = facts;
  const draft = {
    task,
    file: `${file}.onnx`,
    bytes: model.length,
    sha256: createHash("sha256").update(model).digest("hex"),
    ...rest,
    ...(hasCard ? { card: `${file}.md` } : {}),
  };
  const info = parseModelInfo(JSON.stringify(draft), `The export of ${name}`) as Info;
  return { info, card: typeof card === "function" ? card(info) : card };
}

/** A manifest with a model entered, or replaced; all else stays. */
function withModel(manifest: Manifest | null, name: string, info: ModelInfo): Manifest {
  const entered = {
    ...manifest,
    version: 1,
    models: { ...manifest?.models, [name]: info },
  };
  return parseManifest(JSON.stringify(entered), `The manifest with ${name} in it`);
}

async function write(path: string, content: Uint8Array | string): Promise<void> {
  try {
    await writeFileAtomic(path, content);
  } catch (error) {
    throw new StorageError(`Cannot write ${path}: ${(error as Error).message}`);
  }
}
