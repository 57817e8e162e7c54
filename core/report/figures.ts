/** The figures of a report, read from a run's folder. */

import { join } from "node:path";
import { classFigures, type Confusion, meanFigure } from "../../kernels/confusion.ts";
import { BatchError } from "../errors.ts";
import { classNames } from "../data/class_list.ts";
import type { DataSet } from "../data/data_set.ts";
import { openDataSet } from "../data/open.ts";
import { type ChainPoint, type ChainResult, reportChain } from "../evaluation/chain_report.ts";
import { readImageCounts, sumImageCounts } from "../evaluation/image_counts.ts";
import { type Part, readSilopManifest, type SilopManifest } from "../pipeline/manifest.ts";
import { type MetricsLine, readMetrics } from "../training/run/metrics_file.ts";
import { type AblationRow, readAblation } from "./ablation.ts";
import { readResults } from "./results.ts";

/** Kinds of results in the order in which they are made, and what they are called. */
export const STAGE_TITLES: Readonly<Record<string, string>> = {
  cam: "CAM",
  combined: "CAM with PerimeterFit",
  random_walk: "Random walk",
  pseudo_labels: "Pseudo labels",
  segmentation: "Segmentation network",
};
export const STAGE_KINDS = Object.keys(STAGE_TITLES);

/** What the images of a list show. */
export interface PartFigures {
  readonly part: Part;
  readonly ids: readonly string[];
  /** Results by stage, those of maps at the threshold that is best on `dev`. */
  readonly stages: readonly ChainResult[];
  /** Whether the mean is over the classes that count, as far as the truth shows them, or over all it shows. */
  readonly overChosen: boolean;
  /** Names of classes that count, but that the truth does not show. */
  readonly unseen: readonly string[];
  /** The last kind of result, image by image, worst first. */
  readonly images: readonly ImageFigures[];
  /** Pixels by true and by predicted class of that kind. */
  readonly confusion: Confusion | null;
  readonly ablation: readonly AblationRow[];
}

/** How well one image is segmented. */
export interface ImageFigures {
  readonly id: string;
  /** Mean IoU of the classes in its truth. */
  readonly iou: number;
  readonly confusion: Confusion;
}

/** The lines of a training. */
export interface TrainingFigures {
  readonly name: string;
  readonly lines: readonly MetricsLine[];
}

/** All that a report tells. */
export interface ReportFigures {
  readonly run: string;
  readonly manifest: SilopManifest;
  readonly data: DataSet;
  /** Names of the classes, background first. */
  readonly names: readonly string[];
  readonly parts: readonly PartFigures[];
  readonly trainings: readonly TrainingFigures[];
}

const TRAININGS = ["classifier", "affinity", "segmentation"];

/**
 * Reads a run.
 *
 * @throws {BatchError} The folder holds no run of the whole method. Errors of the data set pass through.
 */
export async function readFigures(run: string): Promise<ReportFigures> {
  const manifest = readSilopManifest(run);
  if (manifest === null) {
    throw new BatchError(`${run} holds no run of the whole method: there is no silop.json in it`);
  }
  const { path, classFile, measured, parts } = manifest.data;
  const data = await openDataSet(path, classFile ?? undefined);
  const names = ["background", ...classNames(data.classes)];
  const chosen = measured.length === 0
    ? []
    : [0, ...measured.map((name) => names.indexOf(name)).filter((index) => index > 0)];
  const dev = parts.find(({ role }) => role === "dev");
  const thresholds = dev === undefined ? new Map() : bestThresholds(join(run, dev.part));
  const figures: PartFigures[] = [];
  for (const part of parts) {
    const ids = [...new Set(await data.ids(part.name))].slice(0, part.limit);
    figures.push(readPart(run, part, ids, names, chosen, thresholds));
  }
  const trainings = TRAININGS.map((name) => ({ name, lines: readMetrics(join(run, name)) }));
  return {
    run,
    manifest,
    data,
    names,
    parts: figures,
    trainings: trainings.filter(({ lines }) => lines.length > 0),
  };
}

/** The mean that counts of a point. */
export function meanOf(point: ChainPoint, overChosen: boolean): number {
  return (overChosen ? point.chosen : null) ?? point.present ?? point.miou;
}

function bestThresholds(folder: string): Map<string, number> {
  return new Map(
    readResults(folder).flatMap(({ kind, at }) =>
      at.threshold === null ? [] : [[kind, at.threshold]]
    ),
  );
}

function readPart(
  run: string,
  part: Part,
  ids: readonly string[],
  names: readonly string[],
  chosen: readonly number[],
  thresholds: ReadonlyMap<string, number>,
): PartFigures {
  const folder = join(run, part.part);
  const stages: ChainResult[] = [];
  const measured = readResults(folder);
  const seen = chosen.filter((c) => (measured[0]?.classes[c]?.pixels ?? 0) > 0);
  for (const result of measured) {
    const { kind, sweep } = result;
    const sums = sumImageCounts(ids.map((id) => readImageCounts(folder, kind, id, names.length)));
    if (sums === null) continue;
    const tried = sweep.flatMap(({ threshold }) => threshold ?? []);
    stages.push(reportChain(kind, sums, tried, names, seen, thresholds.get(kind)));
  }
  stages.sort((a, b) => STAGE_KINDS.indexOf(a.kind) - STAGE_KINDS.indexOf(b.kind));
  const last = stages.findLast(({ sweep }) => sweep.every(({ threshold }) => threshold === null));
  const images = last === undefined ? [] : imagesOf(folder, last.kind, ids, names.length);
  // Background alone is no mean that anybody asks for.
  const overChosen = seen.some((c) => c > 0);
  return {
    part,
    ids,
    stages,
    overChosen,
    unseen: overChosen ? chosen.filter((c) => !seen.includes(c)).map((c) => names[c]!) : [],
    images,
    confusion: sumImageCounts(images.map(({ confusion }) => [confusion]))?.[0] ?? null,
    ablation: readAblation(run, part, ids, { names, chosen: overChosen ? seen : [] }),
  };
}

function imagesOf(
  folder: string,
  kind: string,
  ids: readonly string[],
  classes: number,
): ImageFigures[] {
  return ids.flatMap((id) => {
    const [confusion] = readImageCounts(folder, kind, id, classes) ?? [];
    if (confusion === undefined) return [];
    const figures = classFigures(confusion);
    const present = figures.flatMap(({ truth }, c) => truth > 0 ? [c] : []);
    return present.length === 0
      ? []
      : [{ id, iou: meanFigure(figures, "iou", present), confusion }];
  }).sort((a, b) => a.iou - b.iou || (a.id < b.id ? -1 : 1));
}
