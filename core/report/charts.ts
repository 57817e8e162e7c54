/** The charts of a report, drawn by Vega as SVG that takes the page's colours. */

import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { MetricsLine } from "../training/run/metrics_file.ts";
import { meanOf, type PartFigures, STAGE_TITLES, type TrainingFigures } from "./figures.ts";

/** Okabe and Ito's colours, which colour-blind readers can tell apart, without black and yellow. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"];
const WIDTH = 560;
/** Points of a curve; more are averaged. */
const POINTS = 200;
const INK = "currentColor";
const FAINT = "#88888855";

/** Mean IoU by stage, a bar for every list of images. */
export function drawStages(parts: readonly PartFigures[]): Promise<string> {
  const values = parts.flatMap(({ part, stages, overChosen }) =>
    stages.map(({ kind, at }) => ({
      stage: STAGE_TITLES[kind] ?? kind,
      list: part.name,
      iou: 100 * meanOf(at, overChosen),
    }))
  );
  return draw({
    data: { values },
    height: { step: 16 },
    encoding: {
      y: { field: "stage", type: "nominal", sort: Object.values(STAGE_TITLES), title: null },
      yOffset: { field: "list", type: "nominal", sort: null },
      x: { field: "iou", type: "quantitative", title: "mean IoU, %", scale: { zero: true } },
    },
    layer: [
      {
        mark: { type: "bar" },
        encoding: { color: colour("list", "images", parts.map(({ part }) => part.name)) },
      },
      {
        mark: { type: "text", align: "left", dx: 3, color: INK, fontSize: 10 },
        encoding: { text: { field: "iou", type: "quantitative", format: ".1f" } },
      },
    ],
  });
}

/** Mean IoU of maps by the threshold that parts them from the background. */
export function drawSweep({ stages, overChosen }: PartFigures): Promise<string> {
  const maps = stages.filter(({ sweep }) => sweep.some(({ threshold }) => threshold !== null));
  const values = maps.flatMap(({ kind, sweep }) =>
    sweep.map((point) => ({
      stage: STAGE_TITLES[kind] ?? kind,
      threshold: point.threshold,
      iou: 100 * meanOf(point, overChosen),
    }))
  );
  return draw({
    data: { values },
    height: 220,
    mark: { type: "line", point: { size: 24 } },
    encoding: {
      x: { field: "threshold", type: "quantitative", title: "threshold" },
      y: { field: "iou", type: "quantitative", title: "mean IoU, %" },
      color: colour("stage", null, maps.map(({ kind }) => STAGE_TITLES[kind] ?? kind)),
    },
  });
}

/** The losses of a training, and what its validations gave. */
export function drawTraining({ lines }: TrainingFigures): Promise<string> {
  const steps = lines.filter((line) => line.kind === "step");
  const losses = Object.keys(steps[0]?.metrics ?? {});
  const values = losses.flatMap((name) => average(steps, name));
  const checks = lines.filter((line) => line.kind === "validation").flatMap(({ step, metrics }) =>
    Object.entries(metrics).filter(([name]) => name !== "threshold")
      .map(([name, value]) => ({ step, name, value: 100 * value }))
  );
  const line = (values: object[], title: string, names: readonly string[], point: boolean) => ({
    data: { values },
    width: checks.length > 0 ? WIDTH / 2 - 40 : WIDTH,
    height: 170,
    mark: { type: "line" as const, point },
    encoding: {
      x: { field: "step", type: "quantitative" as const, title: "step" },
      y: { field: "value", type: "quantitative" as const, title, scale: { zero: false } },
      color: colour("name", null, names),
    },
  });
  const charts = [line(values, "loss", losses, false)];
  if (checks.length > 0) {
    const names = [...new Set(checks.map(({ name }) => name))];
    charts.push(line(checks, "validation, %", names, true));
  }
  return draw({ hconcat: charts, resolve: { scale: { color: "independent" } } });
}

/** Minutes of every stage. */
export function drawTimes(
  stages: readonly { readonly stage: string; readonly seconds: number }[],
): Promise<string> {
  const values = stages.map(({ stage, seconds }) => ({ stage, minutes: seconds / 60 }));
  return draw({
    data: { values },
    height: { step: 18 },
    encoding: {
      y: { field: "stage", type: "nominal", sort: null, title: null },
      x: { field: "minutes", type: "quantitative", title: "minutes" },
    },
    layer: [
      { mark: { type: "bar", color: COLOURS[0] } },
      {
        mark: { type: "text", align: "left", dx: 3, color: INK, fontSize: 10 },
        encoding: { text: { field: "minutes", type: "quantitative", format: ".1f" } },
      },
    ],
  });
}

function colour(field: string, title: string | null, domain: readonly string[]) {
  return {
    field,
    type: "nominal" as const,
    title,
    sort: null,
    scale: { domain: [...domain], range: COLOURS },
    legend: domain.length > 1 ? {} : null,
  };
}

/** A curve of few enough points: means over as many steps as it takes. */
function average(steps: readonly MetricsLine[], name: string) {
  const many = Math.ceil(steps.length / POINTS);
  return Array.from({ length: Math.ceil(steps.length / many) }, (_, i) => {
    const group = steps.slice(i * many, (i + 1) * many);
    const sum = group.reduce((sum, { metrics }) => sum + (metrics[name] ?? 0), 0);
    return { step: group.at(-1)!.step, name, value: sum / group.length };
  });
}

async function draw(chart: object): Promise<string> {
  const axis = {
    labelColor: INK,
    titleColor: INK,
    domainColor: FAINT,
    tickColor: FAINT,
    gridColor: FAINT,
    titleFontWeight: "normal",
    labelLimit: 260,
  };
  const spec = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    background: null,
    ...("hconcat" in chart ? {} : { width: WIDTH }),
    ...chart,
    config: {
      axis,
      font: "system-ui, sans-serif",
      view: { stroke: null },
      legend: {
        labelColor: INK,
        titleColor: INK,
        orient: "top",
        titleFontWeight: "normal",
        labelLimit: 260,
      },
    },
  } as unknown as TopLevelSpec;
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
