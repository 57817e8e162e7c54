/** Data sets that are a list of files with their labels: CSV or JSON, or a folder for each class. */

import { readFile } from "node:fs/promises";
import { dirname, extname, isAbsolute, join, resolve } from "node:path";
import { z } from "zod";
import { listImages } from "../files.ts";
import { decodeMaskPng } from "../image/mod.ts";
import type { Mask } from "../raster.ts";
import { checkClasses, classNames, type DataClass } from "./class_list.ts";
import { type CsvRow, parseCsv } from "./csv.ts";
import type { DataSet, Source } from "./data_set.ts";
import { imageIds } from "./image_ids.ts";

/** The list of all images, whatever others there are. */
const ALL = "all";

/** An image as a list tells it. */
export interface ListedImage {
  /** Where it is told, as `line 7`. */
  readonly where: string;
  /** Path, relative to the list or absolute, with `/` between folders. */
  readonly file: string;
  /** Names of the classes in it. */
  readonly labels: readonly string[];
  /** Path of its true mask. */
  readonly mask?: string;
  /** Name of the list of images it belongs to, as `train`. */
  readonly set?: string;
}

/** Options of {@linkcode ListedSet}. */
export interface ListedSetOptions {
  /** Default: the names found, sorted. */
  readonly classes?: readonly DataClass[];
  /** What paths are relative to. Default: the folder that the list lies in. */
  readonly folder?: string;
}

interface Entry {
  readonly path: string;
  readonly labels: Set<string>;
  mask?: string;
  set?: string;
}

/** A list of images with their labels. A file listed twice has the labels of both. */
export class ListedSet implements DataSet {
  readonly classes: readonly DataClass[];
  readonly defaultSet = ALL;
  readonly #images = new Map<string, Entry>();

