/** Opens a data set of any layout. */

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { VocFolder } from "../voc/folder.ts";
import { type DataClass, readClassList } from "./class_list.ts";
import type { DataSet } from "./data_set.ts";
import { readClassFolders, readListedSet } from "./listed_set.ts";

/** Lists of images that are looked for in a folder. */
const LISTS = ["labels.csv", "labels.json"];
/** Lists of classes that are looked for in a folder, unless one is named. */
const CLASS_LISTS = ["classes.json", "classes.csv", "classes.txt"];

/**
 * Opens what it finds:
 *
 * | layout | told by |
 * |---|---|
 * | VOC 2012's development kit | a folder `JPEGImages` |
 * | a list of files and labels | a `.csv` or `.json` file, or a folder with `labels.csv` or `labels.json` |
 * | a folder for each class | any other folder |
 *
 * @param path Folder or file.
 * @param classes File of classes, see {@linkcode readClassList}. Default: `classes.json`, `classes.csv` or
 *   `classes.txt` in the folder; else VOC's of a VOC folder, and the names found, sorted, of others.
 * @throws {RangeError} There is nothing at the path.
 * @throws {SyntaxError} It cannot be read; the text names the line.
 */
export async function openDataSet(path: string, classes?: string): Promise<DataSet> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new RangeError(`There is no file or folder ${path}`);
  const folder = found.isDirectory();
  const file = classes ?? (folder ? firstOf(path, CLASS_LISTS) : undefined);
  const options: { classes?: DataClass[] } = {};
  if (file !== undefined) options.classes = await readClasses(file);
  if (!folder) return await readListedSet(path, options);
  if (existsSync(join(path, "JPEGImages"))) return new VocFolder(path, options.classes);
  const list = firstOf(path, LISTS);
  return list === undefined
    ? await readClassFolders(path, options)
    : await readListedSet(list, options);
}

async function readClasses(path: string): Promise<DataClass[]> {
  try {
    return await readClassList(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new RangeError(`There is no file of classes ${path}`);
    throw error;
  }
}

function firstOf(folder: string, names: readonly string[]): string | undefined {
  return names.map((name) => join(folder, name)).find((path) => existsSync(path));
}
