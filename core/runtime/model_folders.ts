/** Where models are looked for. */

import { resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { EMBEDDED_MODELS } from "./models.ts";

/** The variable of the environment that names a folder of models outside this project. */
export const MODELS_VARIABLE = "SILOP_MODELS";

/**
 * The folders of models in the order in which they are searched: the one named, the one that
 * {@linkcode MODELS_VARIABLE} names, the models that come with this project.
 */
export function modelFolders(named?: string): URL[] {
  const folders = [named, environmentFolder()].filter((path) => path !== undefined && path !== "");
  const urls = folders.map((path) => folderUrl(path!));
  return [...urls, EMBEDDED_MODELS].filter((url, i, all) =>
    all.findIndex(({ href }) => href === url.href) === i
  );
}

/** The address of a folder given by its path. */
export function folderUrl(path: string): URL {
  return pathToFileURL(resolve(path) + "/");
}

/** The folder outside; `undefined` where the environment may not be read, without asking for leave. */
function environmentFolder(): string | undefined {
  if (typeof Deno !== "undefined") {
    const leave = { name: "env", variable: MODELS_VARIABLE } as const;
    if (Deno.permissions.querySync(leave).state !== "granted") return undefined;
  }
  return process.env[MODELS_VARIABLE];
}
