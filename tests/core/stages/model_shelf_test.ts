import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ModelLibrary } from "../../../core/runtime/model_library.ts";
import { DEFAULT_CAM_MODEL } from "../../../core/runtime/models.ts";
import { createSilop } from "../../../core/silop.ts";
import { openModels } from "../../../core/stages/model_shelf.ts";
import { WALK_THRESHOLDS } from "../../../core/stages/refine.ts";
import { CAT, CAT_SIZE } from "../../helpers/photos.ts";
import {
  makeModelFolder,
  tinyAffinityModel,
  tinyCamModel,
  tinySegmentationModel,
} from "../../helpers/tiny_model.ts";
import { openTinySilop } from "../../helpers/tiny_silop.ts";

const OTHER_CLASSES = ["background", "rust", "moss"];
const silop = await openTinySilop({
  models: {
    edges: tinyAffinityModel(),
    masks: tinySegmentationModel(),
    other: tinySegmentationModel({ file: "other.onnx", stride: 1, classes: OTHER_CLASSES }),
    "cam-2": tinyCamModel("cam_2.onnx", { seed: 2 }),
    secret: tinyCamModel("secret.onnx"),
  },
  allowModels: ["other", "cam-2"],
});

Deno.test("Silop tells which models are at work", async () => {
  const { names, segmentationFirst, segmentationModel, affinityModel } = await silop.ready;
  assert.deepEqual(names, { cam: DEFAULT_CAM_MODEL, affinity: "edges", segmentation: "masks" });
  assert.ok(segmentationFirst);
  assert.equal(segmentationModel!.file, "segmentation.onnx");
  assert.equal(affinityModel!.file, "affinity.onnx");
});

Deno.test("Silop.segment() asks the segmentation network first where there is one", async () => {
  const { mode, mask, keys, scores, cam, workingWidth } = await silop.segment(CAT);
  assert.equal(mode, "fast");
  assert.deepEqual([mask.width, mask.height], [CAT_SIZE.width, CAT_SIZE.height]);
  assert.equal(workingWidth, Math.min(512, CAT_SIZE.width));
  assert.deepEqual(keys, [...new Set([0, ...mask.data])].sort((a, b) => a - b));
  assert.ok(keys.length > 1 && keys.every((key) => key <= 2));
  assert.equal(scores.length, 20);
  assert.equal(cam, undefined);
  const asked = await silop.segment(CAT, { mode: "cam" });
  assert.deepEqual(asked.cam!.keys, [0, 8, 15]);
  assert.deepEqual([asked.mode, asked.keys], ["cam", [0, 8, 15]]);
});

Deno.test("Silop.render() summarises a mask by the network's own classes", async () => {
  const { summary, files } = await silop.render(
    "segment",
    CAT,
    { segmentationModel: "other", minArea: 0.01 },
    ["png", "npz", "overlay"],
  );
  assert.equal(summary.mode, "fast");
  assert.deepEqual(Object.keys(summary.scores), ["rust", "moss"]);
  assert.ok(summary.classes.length > 0);
  for (const { name, pixels, area, score } of summary.classes) {
    assert.ok(["rust", "moss"].includes(name) && pixels > 0 && area >= 0.01 && score > 0.5);
  }
  assert.deepEqual(Object.keys(files).sort(), ["npz", "overlay", "png"]);
});

Deno.test("Silop serves models that are allowed, by name, and no others", async () => {
  const standard = await silop.cam(CAT);
  const second = await silop.cam(CAT, { camModel: "cam-2" });
  assert.notDeepEqual(second.cam.data, standard.cam.data);
  const named = await silop.cam(CAT, { camModel: DEFAULT_CAM_MODEL });
  assert.deepEqual(named.cam.data, standard.cam.data);
  const { mode } = await silop.segment(CAT, { camModel: "cam-2" });
  assert.equal(mode, "cam");
  for (const camModel of ["secret", "masks", "./secret.onnx", "toString"]) {
    await assert.rejects(silop.cam(CAT, { camModel }), {
      name: "OptionError",
      message: new RegExp(`may not be chosen for cam; these may: ${DEFAULT_CAM_MODEL}, cam-2`),
    });
  }
});

Deno.test("Silop.refine() walks over AffinityNet's edges where there is one", async () => {
  const options = { workingSize: 64, walk: true, iterations: 2, crf: false } as const;
  const model = await silop.refine(CAT, options);
  assert.deepEqual([model.edges!.width, model.edges!.height], [16, 11]);
  const perimeter = await silop.refine(CAT, { ...options, edge: "perimeter" });
  assert.equal(perimeter.edges, undefined);
  assert.notDeepEqual(model.walked!.data, perimeter.walked!.data);
  const { summary } = await silop.render("refine", CAT, options);
  assert.equal(summary.edge, "model");
  assert.equal(summary.threshold, WALK_THRESHOLDS.model);
});

Deno.test("Silop is ready though a network that is not needed yet is damaged", async () => {
  await using folder = await makeModelFolder({ models: { edges: tinyAffinityModel() } });
  await writeFile(join(folder.path, "affinity.onnx"), "damaged");
  using opened = createSilop({ models: folder.url, device: "cpu", workers: 1, threads: 1 });
  await opened.ready;
  const options = { workingSize: 64, walk: true, iterations: 1 };
  await assert.rejects(opened.refine(CAT, options), { name: "ModelError", message: /affinity/ });
  await opened.cam(CAT);
});

Deno.test("Silop.segment() refuses the mode fast where there is no network for it", async () => {
  const plain = await openTinySilopWithoutMasks();
  using _closing = plain.silop;
  await using _folder = plain.folder;
  await assert.rejects(plain.silop.segment(CAT, { mode: "fast" }), { name: "OptionError" });
  const noEdges = { workingSize: 64, walk: true, edge: "model" } as const;
  await assert.rejects(plain.silop.refine(CAT, noEdges), { name: "OptionError" });
  assert.equal((await plain.silop.segment(CAT)).mode, "cam");
});

async function openTinySilopWithoutMasks() {
  const folder = await makeModelFolder();
  return {
    folder,
    silop: createSilop({ models: [folder.url], device: "cpu", workers: 1, threads: 1 }),
  };
}

Deno.test("openModels() throws ModelError when a file is no network for its task", async () => {
  const { bytes } = tinyAffinityModel();
  const { info } = tinySegmentationModel();
  const { sha256 } = tinyAffinityModel().info;
  const wrong = { bytes, info: { ...info, bytes: bytes.length, sha256 } };
  await using folder = await makeModelFolder({ models: { masks: wrong } });
  const chosen = (await ModelLibrary.open(folder.url)).choose();
  await assert.rejects(openModels(chosen), {
    name: "ModelError",
    message: /segmentation\.onnx is no model for segmentation: it has image, edge instead of/,
  });
});
