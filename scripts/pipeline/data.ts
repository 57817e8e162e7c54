/** The data set of a run: which of its lists are for what, and which classes count. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { classNames } from "../../core/data/class_list.ts";
import type { DataSet } from "../../core/data/data_set.ts";
import { openDataSet } from "../../core/data/open.ts";
import { OptionError } from "../../core/errors.ts";
import type { Part, ROLES } from "../../core/pipeline/manifest.ts";
import type { ReadConfig, SilopConfig } from "./config.ts";

type Role = typeof ROLES[number];

/** A list of images with its ids, those left out by a limit not among them. */
export interface PartImages extends Part {
  readonly ids: readonly string[];
}

/** See {@linkcode openParts}. */
export interface OpenedData {
  readonly data: DataSet;
  readonly parts: readonly PartImages[];
  /** Classes of the mean that counts; empty for all. */
  readonly measured: readonly string[];
  readonly warnings: readonly string[];
}

/** Names that are looked for when none is told and the preset's is not there. */
const USUAL: Readonly<Record<Role, readonly string[]>> = {
  train: ["train", "fit"],
  dev: ["dev", "val"],
  test: ["test"],
};

/**
 * Opens the data set and its lists. A list that the user names must be there; one that only the preset
 * names may be missing, and one of a usual name takes its place.
 *
 * @throws {OptionError} A list is missing or empty, or there is a class that the data does not have. Errors
 *   of reading pass through.
 */
export async function openParts(
  path: string,
  classes: string | undefined,
  { config, told }: ReadConfig,
): Promise<OpenedData> {
  const data = await openDataSet(path, classes);
  const warnings: string[] = [];
  const parts: PartImages[] = [];
  const add = async (role: Role, part: string, name: string) => {
    const limit = role === "train" ? undefined : config.limits?.[role];
    parts.push(await readPart(data, { role, part, name, limit }));
  };
  const train = await chooseList(data, "train", config.sets, told.sets) ?? data.defaultSet;
  await add("train", "train", train);
  const dev = await chooseList(data, "dev", config.sets, told.sets);
  if (dev !== null) await add("dev", "dev", dev);
  const named = config.sets?.test;
  const tests = Array.isArray(named)
    ? named
    : [await chooseList(data, "test", { ...config.sets, test: named }, told.sets)];
  for (const [i, name] of tests.entries()) {
    if (name !== null) await add("test", i === 0 ? "test" : `test-${name}`, name);
  }
  const learnt = new Set(parts[0]!.ids);
  for (const { role, name, ids, truth } of parts) {
    if (role === "train") continue;
    const seen = ids.filter((id) => learnt.has(id)).length;
    if (seen > 0) warnings.push(`${seen} images of ${name} are among those to learn from`);
    if (!truth) warnings.push(`not all images of ${name} have masks: nothing is measured on them`);
  }
  const names = classNames(data.classes);
  const unknown = (told.measured ?? []).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new OptionError(`${unknown} is no class of the data`);
  const measured = (config.measured ?? []).filter((name) => names.includes(name));
  // A preset's choice of classes is of its own data.
  const apt = told.measured !== undefined || measured.length === config.measured?.length;
  return { data, parts, measured: apt ? measured : [], warnings };
}

async function chooseList(
  data: DataSet,
  role: Role,
  sets: SilopConfig["sets"] = {},
  told: SilopConfig["sets"] = {},
): Promise<string | null> {
  const name = sets[role] as string | null | undefined;
  if (name === null || told[role] !== undefined) return name ?? null;
  for (const candidate of [...(name === undefined ? [] : [name]), ...USUAL[role]]) {
    if (await data.ids(candidate).then(() => true, () => false)) return candidate;
  }
  return null;
}

async function readPart(
  data: DataSet,
  { role, part, name, limit }: Pick<Part, "role" | "part" | "name" | "limit">,
): Promise<PartImages> {
  const all = [...new Set(await data.ids(name))];
  const ids = all.slice(0, limit);
  if (ids.length === 0) throw new OptionError(`The list ${name} has no images`);
  const hash = createHash("sha256");
  for (const id of ids) hash.update(`${id} ${(await data.labels(id)).join(",")}\n`);
  const truth = ids.every((id) => {
    const path = data.truthPath(id);
    return path !== null && existsSync(path);
  });
  const limited = limit !== undefined && limit < all.length ? { limit } : {};
  return {
    part,
    role,
    name,
    images: ids.length,
    sha256: hash.digest("hex"),
    truth,
    ...limited,
    ids,
  };
}
