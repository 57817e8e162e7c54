/**
 * `deno task voc:evaluate`: how well the results of a run fit the truth: `RUN/evaluation/metrics.json`,
 * a table and a plot.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../core/files.ts";
import { errorFileName } from "../../core/batch/error_file.ts";
import { type FileKind, slotOf } from "../../core/batch/folders.ts";
import type { Hire } from "../../core/batch/crew.ts";
import { runBatch } from "../../core/batch/run_batch.ts";
import type { Slot } from "../../core/batch/task.ts";
import type { EvaluateOptions } from "../../core/batch/tasks/evaluate.ts";
import { type ChainResult, reportChain } from "../../core/evaluation/chain_report.ts";
import { readImageCounts, sumImageCounts } from "../../core/evaluation/image_counts.ts";
import { classNames } from "../../core/data/class_list.ts";
import type { DataSet } from "../../core/data/data_set.ts";
import type { Confusion } from "../../kernels/confusion.ts";
import {
  createCommand,
  EXIT_FAILED,
  EXIT_USAGE,
  fail,
  numberIn,
  readList,
  someOf,
} from "../cli.ts";
import { startProgress } from "../progress.ts";
import { plotIou } from "./plot_iou.ts";
import {
  addWorkOptions,
  hireOf,
  openData,
  placesOf,
  readIds,
  type RunFlags,
  shardFile,
  shardName,
  surroundingsOf,
} from "./voc_flags.ts";

/** What can be measured: maps, with thresholds, and masks. */
const MAPS = ["cam", "combined", "random_walk"] as const satisfies readonly FileKind[];
const MASKS = ["pseudo_labels", "segmentation"] as const satisfies readonly FileKind[];
const KINDS = [...MAPS, ...MASKS] as const satisfies readonly FileKind[];
type Kind = typeof KINDS[number];
/** Thresholds tried: 0.05, 0.10, … 0.75. */
const STEP = 0.05;
const STEPS = 15;

/** How well results of a kind fit the truth. */
interface Measured extends ChainResult {
  /** Images measured. */
  readonly images: number;
  /** Images asked for that could not be measured, and are left out. */
  readonly failed: number;
}

interface EvaluateFlags extends RunFlags {
  what?: Kind[];
  meanClasses?: string[];
  threshold?: number;
}

const command = createCommand("voc:evaluate", "Compare the results of a run with the truth.");
addWorkOptions(command)
  .option("--what <list>", `of ${KINDS.join(",")} (default: all there are)`, someOf(KINDS))
  .option(
    "--mean-classes <list>",
    "classes of a mean of their own, as background,cat,dog; it decides which threshold is best",
    readList,
  )
  .option(
    "--threshold <n>",
    "report maps at this threshold, chosen on other images, instead of the best here",
    numberIn(STEP, STEP * STEPS),
  );
command.parse(Deno.args, { from: "user" });
await evaluate(command.opts<EvaluateFlags>());

async function evaluate(flags: EvaluateFlags): Promise<void> {
  const data = await openData(flags);
  const names = ["background", ...classNames(data.classes)];
  const chosen = classIndices(flags.meanClasses ?? [], names);
  const places = placesOf(flags, data);
  const kinds = flags.what ?? KINDS.filter((kind) => existsSync(slotOf(kind, places).folder));
  if (kinds.length === 0) fail(`There are no results in ${flags.run}`, EXIT_USAGE);
  const ids = await readIds(flags, data);
  const hire = await hireOf(flags);
  const results: Measured[] = [];
  let failures = 0;
  for (const kind of kinds) {
    const thresholds = thresholdsOf(kind, flags.threshold);
    const { matrices, failed } = await count(flags, data, kind, thresholds, ids, hire);
    failures += failed;
    if (failed === ids.length) continue;
    const result = reportChain(kind, matrices, thresholds, names, chosen, flags.threshold);
    results.push({ ...result, images: ids.length - failed, failed });
  }
  if (results.length > 0) await report(flags, results, ids.length);
  if (failures > 0) {
    const file = errorFileName("evaluate-*", shardName(flags));
    console.error(`${failures} failed: see ${file} in ${flags.run}`);
    Deno.exit(EXIT_FAILED);
  }
  Deno.exit(0);
}

