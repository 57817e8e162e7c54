import assert from "node:assert/strict";
import {
  EFFICIENTNET_LITE,
  efficientNetLiteTensors,
} from "../../../core/nets/efficientnet_lite.ts";
import { buildEfficientNetLite } from "../../../core/nets/efficientnet_lite.ts";
import { buildCamModel } from "../../../core/nets/cam_model.ts";
import { decodeModel, readMetadata } from "../../../core/onnx/model.ts";
import { pattern } from "../../kernels/pattern.ts";
import { run } from "../onnx/session.ts";
import { seededRamp, seededWeights } from "./seeded_weights.ts";

const NAME = "efficientnet-lite0";
const weights = seededWeights(efficientNetLiteTensors(EFFICIENTNET_LITE[NAME]));
const CHANNELS = 1280;
const heads = {
  maps: seededRamp("maps", 3 * CHANNELS, -0.1, 0.1),
  tags: seededRamp("tags", 3 * CHANNELS, -0.1, 0.1),
  tagBias: Float32Array.of(0.5, -1, 0),
};
const [N, H, W] = [2, 50, 71];
const image = {
  shape: [N, 3, H, W],
  data: Float32Array.from(pattern(N * 3 * H * W, 1), (v) => v / 128 - 1),
};

Deno.test("buildCamModel() maps features by one head and their mean by the other", async () => {
  const model = buildCamModel(NAME, weights, heads, { metadata: { made: "here" } });
  const { maps, logits } = await run(model, { image });
  const { features } = await run(buildEfficientNetLite(NAME, weights, { outputStride: 16 }), {
    image,
  });
  assert.deepEqual(maps!.dims, [N, 3, 4, 5]);
  assert.deepEqual(logits!.dims, [N, 3]);
  const cells = 20;
  const near = (actual: number, expected: number) =>
    assert.ok(Math.abs(actual - expected) < 1e-3, `${actual} is not ${expected}`);
  const feature = (n: number, k: number, i: number) =>
    Number(features!.data[(n * CHANNELS + k) * cells + i]);
  for (let n = 0; n < N; n++) {
    for (let c = 0; c < 3; c++) {
      let logit = heads.tagBias[c]!;
      for (let i = 0; i < cells; i++) {
        let map = 0;
        for (let k = 0; k < CHANNELS; k++) {
          map += heads.maps[c * CHANNELS + k]! * feature(n, k, i);
          logit += (heads.tags[c * CHANNELS + k]! * feature(n, k, i)) / cells;
        }
        near(Number(maps!.data[(n * 3 + c) * cells + i]), map);
      }
      near(Number(logits!.data[n * 3 + c]), logit);
    }
  }
  assert.equal(readMetadata(decodeModel(model)).made, "here");
});

Deno.test("buildCamModel() halves the file and hardly changes maps when weights are float16", async () => {
  const [full, half] = [undefined, "fp16" as const].map((storage) =>
    buildCamModel(NAME, weights, heads, { storage })
  ) as [Uint8Array, Uint8Array];
  assert.ok(half.length < 0.55 * full.length);
  const [a, b] = [await run(full, { image }), await run(half, { image })];
  const expected = a.maps!.data as Float32Array;
  const spread = Math.max(...expected) - Math.min(...expected);
  expected.forEach((value, i) =>
    assert.ok(Math.abs(Number(b.maps!.data[i]) - value) < 0.02 * spread)
  );
});

Deno.test("buildCamModel() throws ModelError when a head does not fit", () => {
  for (const head of ["maps", "tags"] as const) {
    const broken = { ...heads, [head]: heads[head].subarray(1) };
    assert.throws(() => buildCamModel(NAME, weights, broken), { name: "ModelError" });
  }
});
