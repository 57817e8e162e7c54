import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeCam } from "../../../../core/batch/codecs.ts";
import type { DataSet } from "../../../../core/data/data_set.ts";
import { encodeRgbPng } from "../../../../core/image/mod.ts";
import {
  buildNetwork,
  type NetworkKind,
  networkTensors,
} from "../../../../core/nets/build_network.ts";
import type { Planes } from "../../../../core/raster.ts";
import { ThresholdSweep } from "../../../../core/training/networks/threshold_sweep.ts";
import { validateAffinity } from "../../../../core/training/networks/validate_affinity.ts";
import { validateClassifier } from "../../../../core/training/networks/validate_classifier.ts";
import { validateSegmentation } from "../../../../core/training/networks/validate_segmentation.ts";
import { formulaWeights } from "../../nets/formula_weights.ts";
import { TINY_BACKBONES } from "../../nets/tiny_backbones.ts";

const backbone = TINY_BACKBONES["efficientnet-lite"];
const NAMES = ["cat", "dog", "cow"];
const [WIDTH, HEIGHT] = [44, 36];
const COMMON = {
  file: "candidate.onnx",
  bytes: 1,
  sha256: "0".repeat(64),
  mean: [0.5, 0.5, 0.5] as [number, number, number],
  std: [0.5, 0.5, 0.5] as [number, number, number],
  licence: "none",
  origin: "none",
  madeBy: "none",
};

/** Two photographs: the first a quarter cat, the second without anything. */
class Place implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "validation-"));
  readonly ids = ["a", "b"];
  readonly data: DataSet;

  constructor() {
    const pixels = Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, (_, i) => (i * 37) % 251);
    for (const id of this.ids) {
      const raster = { width: WIDTH, height: HEIGHT, data: pixels };
      writeFileSync(join(this.folder, `${id}.png`), encodeRgbPng(raster));
    }
    const truth = (id: string) => {
      const data = new Uint8Array(WIDTH * HEIGHT);
      if (id === "a") data.fill(1, 0, data.length / 4);
      return Promise.resolve({ width: WIDTH, height: HEIGHT, data });
    };
    this.data = {
      root: this.folder,
      classes: NAMES.map((name) => ({ name })),
      defaultSet: "all",
      ids: () => Promise.resolve(this.ids),
      imagePath: (id) => join(this.folder, `${id}.png`),
      labels: (id) => Promise.resolve(id === "a" ? [0] : []),
      labelSource: () => ({ text: "[]" }),
      truthPath: () => null,
      truth,
    } as DataSet;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A network whose last layer answers `bias`, or 0, wherever it looks. */
function constantNetwork(kind: NetworkKind, classes: number, last: string, bias?: number[]) {
  const weights = formulaWeights(networkTensors(kind, backbone, classes));
  (weights.get(`${last}.weight`)!.data as Float32Array).fill(0);
  if (bias) (weights.get(`${last}.bias`)!.data as Float32Array).set(bias);
  return buildNetwork(kind, backbone, weights).bytes;
}

const near = (value: number, expected: number) =>
  assert.ok(Math.abs(value - expected) < 1e-9, `${value} instead of ${expected}`);

Deno.test("validateSegmentation() measures what the network answers", async () => {
  using place = new Place();
  const model = constantNetwork("deeplabv3plus", 4, "decoder.classifier", [0, 5, 0, 0]);
  const info = {
    ...COMMON,
    task: "segmentation",
    classes: ["background", ...NAMES],
    outputStride: 16,
    scales: [1],
    mirror: false,
    crf: false,
  } as const;
  const found = (measured?: number[]) =>
    validateSegmentation(model, { ...info, classes: [...info.classes], scales: [1] }, {
      data: place.data,
      ids: place.ids,
      measured,
      session: { threads: 1 },
    });
  // All is cat: an eighth of all pixels is right, and no background is found.
  near((await found()).miou, (0 + 1 / 8) / 2);
  near((await found([1])).miou, 1 / 8);
});

Deno.test("validateClassifier() measures maps with known labels, and scores", async () => {
  using place = new Place();
  const model = constantNetwork("classifier", 3, "classifier");
  const info = {
    ...COMMON,
    task: "cam" as const,
    classes: NAMES,
    outputStride: 16,
    scales: [1],
    threshold: 0.2,
    scoreThresholds: [0.5, 0.5, 0.5],
  };
  const options = { data: place.data, ids: place.ids, session: { threads: 1 } };
  const figures = await validateClassifier(model, info, options);
  // Maps of zeros are above no threshold: all is background. Equal scores rank nothing.
  near(figures.miou, (7 / 8 + 0) / 2);
  near(figures.meanAveragePrecision, 1 / 2);
  assert.equal(figures.scoreThresholds.length, 3);
  const stop = AbortSignal.abort(new Error("stopped"));
  await assert.rejects(validateClassifier(model, info, { ...options, signal: stop }), /stopped/);
});

Deno.test("validateAffinity() counts an image without classes as background", async () => {
  using place = new Place();
  const planes = (channels: number, width: number, height: number): Planes => ({
    width,
    height,
    channels,
    data: new Float32Array(channels * width * height).fill(1),
  });
  for (const [id, keys] of [["a", [0, 1]], ["b", [0]]] as const) {
    const [cam, hrCam] = [
      planes(keys.length - 1, WIDTH / 4, HEIGHT / 4),
      planes(keys.length - 1, WIDTH, HEIGHT),
    ];
    const bytes = encodeCam({ keys: [...keys], cam, hrCam }, "silop");
    writeFileSync(join(place.folder, `${id}.npz`), bytes);
  }
  const model = constantNetwork("affinity", 0, "fc_edge6", [-5]);
  const info = {
    ...COMMON,
    task: "affinity" as const,
    outputStride: 4 as const,
    padding: { least: 0, multiple: 16 },
    radius: 3,
    beta: 10,
  };
  const { miou } = await validateAffinity(model, info, {
    data: place.data,
    ids: place.ids,
    cams: place.folder,
    session: { threads: 1 },
  });
  // The first image is taken for all cat, of which a quarter is; the second is rightly background.
  near(miou, (1 / (1 + 3 / 4) + 1 / 4) / 2);
});

Deno.test("ThresholdSweep finds the threshold that parts best over all images", () => {
  const sweep = new ThresholdSweep([0.2, 0.4, 0.6], 2);
  sweep.add(Uint8Array.of(0, 1, 1, 255), Float32Array.of(0.3, 0.5, 0.9, 0.1), [0, 1]);
  sweep.add(Uint8Array.of(0, 0, 1), Float32Array.of(0.35, 0.1, 0.45), [0, 1]);
  assert.deepEqual(sweep.best(), { miou: 1, threshold: 0.4 });
  assert.deepEqual(sweep.best([0]), { miou: 1, threshold: 0.4 });
  sweep.add(Uint8Array.of(1), new Float32Array(0), [0]);
  near(sweep.best([1]).miou, 3 / 4);
});