  /**
   * @param root The file or folder that the images are listed in.
   * @throws {SyntaxError} Nothing is listed, a label is none of the classes, or an image is told to have
   *   two masks or to belong to two lists. The text names the place.
   */
  constructor(
    readonly root: string,
    images: readonly ListedImage[],
    { classes, folder = dirname(root) }: ListedSetOptions = {},
  ) {
    if (images.length === 0) throw new SyntaxError(`${root} lists no images`);
    this.classes = classes ?? classesIn(root, images);
    const known = new Set(classNames(this.classes));
    const entries = new Map<string, Entry>();
    const absolute = (path: string) => isAbsolute(path) ? path : resolve(folder, path);
    for (const { where, file, labels, mask, set } of images) {
      const unknown = labels.find((label) => !known.has(label));
      if (unknown !== undefined) {
        throw new SyntaxError(
          `${root} ${where}: "${unknown}" is none of the classes ${list(known)}`,
        );
      }
      const path = normal(file);
      const entry: Entry = entries.get(path) ?? { path: absolute(path), labels: new Set() };
      for (const label of labels) entry.labels.add(label);
      for (const [name, value] of [["mask", mask && absolute(mask)], ["set", set]] as const) {
        if (value === undefined || value === entry[name]) continue;
        if (entry[name] !== undefined) {
          throw new SyntaxError(
            `${root} ${where}: ${file} has the ${name} ${value} here and ${entry[name]} before`,
          );
        }
        entry[name] = value;
      }
      entries.set(path, entry);
    }
    const ids = imageIds([...entries.keys()]);
    [...entries.values()].forEach((entry, i) => this.#images.set(ids[i]!, entry));
  }

  ids(set: string): Promise<string[]> {
    const chosen = [...this.#images].filter(([, image]) => set === ALL || image.set === set);
    if (chosen.length > 0) return Promise.resolve(chosen.map(([id]) => id));
    const sets = new Set([ALL, ...[...this.#images.values()].flatMap(({ set }) => set ?? [])]);
    const error = new RangeError(`${this.root} has no images of "${set}"; there are ${list(sets)}`);
    return Promise.reject(error);
  }

  imagePath(id: string): string {
    return this.#image(id).path;
  }

  labels(id: string): Promise<number[]> {
    const { labels } = this.#image(id);
    return Promise.resolve(
      this.classes.flatMap(({ name }, index) => labels.has(name) ? [index] : []),
    );
  }

  labelSource(id: string): Source {
    const { labels } = this.#image(id);
    return { text: JSON.stringify(classNames(this.classes).filter((name) => labels.has(name))) };
  }

  truthPath(id: string): string | null {
    return this.#image(id).mask ?? null;
  }

  async truth(id: string): Promise<Mask> {
    const path = this.truthPath(id);
    if (path === null) throw new RangeError(`${this.root} names no mask of ${id}`);
    return decodeMaskPng(await readFile(path));
  }

  #image(id: string): Entry {
    const image = this.#images.get(id);
    if (image === undefined) throw new RangeError(`${this.root} has no image "${id}"`);
    return image;
  }
}

/**
 * Reads a list of images: `.csv` with the columns `file` and `labels` and, if wanted, `mask` and `set`;
 * or `.json`, an array of objects with these keys, or an object of it (`images`) and of `classes`.
 *
 * In a cell, labels are separated by `;`, or are a JSON array. Paths are relative to the list.
 *
 * @throws {SyntaxError} A row or entry cannot be read; the text names its line or number.
 */
export async function readListedSet(
  path: string,
  options: ListedSetOptions = {},
): Promise<ListedSet> {
  const text = await readFile(path, "utf8");
  if (extname(path).toLowerCase() !== ".json") {
    return new ListedSet(path, readTable(text, path), options);
  }
  const { images, classes } = readJson(text, path);
  return new ListedSet(path, images, { classes, ...options });
}

/**
 * Takes every folder of a folder for a class, with all images below it. The class's name is the folder's.
 *
 * @throws {SyntaxError} There are no such folders, or one's name can be no class's.
 */
export async function readClassFolders(
  root: string,
  options: ListedSetOptions = {},
): Promise<ListedSet> {
  const images = (await listImages([root])).flatMap(({ relative }): ListedImage[] => {
    const [name, ...rest] = relative.split("/");
    const where = `folder ${name}`;
    return rest.length === 0 ? [] : [{ where, file: relative, labels: [name!] }];
  });
  return new ListedSet(root, images, { folder: root, ...options });
}

function readTable(text: string, path: string): ListedImage[] {
  const [header, ...rows] = parseCsv(text, path);
  const names = (header?.cells ?? []).map((cell) => cell.trim().toLowerCase());
  const [file, labels, mask, set] = ["file", "labels", "mask", "set"].map((name) =>
    names.indexOf(name)
  ) as [number, number, number, number];
  if (file < 0 || labels < 0) {
    throw new SyntaxError(`${path} line 1: the columns must be named, as "file,labels"`);
  }
  return rows.map((row): ListedImage => {
    const where = `line ${row.line}`;
    if (row.cells.length !== names.length) {
      throw new SyntaxError(
        `${path} ${where}: there are ${row.cells.length} cells, not ${names.length}; ` +
          "separate labels by semicolons, and put cells with commas in double quotes",
      );
    }
    const cell = (column: number) => column < 0 ? "" : row.cells[column]!.trim();
    if (cell(file) === "") throw new SyntaxError(`${path} ${where}: no file is named`);
    return {
      where,
      file: cell(file),
      labels: labelsIn(cell(labels), row, path),
      ...(cell(mask) === "" ? {} : { mask: cell(mask) }),
      ...(cell(set) === "" ? {} : { set: cell(set) }),
    };
  });
}

function labelsIn(cell: string, { line }: CsvRow, path: string): string[] {
  if (!cell.startsWith("[")) {
    return cell.split(";").map((label) => label.trim()).filter((label) => label !== "");
  }
  try {
    return z.array(z.string()).parse(JSON.parse(cell));
  } catch {
    throw new SyntaxError(`${path} line ${line}: the labels ${cell} are no JSON array of names`);
  }
}

const listedSchema = z.strictObject({
  file: z.string().min(1),
  labels: z.array(z.string()),
  mask: z.string().min(1).optional(),
  set: z.string().min(1).optional(),
});
const listSchema = z.union([
  z.array(z.unknown()).transform((images) => ({ images, classes: undefined })),
  z.strictObject({ images: z.array(z.unknown()), classes: z.array(z.unknown()).optional() }),
]);

function readJson(text: string, path: string): { images: ListedImage[]; classes?: DataClass[] } {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new SyntaxError(`${path} is not JSON: ${(error as Error).message}`);
  }
  const { success, data } = listSchema.safeParse(value);
  if (!success) {
    throw new SyntaxError(`${path} holds neither an array nor an object of images and classes`);
  }
  const images = data.images.map((entry, i): ListedImage => {
    const where = `image ${i + 1}`;
    const { success, data, error } = listedSchema.safeParse(entry);
    if (success) return { where, ...data };
    const [issue] = error.issues;
    const reason = [issue?.path.join("."), issue?.message].filter(Boolean).join(": ");
    throw new SyntaxError(`${path} ${where}: ${reason}`);
  });
  return { images, classes: data.classes && checkClasses(data.classes, path) };
}

/** The names found, sorted by their characters' numbers, so that every machine sorts alike. */
function classesIn(root: string, images: readonly ListedImage[]): DataClass[] {
  const names = new Set(images.flatMap(({ labels }) => labels));
  return checkClasses([...names].sort(), root);
}

/** The same path for the same file, as far as names tell. */
function normal(file: string): string {
  return join(file).replaceAll("\\", "/");
}

/** The first names of many. */
function list(names: ReadonlySet<string>): string {
  const shown = [...names].slice(0, 20).join(", ");
  return names.size > 20 ? `${shown}, …` : shown;
}
