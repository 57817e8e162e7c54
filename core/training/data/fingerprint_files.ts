/** One checksum for many files. */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

/**
 * The first 16 digits of a SHA-256 of the files' contents in their order; names and dates do not count.
 * Thousands of masks take a second or two: they are small.
 *
 * @throws A file cannot be read.
 */
export async function fingerprintFiles(paths: readonly string[]): Promise<string> {
  const all = createHash("sha256");
  for (const path of paths) all.update(createHash("sha256").update(await readFile(path)).digest());
  return all.digest("hex").slice(0, 16);
}
