/**
 * The chain without its parts, on the first images of each list that is reported: what every part is worth.
 * All variants read the run's own results and are compared with them on the same images.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pseudoLabelsOptions, settlePseudoLabels } from "../../core/batch/tasks.ts";
import type { ChainResult } from "../../core/evaluation/chain_report.ts";
import { readChoice } from "./choice.ts";
import type { PartImages } from "./data.ts";
import type { StepMaker } from "./plan.ts";
import type { Step } from "./step.ts";

const MAPS = ["cam", "combined", "random_walk"] as const;
type MapKind = typeof MAPS[number];

/** Steps of the variants, each with its measure, in `RUN/ablation/PART/VARIANT`. */
export function planAblation(make: StepMaker): Step[] {
  const { request: { run, parts, ablation } } = make;
  const steps: Step[] = [];
  for (const part of parts.filter(({ role, truth }) => role === "test" && truth)) {
    const images = Math.min(ablation, part.images);
    const source = join(run, part.part);
    const stepOf = (name: string) => `ablation/${part.part}/${name}`;
    const folderOf = (name: string) => join(run, "ablation", part.part, name);
    const use = (kinds: Readonly<Record<string, string>>) =>
      Object.entries(kinds).flatMap(([as, kind]) => ["--use", `${as}=${join(source, kind)}`]);
    const variant = (
      name: string,
      task: "combine" | "random-walk" | "pseudo-labels" | "segment",
      options: () => Readonly<Record<string, unknown>>,
      more: readonly string[],
      after = `evaluate/${part.part}`,
    ) => {
      const folder = folderOf(name);
      const step = stepOf(name);
      const common = { stage: "ablation", part, folder, images };
      const needs = [after];
      steps.push(make.batch({ name: step, task, options, more, needs, ...common }));
      steps.push(make.evaluate(`${step}/iou`, "ablation", part, folder, [step], { images }));
    };

    /** Labels of the maps of a kind in a folder, with and without the CRF. */
    const labels = (name: string, from: MapKind, maps: string, after?: string) => {
      const { crfSteps } = labelsOf(make, from);
      for (const steps of crfSteps === 0 ? [0] : [0, crfSteps]) {
        variant(
          `labels-${name}-crf-${steps}`,
          "pseudo-labels",
          () => ({
            ...make.stageOptions("pseudoLabels"),
            from,
            crfSteps: steps,
            threshold: thresholdFor(make, from, steps > 0),
          }),
          ["--use", `${from}=${maps}`],
          after,
        );
      }
    };

    const combine = make.settled("combine");
    const [made, uss] = combine.fit === "masks" ? ["fit", "fit"] : ["uss", "uss"];
    for (const branch of ["slic", "quickshift"]) {
      // Both places taken by one segmentation leave the other out.
      const inputs = {
        cam: "cam",
        [`${made}_slic`]: `${uss}_${branch}`,
        [`${made}_quickshift`]: `${uss}_${branch}`,
      };
      variant(`combined-${branch}`, "combine", () => make.stageOptions("combine"), use(inputs));
    }

    const sources = sourcesOf(make);
    if (sources.includes("random_walk")) {
      const walk = make.settled("random-walk");
      const other = walk.from === "cam" ? "combined" : "cam";
      const byModel = (walk.edge ?? "model") === "model";
      const options = make.stageOptions("randomWalk");
      const perimeters = {
        perimeter_slic: "perimeter_slic",
        perimeter_quickshift: "perimeter_quickshift",
      };
      const network = make.network("affinity");
      variant(
        `walk-${other}`,
        "random-walk",
        () => ({ ...options, from: other }),
        byModel ? [...use({ [other]: other }), ...network] : use({ [other]: other, ...perimeters }),
      );
      const walked = join(folderOf(`walk-${other}`), "random_walk");
      labels(`walk_${other}`, "random_walk", walked, stepOf(`walk-${other}`));
      if (byModel) {
        variant(
          "walk-perimeter-edges",
          "random-walk",
          () => ({ ...options, edge: "perimeter" }),
          use({ [walk.from]: walk.from, ...perimeters }),
        );
      }
    }

    for (const from of sources) labels(from, from, join(source, from));

    const crf = make.stageOptions("segment").crf === "yes" ? "no" : "yes";
    variant(
      `segmentation-crf-${crf}`,
      "segment",
      () => ({ ...make.stageOptions("segment"), crf }),
      make.network("segmentation"),
    );
  }
  return steps;
}

/** Maps that the run makes. */
function sourcesOf(make: StepMaker): readonly MapKind[] {
  const { config: { choose }, parts } = make.request;
  const chooses = parts.some(({ role, truth }) => role === "dev" && truth);
  const from = choose && chooses ? choose.from : [make.settled("pseudo-labels").from];
  return MAPS.filter((kind) => kind !== "random_walk" || from.includes(kind));
}

/**
 * The threshold of maps of a kind that is best on `dev`: with the CRF, by the trials of the choice, where
 * there were any of that kind; else by the maps themselves. Without a `dev`, the configuration's.
 */
function thresholdFor(make: StepMaker, from: MapKind, crf: boolean): number {
  const { run, parts } = make.request;
  const trials = crf ? (readChoice(run)?.trials ?? []).filter((trial) => trial.from === from) : [];
  if (trials.length > 0) {
    return trials.reduce((best, trial) => trial.iou > best.iou ? trial : best).threshold;
  }
  const dev = parts.find(({ role, truth }) => role === "dev" && truth);
  return (dev && bestOn(dev, run, from)) ?? labelsOf(make, from).threshold;
}

/** Options of pseudo labels of maps of a kind. */
function labelsOf(make: StepMaker, from: MapKind) {
  const options = { ...make.stageOptions("pseudoLabels"), from };
  return settlePseudoLabels(pseudoLabelsOptions.parse(options));
}

function bestOn({ part }: PartImages, run: string, kind: MapKind): number | undefined {
  try {
    const text = readFileSync(join(run, part, "evaluation", "metrics.json"), "utf8");
    const { results } = JSON.parse(text) as { results: ChainResult[] };
    return results.find((result) => result.kind === kind)?.at.threshold ?? undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
