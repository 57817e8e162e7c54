/** Several folders of models as one: who is looked up where, and who is taken when none is named. */

import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ModelError } from "../errors.ts";
import {
  type AffinityModelInfo,
  type CamModelInfo,
  EMBEDDED_MODELS,
  loadManifest,
  type Manifest,
  type ModelInfo,
  type ModelInfoOf,
  type ModelTask,
  parseManifest,
  parseModelInfo,
  type SegmentationModelInfo,
  wrongTask,
} from "./models.ts";

/** A model that has been found. */
export interface ModelEntry<Info extends ModelInfo = ModelInfo> {
  /** Its name in the manifest, or its path. */
  readonly name: string;
  readonly info: Info;
  /** Where its file is. */
  readonly folder: URL;
}

/** Which models to take; who is not named is chosen. */
export interface ModelNames {
  /** Names of models, or paths of `.onnx` files with a description beside them. */
  readonly camModel?: string;
  readonly affinityModel?: string;
  readonly segmentationModel?: string;
}

/** The models at work when no request names others. */
export interface ChosenModels {
  readonly cam: ModelEntry<CamModelInfo>;
  readonly affinity: ModelEntry<AffinityModelInfo> | null;
  readonly segmentation: ModelEntry<SegmentationModelInfo> | null;
  /**
   * Whether photos are segmented by the segmentation network unless a mode is named. Whoever names a CAM
   * model, and no segmentation network, wants that one to be asked.
   */
  readonly segmentationFirst: boolean;
}

/** A folder of models and its manifest. */
interface Shelf {
  readonly folder: URL;
  readonly manifest: Manifest;
}

/** The models of some folders. */
export class ModelLibrary {
  readonly #shelves: readonly Shelf[];

  private constructor(shelves: readonly Shelf[]) {
    this.#shelves = shelves;
  }

  /**
   * Reads the manifests of the folders, of which the first that has a model counts.
   *
   * @throws {ModelError} One of them has no valid manifest.
   */
  static async open(folders: URL | readonly URL[] = EMBEDDED_MODELS): Promise<ModelLibrary> {
    const list = folders instanceof URL ? [folders] : folders;
    const shelves = await Promise.all(
      list.map(async (folder) => ({ folder, manifest: await loadManifest(folder) })),
    );
    return new ModelLibrary(shelves);
  }

  /**
   * Looks into the manifests at once to see how large the models are that would be chosen.
   *
   * @returns Bytes of their weights in memory; 0 when they cannot be found, which others will tell.
   */
  static weigh(folders: URL | readonly URL[], names: ModelNames = {}): number {
    const list = folders instanceof URL ? [folders] : folders;
    try {
      const shelves = list.map((folder) => {
        const path = new URL("manifest.json", folder);
        return { folder, manifest: parseManifest(readFileSync(path, "utf8"), path.pathname) };
      });
      const { cam, segmentation, segmentationFirst } = new ModelLibrary(shelves).choose(names);
      const weigh = (entry: ModelEntry | null) =>
        entry === null ? 0 : entry.info.bytes * (entry.info.precision === "fp16" ? 2 : 1);
      return weigh(cam) + (segmentationFirst ? weigh(segmentation) : 0);
    } catch {
      return 0;
    }
  }

  /** All models, those of the first folder first; of equal names the first alone. */
  list(): ModelEntry[] {
    const entries = new Map<string, ModelEntry>();
    for (const { folder, manifest } of this.#shelves) {
      for (const [name, info] of Object.entries(manifest.models)) {
        if (!entries.has(name)) entries.set(name, { name, info, folder });
      }
    }
    return [...entries.values()];
  }

