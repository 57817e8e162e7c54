/** Reads and writes the files of an image. */

import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Source } from "../data/data_set.ts";
import { StorageError } from "../errors.ts";
import { writeFileAtomic } from "../files.ts";
import type { FileRecord, Slot } from "./task.ts";

/** Reads a file, or takes a text for one. @throws {Error} The file cannot be read. */
export async function readSource(source: Source): Promise<Uint8Array> {
  if ("text" in source) return new TextEncoder().encode(source.text);
  try {
    return await readFile(source.path);
  } catch (error) {
    throw new Error(`Cannot read ${source.path}: ${reasonOf(error)}`);
  }
}

/** Writes a file, whole or not at all. @throws {StorageError} The file cannot be written. */
export async function writeOutput(
  { folder, ending }: Slot,
  id: string,
  content: Uint8Array,
): Promise<FileRecord> {
  const path = join(folder, id + ending);
  try {
    await writeFileAtomic(path, content);
    return recordOf(content, Math.floor((await stat(path)).mtimeMs));
  } catch (error) {
    throw new StorageError(`Cannot write ${path}: ${reasonOf(error)}`);
  }
}

/** What a journal says of a file. */
export function recordOf(content: Uint8Array, mtime: number): FileRecord {
  const sha256 = createHash("sha256").update(content).digest("hex");
  return { size: content.length, mtime, sha256 };
}

/** The system's words without the path, which the caller tells. */
function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOSPC":
      return "the disk is full";
    case "EDQUOT":
      return "the disk quota is used up";
    case "ENOENT":
      return "there is no such file";
    default:
      return message.replace(/, \w+ '.*'$/, "");
  }
}
