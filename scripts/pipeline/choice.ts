/** Choosing what pseudo labels are made of, on images with true masks that nothing is learnt from. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ChainResult } from "../../core/evaluation/chain_report.ts";
import { writeFileAtomic } from "../../core/files.ts";

/** Name of the file in a run. */
export const CHOICE_FILE = "choice.json";

/** One way of making pseudo labels, and what it is worth. */
export interface Trial {
  readonly from: string;
  readonly threshold: number;
  /** Mean IoU of the classes that count, 0..1. */
  readonly iou: number;
}

/** What was tried, and the best of it. */
export interface Choice {
  readonly chosen: Pick<Trial, "from" | "threshold">;
  readonly trials: readonly Trial[];
}

/** Name of a trial's folder. */
export function trialName(from: string, threshold: number): string {
  return `${from}@${threshold}`;
}

/** Reads the measures of all trials, and writes `RUN/choice.json`; of equals the first wins. */
export async function choosePseudoLabels(
  run: string,
  kinds: readonly string[],
  thresholds: readonly number[],
): Promise<void> {
  const trials = kinds.flatMap((from) =>
    thresholds.map((threshold): Trial => {
      const folder = join(run, "choice", trialName(from, threshold));
      return { from, threshold, iou: readIou(folder) };
    })
  );
  const best = trials.reduce((best, trial) => trial.iou > best.iou ? trial : best);
  const choice: Choice = { chosen: { from: best.from, threshold: best.threshold }, trials };
  await writeFileAtomic(join(run, CHOICE_FILE), JSON.stringify(choice, null, 2) + "\n");
}

/** What was chosen; `null` before. */
export function readChoice(run: string): Choice | null {
  try {
    return JSON.parse(readFileSync(join(run, CHOICE_FILE), "utf8")) as Choice;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function readIou(folder: string): number {
  const text = readFileSync(join(folder, "evaluation", "metrics.json"), "utf8");
  const { results } = JSON.parse(text) as { results: ChainResult[] };
  const { at } = results.find(({ kind }) => kind === "pseudo_labels")!;
  return at.chosen ?? at.present ?? at.miou;
}
