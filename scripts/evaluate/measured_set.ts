/** Which images scripts that measure look at, and over which classes their means go. */

import type { Command } from "commander";
import { classNames } from "../../core/data/class_list.ts";
import type { DataSet } from "../../core/data/data_set.ts";
import { MEASURED_CLASSES, measuredOf } from "../../core/evaluation/cam_measures.ts";
import { maskClasses } from "../../core/evaluation/cam_report.ts";
import { addWorkOptions, EXIT_USAGE, fail, readList, type WorkFlags } from "../cli.ts";
import { addDataOptions, openData } from "../voc/voc_flags.ts";

/** What {@linkcode addMeasureOptions} adds. */
export interface MeasureFlags extends WorkFlags {
  data: string;
  set: string;
  classes?: string;
  meanClasses?: string[];
}

/** Images with truth, and what is measured of them. */
export interface MeasuredSet {
  readonly data: DataSet;
  readonly ids: readonly string[];
  /** Names of the classes that the mean goes over. */
  readonly names: readonly string[];
  /** Their numbers in masks. */
  readonly classes: readonly number[];
}

/** Adds the options that all measures have. @param mean Which mean is over chosen classes. */
export function addMeasureOptions(command: Command, mean: string): Command {
  addDataOptions(command, "dev").option(
    "--mean-classes <list>",
    `classes of ${mean} (default: ${MEASURED_CLASSES} of VOC's, else all)`,
    readList,
  );
  return addWorkOptions(command);
}

/** Opens what the options name; ends the program where there is none of it. */
export async function openMeasuredSet(flags: MeasureFlags, limit?: number): Promise<MeasuredSet> {
  const data = await openData(flags, "dev");
  const names = flags.meanClasses ?? measuredOf(data.classes);
  let classes: number[];
  try {
    classes = maskClasses(names, classNames(data.classes));
  } catch (error) {
    fail((error as Error).message, EXIT_USAGE);
  }
  const ids = (await data.ids(flags.set)).slice(0, limit);
  if (ids.length === 0) fail(`${flags.set} names no images`);
  return { data, ids, names, classes };
}

/** Runs a command with the program's arguments. */
export async function runMeasure(command: Command): Promise<void> {
  try {
    await command.parseAsync(Deno.args, { from: "user" });
  } catch (error) {
    fail((error as Error).message);
  }
}
