/** The chain without its parts: what was tried, set beside the run's own results of the same images. */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type ChainResult, reportChain } from "../evaluation/chain_report.ts";
import { readImageCounts, sumImageCounts } from "../evaluation/image_counts.ts";
import type { Part } from "../pipeline/manifest.ts";
import { readResults } from "./results.ts";

/** A line of the table of the ablation. */
export interface AblationRow {
  /** `maps`, `labels` or `segmentation`: lines of one group can be compared. */
  readonly group: "maps" | "labels" | "segmentation";
  readonly title: string;
  /** Mean IoU, 0..1; of maps at the threshold that is best on these very images. */
  readonly iou: number;
  readonly images: number;
  /** Whether it is the run's own result. */
  readonly own: boolean;
}

const SOURCES: Readonly<Record<string, string>> = {
  cam: "the CAM (no PerimeterFit)",
  combined: "the CAM with PerimeterFit",
  random_walk: "the random walk",
  walk_cam: "the random walk on the CAM (no PerimeterFit)",
  walk_combined: "the random walk on the CAM with PerimeterFit",
};
/** Variants by their folders' names. */
const TITLES: Readonly<Record<string, string>> = {
  "combined-slic": "PerimeterFit, SLIC's branch alone",
  "combined-quickshift": "PerimeterFit, quickshift's branch alone",
  "walk-cam": "random walk on the CAM (no PerimeterFit)",
  "walk-combined": "random walk on the CAM with PerimeterFit",
  "walk-perimeter-edges": "random walk between perimeters, without AffinityNet",
  "segmentation-crf-no": "segmentation network, without CRF",
  "segmentation-crf-yes": "segmentation network, with CRF",
};

const OWN_TITLES: Readonly<Record<string, string>> = {
  cam: "the CAM alone",
  combined: "PerimeterFit, both branches",
  random_walk: "random walk, as in this run",
  pseudo_labels: "as in this run",
  segmentation: "segmentation network, as in this run",
};
/** Titles in the order of the chain; others come after these. */
const ORDER = [
  OWN_TITLES.cam,
  TITLES["combined-slic"],
  TITLES["combined-quickshift"],
  OWN_TITLES.combined,
  TITLES["walk-cam"],
  TITLES["walk-combined"],
  OWN_TITLES.random_walk,
  TITLES["walk-perimeter-edges"],
];

function orderOf(title: string): number {
  const at = ORDER.indexOf(title);
  return at < 0 ? ORDER.length : at;
}

/** Reads what an ablation left in a run, in the order of the chain. */
export function readAblation(
  run: string,
  { part }: Part,
  ids: readonly string[],
  { names, chosen }: { names: readonly string[]; chosen: readonly number[] },
): AblationRow[] {
  const folder = join(run, "ablation", part);
  if (!existsSync(folder)) return [];
  const variants = readdirSync(folder).filter((name) => readResults(join(folder, name)).length > 0);
  // The same images for all: those of the variant that has the fewest.
  const common = ids.filter((id) =>
    variants.every((name) => {
      const [result] = readResults(join(folder, name));
      return readImageCounts(join(folder, name), result!.kind, id, names.length) !== null;
    })
  );
  const row = (
    at: string,
    { kind, sweep }: ChainResult,
    title: string,
    group: AblationRow["group"],
    own: boolean,
  ): AblationRow[] => {
    const sums = sumImageCounts(common.map((id) => readImageCounts(at, kind, id, names.length)));
    if (sums === null) return [];
    const tried = sweep.flatMap(({ threshold }) => threshold ?? []);
    const { at: point } = reportChain(kind, sums, tried, names, chosen);
    const iou = point.chosen ?? point.present ?? point.miou;
    return [{ group, title, iou, images: common.length, own }];
  };
  const base = join(run, part);
  const own = readResults(base).flatMap((result) => {
    const { kind } = result;
    return row(base, result, OWN_TITLES[kind] ?? kind, groupOf(kind), true);
  });
  const others = variants.flatMap((name) => {
    const [result] = readResults(join(folder, name));
    return row(join(folder, name), result!, titleOf(name), groupOf(result!.kind), false);
  });
  const all = [...own, ...others].sort((a, b) => orderOf(a.title) - orderOf(b.title));
  return (["maps", "labels", "segmentation"] as const).flatMap((group) =>
    all.filter((row) => row.group === group)
  );
}

function groupOf(kind: string): AblationRow["group"] {
  if (kind === "pseudo_labels") return "labels";
  return kind === "segmentation" ? "segmentation" : "maps";
}

function titleOf(name: string): string {
  const [, from, steps] = /^labels-(\w+)-crf-(\d+)$/.exec(name) ?? [];
  if (from === undefined) return TITLES[name] ?? name;
  return `labels of ${SOURCES[from] ?? from}, ${
    steps === "0" ? "no CRF" : `CRF of ${steps} step${steps === "1" ? "" : "s"}`
  }`;
}
