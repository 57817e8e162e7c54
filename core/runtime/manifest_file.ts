/** Changing the manifest of a folder of models, also while others do. */

import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ModelError, StorageError } from "../errors.ts";
import { writeFileAtomic } from "../files.ts";
import { folderUrl } from "./model_folders.ts";
import { loadManifest, type Manifest, type ModelInfo, parseManifest } from "./models.ts";

/** Milliseconds between two looks at a lock. */
const POLL = 5;

/**
 * The manifest of a folder; `null` when there is none.
 *
 * @throws {ModelError} It is not valid.
 */
export async function readManifest(folder: string): Promise<Manifest | null> {
  if (!existsSync(join(folder, "manifest.json"))) return null;
  return await loadManifest(folderUrl(folder));
}

/**
 * Replaces the manifest of a folder by what `edit` makes of it, with nobody else writing meanwhile.
 *
 * @param edit Given `null` where there is no manifest yet; may be called on data that is then thrown away.
 * @throws {ModelError} The manifest is not valid, before or after. What `edit` throws passes through.
 * @throws {StorageError} It cannot be written.
 */
export async function editManifest(
  folder: string,
  edit: (manifest: Manifest | null) => Manifest,
): Promise<void> {
  using _lock = await lockFolder(folder);
  const text = JSON.stringify(edit(await readManifest(folder)), null, 2) + "\n";
  const path = join(folder, "manifest.json");
  parseManifest(text, `The new ${path}`);
  try {
    await writeFileAtomic(path, text);
  } catch (error) {
    throw new StorageError(`Cannot write ${path}: ${(error as Error).message}`);
  }
}

/**
 * Takes a model out of a folder: its entry, then its file and card unless other models have the same.
 *
 * @returns The entry it had.
 * @throws {ModelError} The folder has no such model.
 * @throws {StorageError} The manifest cannot be written, or a file cannot be removed.
 */
export async function removeModel(folder: string, name: string): Promise<ModelInfo> {
  let removed: ModelInfo | undefined;
  let kept: ModelInfo[] = [];
  await editManifest(folder, (manifest) => {
    const models = { ...manifest?.models };
    removed = Object.hasOwn(models, name) ? models[name] : undefined;
    if (removed === undefined) {
      const known = Object.keys(models).join(", ") || "none";
      throw new ModelError(`There is no model "${name}" in ${folder}; it has: ${known}`);
    }
    delete models[name];
    kept = Object.values(models);
    const defaults = Object.entries(manifest!.defaults ?? {}).filter(([, named]) => named !== name);
    const { defaults: _, ...rest } = manifest!;
    return {
      ...rest,
      ...(defaults.length > 0 ? { defaults: Object.fromEntries(defaults) } : {}),
      models,
    };
  });
  const files = [removed!.file, removed!.card].filter((file) => file !== undefined);
  for (const file of files) {
    // A card is told by whoever wrote the manifest, and might be a path.
    if (/[\\/]/.test(file) || kept.some((info) => info.file === file || info.card === file)) {
      continue;
    }
    try {
      await rm(join(folder, file), { force: true });
    } catch (error) {
      throw new StorageError(`Cannot remove ${join(folder, file)}: ${(error as Error).message}`);
    }
  }
  return removed!;
}

/**
 * Locks a folder for the moment in which its manifest is read and written, waiting for others. Systems
 * that have no locks of folders are taken as they are.
 */
async function lockFolder(folder: string): Promise<Disposable> {
  const held = new DisposableStack();
  try {
    // `node:fs` has no locks.
    const opened = Deno.openSync(folder, { read: true });
    held.defer(() => opened.close());
    while (!opened.tryLockSync(true)) await new Promise((resolve) => setTimeout(resolve, POLL));
  } catch {
    // Nobody else is kept out.
  }
  return held;
}
