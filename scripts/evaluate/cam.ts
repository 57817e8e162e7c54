/**
 * `deno task evaluate:cam --data VOC2012 --set dev`: how well a CAM model's maps, and the masks cut from
 * them with and without known labels, fit the truth.
 *
 * Thresholds and scales are to be chosen on one set and reported on another: `--sweep` is for the first.
 */

import { maskClasses, reportCams } from "../../core/evaluation/cam_report.ts";
import { MEASURED_CLASSES, measuredOf, SWEEP } from "../../core/evaluation/cam_measures.ts";
import { evaluateCamSet } from "../../core/evaluation/cam_set.ts";
import { writeFileAtomic } from "../../core/files.ts";
import { createSilop } from "../../core/silop.ts";
import { classNames } from "../../core/data/class_list.ts";
import {
  addWorkOptions,
  createCommand,
  EXIT_USAGE,
  fail,
  numberIn,
  numbersIn,
  readList,
  silopOptions,
  warnOfFallback,
  type WorkFlags,
} from "../cli.ts";
import { startProgress } from "../progress.ts";
import { addDataOptions, openData } from "../voc/voc_flags.ts";
import { formatCams } from "./print_cams.ts";

interface EvaluateFlags extends WorkFlags {
  data: string;
  set: string;
  scales?: number[];
  threshold?: number;
  classes?: string;
  meanClasses?: string[];
  sweep: boolean;
  out?: string;
}

async function run(flags: EvaluateFlags): Promise<void> {
  const data = await openData(flags, "dev");
  const chosen = flags.meanClasses ?? measuredOf(data.classes);
  try {
    maskClasses(chosen, classNames(data.classes));
  } catch (error) {
    fail((error as Error).message, EXIT_USAGE);
  }
  const ids = await data.ids(flags.set);
  if (ids.length === 0) fail(`${flags.set} names no images`);
  using silop = createSilop({
    ...silopOptions(flags),
    aim: "throughput",
  });
  const ready = await silop.ready;
  const { camModel: info, device } = ready;
  warnOfFallback(ready);
  const { scales = info.scales, threshold = info.threshold } = flags;
  const progress = startProgress(`CAMs of ${flags.set}`, ids.length, "images");
  const start = performance.now();
  const evaluation = await evaluateCamSet(silop, info, data, ids, {
    scales,
    threshold,
    sweep: flags.sweep ? SWEEP : [],
    onImage: () => progress.step(),
  });
  const seconds = (performance.now() - start) / 1000;
  progress.stop();
  const report = reportCams(evaluation, info, chosen);
  const { workers, threads } = silop.plan;
  console.log(
    `${info.file} on ${flags.set}: ${ids.length} images, scales ${
      scales.join(", ")
    } with mirrors, ` +
      `threshold ${threshold}; ${(ids.length / seconds).toFixed(2)} images/s ` +
      `(${device}, ${workers} workers of ${threads} threads)\n`,
  );
  console.log(formatCams(report));
  if (flags.out !== undefined) {
    const { file, sha256 } = info;
    const record = { model: { file, sha256 }, set: flags.set, scales, threshold, ...report };
    await writeFileAtomic(flags.out, JSON.stringify(record, null, 2) + "\n");
  }
}

if (import.meta.main) {
  const command = createCommand(
    "evaluate:cam",
    "Measure a CAM model's maps and masks on a set of images with truth.",
  );
  addDataOptions(command, "dev")
    .option("--scales <list>", "scales of the image (default: the model's)", numbersIn(0.1, 4))
    .option("--threshold <t>", "CAM value of foreground (default: the model's)", numberIn(0, 1))
    .option(
      "--mean-classes <list>",
      `classes of the first mean (default: ${MEASURED_CLASSES} of VOC's, else all)`,
      readList,
    )
    .option("--sweep", "try thresholds 0.02, 0.04 … 0.5 as well", false)
    .option("--out <file>", "write all figures there as JSON")
    .action(run);
  addWorkOptions(command);
  try {
    await command.parseAsync(Deno.args, { from: "user" });
  } catch (error) {
    fail((error as Error).message);
  }
}
