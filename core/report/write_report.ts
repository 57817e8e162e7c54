/** Writes the report of a run. */

import { join } from "node:path";
import { Mt19937 } from "../../kernels/mt19937.ts";
import { writeFileAtomic } from "../files.ts";
import { drawStages, drawSweep, drawTimes, drawTraining } from "./charts.ts";
import { type PartFigures, readFigures, type ReportFigures } from "./figures.ts";
import { renderPage } from "./page.ts";
import { drawPictures, type PictureTable } from "./pictures.ts";

/** Images of a gallery. */
const SHOWN = 4;

/** Time and memory of the steps of one stage together. */
export interface StageCost {
  readonly stage: string;
  readonly seconds: number;
  readonly peakMb: number | null;
  /** Of all its lists together. */
  readonly images: number;
}

/** Pictures of images chosen for one reason. */
export interface Gallery {
  readonly title: string;
  readonly table: PictureTable;
}

/** All that the page shows, drawn. */
export interface ReportParts {
  readonly figures: ReportFigures;
  readonly costs: readonly StageCost[];
  /** SVG, by place. */
  readonly charts: {
    readonly stages: string | null;
    readonly sweeps: ReadonlyMap<string, string>;
    readonly trainings: ReadonlyMap<string, string>;
    readonly times: string | null;
  };
  /** By the folder of the list. */
  readonly galleries: ReadonlyMap<string, readonly Gallery[]>;
}

/**
 * Writes `RUN/report.html`, which needs no other file.
 *
 * @returns Its path.
 * @throws {BatchError} The folder holds no run of the whole method.
 */
export async function writeReport(run: string): Promise<string> {
  const figures = await readFigures(run);
  const costs = costsOf(figures);
  const measured = figures.parts.filter(({ stages }) => stages.length > 0);
  const sweeps = new Map<string, string>();
  for (const part of measured) {
    if (part.stages.some(({ sweep }) => sweep.length > 1)) {
      sweeps.set(part.part.part, await drawSweep(part));
    }
  }
  const trainings = new Map<string, string>();
  for (const training of figures.trainings) {
    trainings.set(training.name, await drawTraining(training));
  }
  const galleries = new Map<string, Gallery[]>();
  for (const part of shownParts(figures)) {
    galleries.set(part.part.part, await drawGalleries(run, part, figures));
  }
  const page = await renderPage({
    figures,
    costs,
    charts: {
      stages: measured.length > 0 ? await drawStages(measured) : null,
      sweeps,
      trainings,
      times: costs.length > 0 ? await drawTimes(costs) : null,
    },
    galleries,
  });
  const path = join(run, "report.html");
  await writeFileAtomic(path, page);
  return path;
}

/** The lists whose images are shown: those that are reported, or else the last there is. */
function shownParts({ parts }: ReportFigures): readonly PartFigures[] {
  const tests = parts.filter(({ part }) => part.role === "test");
  return tests.length > 0 ? tests : parts.slice(-1);
}

async function drawGalleries(
  run: string,
  { part, ids, images }: PartFigures,
  { data, manifest }: ReportFigures,
): Promise<Gallery[]> {
  const draw = (ids: readonly string[]) => drawPictures(join(run, part.part), data, ids);
  const galleries: Gallery[] = [];
  if (images.length > SHOWN) {
    const worst = images.slice(0, SHOWN).map(({ id }) => id);
    const best = images.slice(-SHOWN).reverse().map(({ id }) => id);
    galleries.push({ title: "Best", table: await draw(best) });
    galleries.push({ title: "Worst", table: await draw(worst) });
  }
  const random = new Mt19937(manifest.seed);
  const left = [...ids];
  const drawn = Array.from({ length: Math.min(SHOWN, left.length) }, () => {
    const at = random.uint32() % left.length;
    return left.splice(at, 1)[0]!;
  });
  galleries.push({ title: "At random", table: await draw(drawn) });
  return galleries;
}

function costsOf({ manifest: { steps } }: ReportFigures): StageCost[] {
  const costs = new Map<string, StageCost>();
  for (const { name, seconds, peakMb, images } of steps) {
    const stage = name.split("/")[0]!;
    if (stage === "report") continue;
    const before = costs.get(stage);
    costs.set(stage, {
      stage,
      seconds: (before?.seconds ?? 0) + seconds,
      peakMb: Math.max(before?.peakMb ?? 0, peakMb ?? 0) || null,
      images: (before?.images ?? 0) + (images ?? 0),
    });
  }
  return [...costs.values()];
}
