import assert from "node:assert/strict";
import type { DataSet } from "../../../core/data/data_set.ts";
import type { ChainResult } from "../../../core/evaluation/chain_report.ts";
import type { AblationRow } from "../../../core/report/ablation.ts";
import { drawStages, drawSweep, drawTimes, drawTraining } from "../../../core/report/charts.ts";
import type { PartFigures, TrainingFigures } from "../../../core/report/figures.ts";
import { renderPage } from "../../../core/report/page.ts";

const CLASSES = ["cat", "<b>dog</b>"];
const NAMES = ["background", ...CLASSES];
const PICTURE = "data:image/png;base64,AAAA";

function resultOf(kind: string, ious: readonly number[], thresholds: readonly (number | null)[]) {
  const sweep = ious.map((present, i) => ({
    threshold: thresholds[i]!,
    miou: present,
    present,
    chosen: null,
    fp: 0.1,
    fn: 0.2,
  }));
  const classes = NAMES.map((name) => ({ name, iou: ious[0]!, fp: 0.1, fn: 0.2, pixels: 9 }));
  return { kind, at: sweep[0]!, chosenHere: false, sweep, classes } satisfies ChainResult;
}

const row = (group: AblationRow["group"], title: string, iou: number, own = false) => ({
  ...{ group, title, iou, own },
  images: 2,
});
const confusion = { classes: 3, counts: Float64Array.of(60, 4, 0, 10, 10, 0, 2, 6, 8) };
const part: PartFigures = {
  part: { part: "test", role: "test", name: "test", images: 2, sha256: "", truth: true },
  ids: ["a", "b"],
  stages: [resultOf("cam", [0.4, 0.3], [0.1, 0.2]), resultOf("segmentation", [0.6], [null])],
  overChosen: false,
  unseen: [],
  images: [{ id: "a", iou: 0.2, confusion }, { id: "b", iou: 0.9, confusion }],
  confusion,
  ablation: [
    row("maps", "the CAM alone", 0.4, true),
    row("maps", "PerimeterFit, SLIC's branch alone", 0.45),
    row("labels", "as in this run", 0.5, true),
    row("labels", "labels of the CAM, no CRF", 0.48),
  ],
};
const training: TrainingFigures = {
  name: "segmentation",
  lines: [1, 2, 3].map((step) => ({
    ...{ kind: "step", step, epoch: 0, rate: 0.1, seconds: 1, waited: 0 },
    metrics: { loss: 1 / step },
  })),
};
const costs = [{ stage: "cam", seconds: 90, peakMb: 512, images: 2 }];

const page = await renderPage({
  figures: {
    run: "RUN",
    manifest: {
      version: 1,
      made: { silop: "1", deno: "2", onnxruntime: "3", platform: "linux", cores: 2 },
      data: {
        path: "/sets/farm",
        classFile: null,
        classes: CLASSES.map((name) => ({ name })),
        parts: [part.part],
        measured: [],
      },
      preset: "edge",
      seed: 5,
      config: {},
      steps: [],
    },
    // Nothing but the classes is shown of it.
    data: { classes: CLASSES.map((name) => ({ name })) } as unknown as DataSet,
    names: NAMES,
    parts: [part],
    trainings: [training],
  },
  costs,
  charts: {
    stages: await drawStages([part]),
    sweeps: new Map([["test", await drawSweep(part)]]),
    trainings: new Map([["segmentation", await drawTraining(training)]]),
    times: await drawTimes(costs),
  },
  galleries: new Map([["test", [{
    title: "Worst",
    table: { columns: ["photo", "truth"], rows: [{ id: "a", pictures: [PICTURE, null] }] },
  }]]]),
});
/** What a reader sees of some HTML, on one line. */
const textOf = (text: string) => text.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");

Deno.test("renderPage() makes a page that needs nothing else and runs nothing", () => {
  assert.doesNotMatch(page, /<(script|link|iframe|base)\b|@import|url\((?!#)/i);
  const addresses = [...page.matchAll(/\b(?:src|href)="([^"]*)"/g)].map(([, address]) => address!);
  assert.ok(addresses.includes(PICTURE));
  for (const address of addresses) assert.match(address, /^(#|data:image\/png;base64,)/);
  for (const address of addresses.filter((it) => it.startsWith("#"))) {
    assert.ok(page.includes(`id="${address.slice(1)}"`), `${address} leads nowhere`);
  }
  assert.equal(page.match(/<svg/g)?.length, 4);
});

Deno.test("renderPage() takes names for text", () => {
  assert.ok(!page.includes("<b>dog"));
  assert.ok(page.includes("&lt;b&gt;dog&lt;/b&gt;"));
});

Deno.test("renderPage() sets the chain without its parts beside the run, group by group", () => {
  const at = page.indexOf('<section id="ablation">');
  const section = textOf(page.slice(at, page.indexOf("</section>", at)));
  assert.match(section, /the CAM alone 40\.0 PerimeterFit, SLIC.{1,6}s branch alone 45\.0 \+5\.0/);
  assert.match(section, /as in this run 50\.0 labels of the CAM, no CRF 48\.0 −2\.0/);
});

Deno.test("renderPage() tells stages, failures, time and memory", () => {
  const text = textOf(page);
  assert.match(text, /mIoU on test, segmentation network 60\.0 %/);
  assert.match(text, /38 % of &lt;b&gt;dog&lt;\/b&gt; taken for cat \(6 % of the pixels\)/);
  assert.match(text, /cam 2 2 min 45\.00 s 512 MB/);
});
