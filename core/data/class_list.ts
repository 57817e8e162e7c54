/** Lists of classes: names, and colours for those that shall not have VOC's. */

import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { z } from "zod";
import { vocPalette } from "../image/palette.ts";
import { colorOf } from "../runtime/legend.ts";
import type { Rgb } from "../runtime/models.ts";
import { VOC_CLASSES } from "../voc/classes.ts";
import { parseCsv } from "./csv.ts";

/** A foreground class; that at place `i` of a list is label `i + 1` of a mask. */
export interface DataClass {
  readonly name: string;
  /** `#rrggbb`. Default: VOC's colour of the label. */
  readonly color?: string;
}

/** Labels are bytes, of which 0 is background and 255 is to be ignored. */
export const MAX_CLASSES = 254;

/** The classes of VOC 2012. */
export const VOC_CLASS_LIST: readonly DataClass[] = VOC_CLASSES.map((name) => ({ name }));

const className = z.string().trim().min(1).max(100)
  // Labels are separated by semicolons; lines and lists by line ends and commas.
  .regex(/^[^;,\p{Cc}]*$/u, "must hold no comma, semicolon or control character")
  .refine(
    (name) => name.toLowerCase() !== "background",
    "is a label of its own, which is always 0",
  );
const color = z.string().regex(/^#[0-9a-fA-F]{6}$/, "must be a colour such as #c04000");
const described = z.strictObject({ name: className, color: color.optional() });

/**
 * Checks a list of classes.
 *
 * @param entries Names, or objects of `name` and `color`.
 * @param where Names the list in errors.
 * @throws {SyntaxError} The list is empty, longer than 254, or a name or colour is none or is there twice.
 */
export function checkClasses(entries: readonly unknown[], where: string): DataClass[] {
  const classes = entries.map((value, i): DataClass => {
    const object = typeof value === "object" ? value : { name: value };
    const { success, data, error } = described.safeParse(object);
    if (success) return data;
    const [issue] = error.issues;
    const reason = [issue?.path.join("."), issue?.message].filter(Boolean).join(" ");
    throw new SyntaxError(`${where}: class ${i + 1} (${JSON.stringify(value)}): ${reason}`);
  });
  if (classes.length < 1 || classes.length > MAX_CLASSES) {
    throw new SyntaxError(`${where}: there are ${classes.length} classes, not 1..${MAX_CLASSES}`);
  }
  const places = new Map<string, number>();
  for (const [i, { name }] of classes.entries()) {
    const before = places.get(name);
    if (before !== undefined) {
      throw new SyntaxError(`${where}: classes ${before + 1} and ${i + 1} are both "${name}"`);
    }
    places.set(name, i);
  }
  return classes;
}

/**
 * Reads a file of classes: `.json`, an array of names or of `{"name", "color"}`; `.csv` with the columns
 * `name` and, if wanted, `color`; or any other text, a name on each line.
 *
 * @throws {SyntaxError} The file holds no list of classes. Errors of reading pass through.
 */
export async function readClassList(path: string): Promise<DataClass[]> {
  const text = (await readFile(path, "utf8")).replace(/^\uFEFF/, "");
  switch (extname(path).toLowerCase()) {
    case ".json":
      return checkClasses(parseArray(text, path), path);
    case ".csv":
      return checkClasses(parseTable(text, path), path);
    default: {
      const lines = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== "");
      return checkClasses(lines, path);
    }
  }
}

function parseArray(text: string, path: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`${path} is not JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(value)) throw new SyntaxError(`${path} holds no array of classes`);
  return value;
}

function parseTable(text: string, path: string): unknown[] {
  const [header, ...rows] = parseCsv(text, path);
  const columns = (header?.cells ?? []).map((cell) => cell.trim().toLowerCase());
  const [name, shade] = [columns.indexOf("name"), columns.indexOf("color")];
  if (name < 0) throw new SyntaxError(`${path} line 1: there is no column "name"`);
  return rows.map(({ cells }) => {
    const value = shade < 0 ? "" : (cells[shade] ?? "").trim();
    return { name: cells[name] ?? "", ...(value === "" ? {} : { color: value }) };
  });
}

/** Names of classes. */
export function classNames(classes: readonly DataClass[]): string[] {
  return classes.map(({ name }) => name);
}

/** Whether classes are those of VOC, in its order and colours. */
export function areVocClasses(classes: readonly DataClass[]): boolean {
  return classes.length === VOC_CLASSES.length &&
    classes.every(({ name, color }, i) => name === VOC_CLASSES[i] && color === undefined);
}

/** Colours of masks: VOC's palette, `256×3`, with the colours that the classes name. */
export function paletteOf(classes: readonly DataClass[] = []): Uint8Array {
  const palette = vocPalette();
  classes.forEach(({ color }, i) => {
    if (color === undefined) return;
    const value = parseInt(color.slice(1), 16);
    palette.set([value >> 16, (value >> 8) & 255, value & 255], 3 * (i + 1));
  });
  return palette;
}

/**
 * Colours of classes as a model's manifest entry tells them, VOC's of those without.
 *
 * @param background Whether the entry has background before the classes. Default: `false`.
 * @returns `undefined` when no class has a colour of its own.
 */
export function modelColors(
  classes: readonly DataClass[],
  { background = false }: { background?: boolean } = {},
): Rgb[] | undefined {
  if (classes.every(({ color }) => color === undefined)) return undefined;
  const palette = paletteOf(classes);
  const first = background ? 0 : 1;
  const count = classes.length + 1 - first;
  return Array.from({ length: count }, (_, i) => colorOf(palette, first + i));
}
