/** What the page of the API reference takes from swagger-ui-dist, for packages that shall not depend on it. */

import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";

/** The files, and the terms they come under. */
const FILES = [
  "swagger-ui.css",
  "swagger-ui-bundle.js",
  "swagger-ui-bundle.js.LICENSE.txt",
  "LICENSE",
  "NOTICE",
];

/**
 * Copies them to where `functions/docs.ts` looks first. swagger-ui-dist itself depends on a package that
 * reports every installation to its makers.
 *
 * @param folder The package's.
 */
export async function copyReferencePage(folder: string): Promise<void> {
  const to = join(folder, "functions/swagger");
  await mkdir(to, { recursive: true });
  for (const file of FILES) {
    await cp(new URL(import.meta.resolve(`swagger-ui-dist/${file}`)), join(to, file));
  }
}