  /**
   * Looks a model up by its name, or by the path of its file: a text with a slash in it, or that ends in
   * `.onnx`. Beside `FILE.onnx` there must be a `FILE.json` with what a manifest would say of it.
   *
   * @throws {ModelError} There is no such model, or it is for something else.
   */
  find<T extends ModelTask>(name: string, task: T): ModelEntry<ModelInfoOf<T>> {
    const { info, ...entry } = this.#look(name, task);
    if (info.task !== task) throw new ModelError(wrongTask(name, info.task, task));
    return { ...entry, info: info as ModelInfoOf<T> };
  }

  /** As {@linkcode find}, whatever the model is for. */
  findAny(name: string): ModelEntry {
    return this.#look(name);
  }

  #look(name: string, task?: ModelTask): ModelEntry {
    if (isModelPath(name)) return readBeside(name);
    const all = this.list();
    const entry = all.find((other) => other.name === name);
    if (entry !== undefined) return entry;
    const others = all.filter(({ info }) => info.task === task);
    const known = (others.length > 0 ? others : all).map((other) => other.name).join(", ");
    throw new ModelError(`Unknown model "${name}"; the manifest has: ${known || "none"}`);
  }

  /**
   * Settles the models to work with. The CAM model not named is that of the first folder that has any; the
   * others are looked for no further than in the folder of the CAM model, because a folder's models go
   * together: a segmentation network would not know the classes of another folder's classifier.
   *
   * @throws {ModelError} A model named is not there, or there is no CAM model at all.
   */
  choose({ camModel, affinityModel, segmentationModel }: ModelNames = {}): ChosenModels {
    const cam = camModel === undefined
      ? this.#standard("cam", this.#shelves.length)
      : this.find(camModel, "cam");
    if (cam === null) throw new ModelError("Cannot choose models: no folder has one for cam");
    const at = this.#shelves.findIndex(({ folder }) => folder.href === cam.folder.href);
    const reach = at < 0 ? this.#shelves.length : at + 1;
    return {
      cam,
      affinity: affinityModel === undefined
        ? this.#standard("affinity", reach)
        : this.find(affinityModel, "affinity"),
      segmentation: segmentationModel === undefined
        ? this.#standard("segmentation", reach)
        : this.find(segmentationModel, "segmentation"),
      segmentationFirst: segmentationModel !== undefined || camModel === undefined,
    };
  }

  /** The model of a task that the first of `reach` folders to have one prefers. */
  #standard<T extends "cam" | "affinity" | "segmentation">(
    task: T,
    reach: number,
  ): ModelEntry<ModelInfoOf<T>> | null {
    for (const { folder, manifest } of this.#shelves.slice(0, reach)) {
      const named = manifest.defaults?.[task];
      const name = named ??
        Object.keys(manifest.models).find((key) => manifest.models[key]!.task === task);
      if (name === undefined) continue;
      const info = Object.hasOwn(manifest.models, name) ? manifest.models[name]! : undefined;
      if (info?.task !== task) {
        throw new ModelError(
          `Cannot choose models: the manifest's default for ${task}, "${name}", is no such model`,
        );
      }
      return { name, info: info as ModelInfoOf<T>, folder };
    }
    return null;
  }
}

/** Whether a text is to be taken for the path of a model's file, and not for its name. */
export function isModelPath(name: string): boolean {
  return /[\\/]/.test(name) || name.endsWith(".onnx");
}

/** Reads what is told of the model in a file from the `.json` beside it. */
function readBeside(path: string): ModelEntry {
  if (!path.endsWith(".onnx")) {
    throw new ModelError(`Cannot load model: ${path} is no path of an .onnx file`);
  }
  const description = path.replace(/\.onnx$/, ".json");
  let text: string;
  try {
    text = readFileSync(description, "utf8");
  } catch (cause) {
    throw new ModelError(`Cannot load model: there is no ${description} to describe it`, { cause });
  }
  const info: ModelInfo = parseModelInfo(text, description);
  if (info.file !== basename(path)) {
    throw new ModelError(`Cannot load model: ${description} describes ${info.file}`);
  }
  return { name: path, info, folder: new URL("./", pathToFileURL(resolve(path))) };
}