/** Sums the counts of all images, made by workers and kept in the run. */
async function count(
  flags: RunFlags,
  data: DataSet,
  kind: Kind,
  thresholds: readonly number[],
  ids: readonly string[],
  hire: Hire | undefined,
): Promise<{ matrices: Confusion[]; failed: number }> {
  const { surroundings, workers } = surroundingsOf(flags, data);
  const places = placesOf(flags, data);
  const classes = data.classes.length + 1;
  const task = `evaluate-${kind}`;
  const counts: Slot = {
    folder: join(places.run, "evaluation", kind),
    ending: ".npz",
    madeBy: task,
  };
  let progress: ReturnType<typeof startProgress> | undefined;
  const predicted = slotOf(kind, places);
  const { failed } = await runBatch({
    run: places.run,
    task,
    ids,
    shard: shardName(flags),
    inputs: { truth: slotOf("truth", places), predicted },
    outputs: { counts },
    module: new URL("../../core/batch/tasks/evaluate.ts", import.meta.url),
    options: { thresholds, classes } satisfies EvaluateOptions,
    madeWith: { thresholds, classes },
    surroundings,
    workers,
    // Counts of other thresholds are worth nothing.
    redo: true,
    hire,
  }, {
    planned: (todo) => todo > 0 && (progress = startProgress(task, todo, "images")),
    finished: (id) => progress?.step(1, id),
    failed: (id, { message }) => console.error(`${task}: ${id}: ${message}`),
  }).catch((error: Error) => fail(error.message));
  progress?.stop();
  const bad = new Set(failed);
  const good = ids.filter((id) => !bad.has(id));
  const matrices = sumImageCounts(
    good.map((id) => readImageCounts(places.run, kind, id, classes)),
  ) ?? [];
  return { matrices, failed: failed.length };
}

async function report(flags: EvaluateFlags, results: Measured[], asked: number): Promise<void> {
  const shard = shardName(flags);
  const path = (name: string, ending: string) =>
    join(flags.run, "evaluation", shardFile(name, flags, ending));
  const metrics = { set: flags.set, shard, asked, classes: flags.meanClasses ?? [], results };
  const table = tableOf(results, flags.meanClasses);
  await writeFileAtomic(path("metrics", "json"), JSON.stringify(metrics, null, 2) + "\n");
  await writeFileAtomic(path("metrics", "txt"), table);
  const set = shard === "" ? flags.set : `${flags.set}, part ${shard}`;
  const title = `IoU by class, ${countOf(results)} images of ${set}`;
  await writeFileAtomic(path("iou", "svg"), plotIou(results, title));
  console.log(table.trimEnd());
}

/** `20`, or `18 to 20` where kinds of results were measured on different numbers of images. */
function countOf(results: readonly Measured[]): string {
  const counts = results.map(({ images }) => images);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? `${most}` : `${least} to ${most}`;
}

function tableOf(results: readonly Measured[], meanClasses?: readonly string[]): string {
  const percent = (value: number | null) => value === null ? "–" : (100 * value).toFixed(1);
  const rows = [
    ["", ...results.map(({ kind }) => kind)],
    ["images", ...results.map(({ images }) => String(images))],
    [
      "threshold",
      ...results.map(({ at: { threshold }, chosenHere }) =>
        threshold === null ? "–" : threshold.toFixed(2) + (chosenHere ? "*" : "")
      ),
    ],
    ["mIoU chosen", ...results.map(({ at }) => percent(at.chosen))],
    ["mIoU present", ...results.map(({ at }) => percent(at.present))],
    [`mIoU all ${results[0]!.classes.length}`, ...results.map(({ at }) => percent(at.miou))],
    ["FP", ...results.map(({ at }) => percent(at.fp))],
    ["FN", ...results.map(({ at }) => percent(at.fn))],
    ...results[0]!.classes.flatMap(({ name }, c) =>
      results.some(({ classes }) => classes[c]!.pixels > 0)
        ? [[name, ...results.map(({ classes }) => percent(classes[c]!.iou))]]
        : []
    ),
  ];
  const lines = rows.map(([name, ...cells]) =>
    name!.padEnd(14) + cells.map((cell) => cell.padStart(15)).join("")
  );
  if (results.some(({ chosenHere }) => chosenHere)) {
    lines.push("* the best threshold for these very images, which flatters");
  }
  const unseen = (meanClasses ?? []).filter((name) =>
    results[0]!.classes.some((of) => of.name === name && of.pixels === 0)
  );
  if (unseen.length > 0) {
    lines.push(`The truth shows no ${unseen.join(", ")}: left out of "mIoU chosen"`);
  }
  if (results.some(({ failed }) => failed > 0)) {
    lines.push("Images that failed are left out: compare columns of the same images only");
  }
  return lines.join("\n") + "\n";
}

/** The steps of a sweep, and among them the threshold that is asked for. */
function thresholdsOf(kind: Kind, wanted?: number): number[] {
  if (MASKS.some((mask) => mask === kind)) return [];
  const steps = Array.from({ length: STEPS }, (_, i) => (i + 1) * STEP);
  if (wanted === undefined || steps.some((step) => Math.abs(step - wanted) < 1e-9)) return steps;
  return [...steps, wanted].sort((a, b) => a - b);
}

function classIndices(chosen: readonly string[], names: readonly string[]): number[] {
  return chosen.map((name) => {
    const index = names.indexOf(name);
    if (index < 0) fail(`Unknown class "${name}"; there are ${names.join(", ")}`, EXIT_USAGE);
    return index;
  });
}
