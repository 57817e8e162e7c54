import assert from "node:assert/strict";
import { decodeMaskPng } from "../../core/image/mod.ts";
import { createApp } from "../../functions/app.ts";
import { CAT, CAT_SIZE } from "../helpers/photos.ts";
import { tinyCamModel, tinySegmentationModel } from "../helpers/tiny_model.ts";
import { openTinySilop } from "../helpers/tiny_silop.ts";

const silop = await openTinySilop({
  models: {
    masks: tinySegmentationModel(),
    "cam-2": tinyCamModel("cam_2.onnx", { seed: 2 }),
    secret: tinyCamModel("secret.onnx"),
  },
  allowModels: ["cam-2"],
});
const app = createApp({ silop });
const post = async (path: string) => await app.request(path, { method: "POST", body: CAT });

Deno.test("POST /segment answers the segmentation network's mask where there is one", async () => {
  const response = await post("/segment");
  assert.equal(response.status, 200);
  const body = await response.json();
  assert.deepEqual([body.stage, body.mode], ["segment", "fast"]);
  assert.ok(body.classes.length > 0 && body.timings.network > 0);
  const picture = await post("/segment?format=png&scales=0.5,1&mirror=true&crf=false");
  const mask = decodeMaskPng(await picture.bytes());
  assert.deepEqual([mask.width, mask.height], [CAT_SIZE.width, CAT_SIZE.height]);
  assert.equal((await (await post("/segment?mode=cam")).json()).mode, "cam");
});

Deno.test("POST takes the models that the service allows, and no others", async () => {
  const standard = await (await post("/cam")).json();
  const second = await (await post("/cam?cam-model=cam-2")).json();
  assert.notDeepEqual(second.scores, standard.scores);
  assert.equal((await (await post("/segment?cam-model=cam-2")).json()).mode, "cam");
  for (const name of ["secret", "masks", "..%2Fsecret.onnx"]) {
    const refused = await post(`/cam?cam-model=${name}`);
    assert.equal(refused.status, 422);
    assert.match((await refused.json()).detail, /may not be chosen for cam; these may: .*cam-2$/);
  }
});
