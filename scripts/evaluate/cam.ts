/**
 * `deno task evaluate:cam --data VOC2012 --set dev`: how well a CAM model's maps, and the masks cut from
 * them with and without known labels, fit the truth.
 *
 * Thresholds and scales are to be chosen on one set and reported on another: `--sweep` is for the first.
 */

import { reportCams } from "../../core/evaluation/cam_report.ts";
import { SWEEP } from "../../core/evaluation/cam_measures.ts";
import { evaluateCamSet } from "../../core/evaluation/cam_set.ts";
import { writeFileAtomic } from "../../core/files.ts";
import { createSilop } from "../../core/silop.ts";
import { createCommand, numberIn, numbersIn, silopOptions, warnOfFallback } from "../cli.ts";
import { startProgress } from "../progress.ts";
import {
  addMeasureOptions,
  type MeasureFlags,
  openMeasuredSet,
  runMeasure,
} from "./measured_set.ts";
import { formatCams } from "./print_cams.ts";

interface EvaluateFlags extends MeasureFlags {
  scales?: number[];
  threshold?: number;
  sweep: boolean;
  out?: string;
}

async function run(flags: EvaluateFlags): Promise<void> {
  const { data, ids, names } = await openMeasuredSet(flags);
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
  const report = reportCams(evaluation, info, names);
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
  addMeasureOptions(command, "the first mean")
    .option("--scales <list>", "scales of the image (default: the model's)", numbersIn(0.1, 4))
    .option("--threshold <t>", "CAM value of foreground (default: the model's)", numberIn(0, 1))
    .option("--sweep", "try thresholds 0.02, 0.04 … 0.5 as well", false)
    .option("--out <file>", "write all figures there as JSON")
    .action(run);
  await runMeasure(command);
}
