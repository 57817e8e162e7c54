/** Folders laid out as the PASCAL VOC 2012 development kit. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { XMLParser } from "fast-xml-parser";
import { decodeMaskPng } from "../image/mod.ts";
import { classNames, type DataClass, VOC_CLASS_LIST } from "../data/class_list.ts";
import type { DataSet, Source } from "../data/data_set.ts";
import type { Mask } from "../raster.ts";
import { VOC_CLASSES } from "./classes.ts";

/** Whether a text names a file that lies in the folder it is looked for in, and is not hidden. */
export function isPlainName(text: string): boolean {
  return /^[^./\\\0][^/\\\0]*$/.test(text);
}

/** A folder laid out as the VOC 2012 development kit. */
export class VocFolder implements DataSet {
  readonly defaultSet = "train_aug";

  /**
   * @param root The folder that holds `JPEGImages`, `Annotations`, `SegmentationClass`, `ImageSets`.
   * @param classes Classes that annotations name and masks count. Default: VOC's.
   */
  constructor(readonly root: string, readonly classes: readonly DataClass[] = VOC_CLASS_LIST) {}

  /**
   * The image ids of `ImageSets/Segmentation/SET.txt`, in the file's order.
   *
   * @throws {RangeError} `set` is not a plain name.
   * @throws {SyntaxError} An id is not a plain name: files are read and written under it, and none may lie
   *   outside of its folder. Errors of reading pass through.
   */
  async ids(set: string): Promise<string[]> {
    if (!/^[\w-]+$/.test(set)) throw new RangeError(`Not the name of an image set: "${set}"`);
    const text = await readFile(
      join(this.root, "ImageSets", "Segmentation", `${set}.txt`),
      "utf8",
    );
    const ids = text.split(/\s+/).filter((id) => id !== "");
    const strange = ids.find((id) => !isPlainName(id));
    if (strange !== undefined) {
      throw new SyntaxError(`${set}.txt lists ${JSON.stringify(strange)}, which names no image`);
    }
    return ids;
  }

  /** Path of an image's JPEG file. */
  imagePath(id: string): string {
    return join(this.root, "JPEGImages", `${id}.jpg`);
  }

  /**
   * The classes named in an image's annotation: ascending 0-based indices into `classes`. Names of object
   * parts do not count.
   *
   * @throws {SyntaxError} The annotation is not XML or names an unknown class.
   */
  async labels(id: string): Promise<number[]> {
    const { path } = this.labelSource(id);
    return parseAnnotation(await readFile(path, "utf8"), path, classNames(this.classes));
  }

  labelSource(id: string): Extract<Source, { path: string }> {
    return { path: join(this.root, "Annotations", `${id}.xml`) };
  }

  truthPath(id: string): string {
    return join(this.root, "SegmentationClass", `${id}.png`);
  }

  /** The image's truth from `SegmentationClass`: 1-based classes, 255 = ignore. */
  async truth(id: string): Promise<Mask> {
    return decodeMaskPng(await readFile(this.truthPath(id)));
  }
}

/**
 * See {@linkcode VocFolder.labels}; `where` names the file in errors.
 *
 * @param classes Names that may occur. Default: VOC's.
 */
export function parseAnnotation(
  xml: string,
  where: string,
  classes: readonly string[] = VOC_CLASSES,
): number[] {
  const parser = new XMLParser({
    isArray: (name) => name === "object",
    processEntities: false,
    parseTagValue: false,
  });
  let root: Record<string, unknown>;
  try {
    root = parser.parse(xml, true);
  } catch (error) {
    throw new SyntaxError(`Cannot read annotation ${where}: ${(error as Error).message}`);
  }
  if (root.annotation === undefined) {
    throw new SyntaxError(`Cannot read annotation ${where}: its root is no <annotation>`);
  }
  const objects = (root.annotation as { object?: { name?: unknown }[] }).object ?? [];
  const found = new Set<number>();
  for (const { name } of objects) {
    const index = classes.indexOf(String(name));
    if (index < 0) throw new SyntaxError(`Cannot read annotation ${where}: no class "${name}"`);
    found.add(index);
  }
  return [...found].sort((a, b) => a - b);
}
