/**
 * `deno task evaluate:fit --data VOC2012 --set dev`: what each fit rule makes of the CAMs of a set with known
 * labels, before and after the dense CRF, at every background threshold.
 *
 * A rule and its threshold are to be chosen on one set and reported on another.
 */

import { readFile } from "node:fs/promises";
import { meanIou } from "../../core/evaluation/cam_report.ts";
import { checkTruthSize, inLanes } from "../../core/evaluation/measure_images.ts";
import type { Planes } from "../../core/raster.ts";
import { renumberClasses } from "../../core/batch/renumber_classes.ts";
import type { CamModelInfo } from "../../core/runtime/models.ts";
import { createSilop, type Silop } from "../../core/silop.ts";
import { fitMaps } from "../../core/stages/fit.ts";
import { findEdges, paintLabels, type PerimeterBranch } from "../../core/stages/perimeter.ts";
import { DEFAULT_FIT, REFINE_CRF } from "../../core/stages/refine.ts";
import { FIT_RULES } from "../../core/stages/refine_choices.ts";
import { walkCam } from "../../core/stages/walk.ts";
import { classNames } from "../../core/data/class_list.ts";
import type { DataSet } from "../../core/data/data_set.ts";
import { addConfusion, type Confusion, createConfusion } from "../../kernels/confusion.ts";
import { crfKernels } from "../../kernels/dense_crf.ts";
import { pseudoLabels } from "../../kernels/pseudo_labels.ts";
import { sweepConfusion } from "../../kernels/sweep_confusion.ts";
import { createCommand, integerIn, numbersIn, silopOptions } from "../cli.ts";
import { startProgress } from "../progress.ts";
import {
  addMeasureOptions,
  type MeasureFlags,
  openMeasuredSet,
  runMeasure,
} from "./measured_set.ts";

interface FitFlags extends MeasureFlags {
  limit?: number;
  thresholds?: number[];
}

/** Confusions of one kind of maps: as they are and after the CRF, one for each threshold. */
interface Tally {
  readonly plain: Confusion[];
  readonly revised: Confusion[];
}

/** Larger photos would be reduced, and no longer fit their truth. */
const WORKING_SIZE = 576;
const THRESHOLDS = Array.from({ length: 20 }, (_, i) => (i + 1) / 50);

async function run(flags: FitFlags): Promise<void> {
  const { data, ids, names, classes } = await openMeasuredSet(flags, flags.limit);
  const thresholds = [...new Set(flags.thresholds ?? THRESHOLDS)].sort((a, b) => a - b);
  using silop = createSilop({ ...silopOptions(flags), aim: "throughput" });
  const { camModel } = await silop.ready;
  const tallies = new Map<string, Tally>();
  const progress = startProgress(`fits of ${flags.set}`, ids.length, "images");
  await inLanes(ids, silop.plan.workers, async (id) => {
    await measure(silop, camModel, data, id, thresholds, tallies);
    progress.step();
  });
  progress.stop();
  console.log(
    `${flags.set}, ${ids.length} images, known labels: mean IoU over ${names.join(", ")}`,
  );
  console.log(`at the best threshold; ${REFINE_CRF.fitted.steps} steps of the CRF\n`);
  console.log(`${"rule".padEnd(27)}${"maps".padStart(6)}   at${"with CRF".padStart(12)}   at`);
  const best = (matrices: readonly Confusion[]) => {
    const means = matrices.map((matrix) => meanIou(matrix, classes));
    const at = means.indexOf(Math.max(...means));
    return `${(100 * means[at]!).toFixed(2)} ${thresholds[at]!.toFixed(2)}`;
  };
  for (const [rule, { plain, revised }] of tallies) {
    console.log(`${rule.padEnd(27)}${best(plain).padStart(11)}${best(revised).padStart(17)}`);
  }
}

/** Adds one image to the tallies of the CAM, of each rule, and of walks. */
async function measure(
  silop: Silop,
  { classes: numbered }: Pick<CamModelInfo, "classes">,
  data: DataSet,
  id: string,
  thresholds: readonly number[],
  tallies: Map<string, Tally>,
): Promise<void> {
  const labels = (await data.labels(id)).map((label) => data.classes[label]!.name);
  const truth = await data.truth(id);
  const bytes = await readFile(data.imagePath(id));
  const { cam: made, image, perimeters } = await silop.refine(bytes, {
    labels,
    workingSize: WORKING_SIZE,
  });
  if (labels.length === 0) return;
  const cam = renumberClasses(made, numbered, classNames(data.classes));
  const { width, height } = image;
  checkTruthSize(id, image, truth);
  const classes = data.classes.length + 1;
  const kernels = crfKernels(image.data, width, height);
  const add = (name: string, maps: Planes) => {
    const create = () => thresholds.map(() => createConfusion(classes));
    const tally = tallies.get(name) ?? { plain: create(), revised: create() };
    tallies.set(name, tally);
    const plain = sweepConfusion(truth.data, maps.data, cam.keys, thresholds, classes);
    thresholds.forEach((threshold, t) => {
      plain[t]!.counts.forEach((count, i) => tally.plain[t]!.counts[i]! += count);
      const options = { threshold, ...REFINE_CRF.fitted };
      const mask = pseudoLabels(maps.data, cam.keys, width, height, kernels, options);
      addConfusion(tally.revised[t]!, truth.data, mask.labels);
    });
  };
  const { branches } = perimeters;
  const lines = branches.map(({ perimeter }) => perimeter);
  add("cam", cam.hrCam);
  add("cam, walked", walkCam(cam.cam, lines, width, height));
  for (const rule of FIT_RULES) {
    const fitted = fitMaps(cam, rule === "reference" ? branches.map(publish) : branches, rule);
    add(rule, fitted.hrCam);
    if (rule !== DEFAULT_FIT) continue;
    add(`${rule}, walked`, walkCam(fitted.cam, lines, width, height));
    for (const branch of branches) {
      add(`${rule}, ${branch.method}`, fitMaps(cam, [branch], rule).hrCam);
    }
  }
}

/** The branch with the lines that the published code finds. */
function publish(branch: PerimeterBranch): PerimeterBranch {
  const { width, height, data } = branch.labels;
  const edges = findEdges(data, paintLabels(data, width, height), "canny");
  return { ...branch, perimeter: { width, height, data: edges } };
}

if (import.meta.main) {
  const command = createCommand(
    "evaluate:fit",
    "Measure the rules that fit CAMs to perimeters on a set of images with truth.",
  );
  addMeasureOptions(command, "the mean")
    .option("--limit <n>", "only the first images of the set", integerIn(1, 1e6))
    .option("--thresholds <list>", "to try (default: 0.02, 0.04 … 0.4)", numbersIn(0, 2))
    .action(run);
  await runMeasure(command);
}
