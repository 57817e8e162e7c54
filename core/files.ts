/** Files on disk: results that are whole or absent, and lists of the images to work on. */

import { mkdir, open, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";

/** A file to work on. */
export interface ListedFile {
  /** The path to open it by. */
  readonly path: string;
  /**
   * Its path below the folder that was named, with `/` between folders; for a file named itself,
   * its name. Results keep this structure.
   */
  readonly relative: string;
}

/** Options of {@linkcode listImages}. */
export interface ListImagesOptions {
  /**
   * Endings of the files to list from folders, with their dot, in any case.
   * Default: {@linkcode IMAGE_EXTENSIONS}.
   */
  extensions?: readonly string[];
}

/** The usual endings of the image formats this project reads. */
export const IMAGE_EXTENSIONS: readonly string[] = [
  ".jpg",
  ".jpeg",
  ".png",
  ".webp",
  ".gif",
  ".tif",
  ".tiff",
];

/** Longest name of a file, in bytes of UTF-8, on the usual file systems. */
const MAX_NAME_BYTES = 255;
/** What the name of a part has around the name of its file: two dots, a UUID, the ending. */
const AROUND_NAME_BYTES = 43;

/** The beginning of a text, of at most `bytes` bytes of UTF-8; no character is cut in two. */
function cut(text: string, bytes: number): string {
  const room = new Uint8Array(bytes);
  const { written } = new TextEncoder().encodeInto(text, room);
  return new TextDecoder().decode(room.subarray(0, written));
}

/**
 * Writes a file so that a reader sees either its old content or all of the new, never a part, even
 * when the process dies or several write at once: the content goes to `.NAME.<random>.part` in the
 * same folder, is flushed to disk, and takes the name by renaming. A very long name is cut in the
 * part's, so that any name the file system can take will do. Missing folders are made.
 *
 * @param content bytes, or text to be written as UTF-8
 * @throws the file system's error, after removing the part
 */
export async function writeFileAtomic(path: string, content: Uint8Array | string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const name = cut(basename(path), MAX_NAME_BYTES - AROUND_NAME_BYTES);
  const part = join(folder, `.${name}.${crypto.randomUUID()}.part`);
  try {
    // "wx" never opens a file that is already there, be it a link somebody else has put.
    const file = await open(part, "wx");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true }).catch(() => {});
    throw error;
  }
}

/** Whether a link leads to a folder. A broken one does not: opening it will tell what is wrong. */
async function leadsToFolder(link: string): Promise<boolean> {
  try {
    return (await stat(link)).isDirectory();
  } catch {
    return false;
  }
}

/**
 * Lists the images among files and below folders, at any depth, sorted by name within every folder.
 * A file named itself is listed whatever its ending; hidden files and folders (`.NAME`) are skipped
 * otherwise. Links are followed, but every folder is visited only once for each path given, so links
 * that form a loop do no harm. A file reached by two of the given paths is listed once.
 *
 * @throws {Error} the file system's (code `ENOENT`) when one of `paths` does not exist
 */
export async function listImages(
  paths: readonly string[],
  options: ListImagesOptions = {},
): Promise<ListedFile[]> {
  const wanted = new Set((options.extensions ?? IMAGE_EXTENSIONS).map((e) => e.toLowerCase()));
  const listed = new Map<string, ListedFile>();
  const add = (path: string, relative: string) => {
    const key = resolve(path);
    if (!listed.has(key)) listed.set(key, { path, relative });
  };

  async function visit(folder: string, prefix: string, visited: Set<string>): Promise<void> {
    const real = await realpath(folder);
    if (visited.has(real)) return;
    visited.add(real);
    const entries = await readdir(folder, { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      if (entry.name.startsWith(".")) continue;
      const path = join(folder, entry.name);
      const relative = prefix + entry.name;
      const folderBelow = entry.isSymbolicLink() ? await leadsToFolder(path) : entry.isDirectory();
      if (folderBelow) await visit(path, `${relative}/`, visited);
      else if (wanted.has(extname(entry.name).toLowerCase())) add(path, relative);
    }
  }

  for (const path of paths) {
    if ((await stat(path)).isDirectory()) await visit(path, "", new Set());
    else add(path, basename(path));
  }
  return [...listed.values()];
}
