import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeRgbPng } from "../../../../core/image/mod.ts";
import {
  buildEfficientNetLite,
  EFFICIENTNET_LITE,
  EFFICIENTNET_LITE_MEAN,
  EFFICIENTNET_LITE_STD,
  efficientNetLiteTensors,
} from "../../../../core/nets/efficientnet_lite.ts";
import { buildFeatureExtractor, FeatureStore } from "../../../../core/training/heads/features.ts";
import { pattern } from "../../../kernels/pattern.ts";
import { seededWeights } from "../../nets/seeded_weights.ts";
import { run } from "../../onnx/session.ts";

const NAME = "efficientnet-lite0";
const weights = seededWeights(efficientNetLiteTensors(EFFICIENTNET_LITE[NAME]));
const extractor = buildFeatureExtractor(NAME, weights);
const [WIDTH, HEIGHT] = [50, 34];

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "silop-features-"));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function writePhoto(path: string, seed: number): Promise<Uint8Array> {
  const data = pattern(3 * WIDTH * HEIGHT, seed);
  await writeFile(path, encodeRgbPng({ width: WIDTH, height: HEIGHT, data }));
  return data;
}

Deno.test("FeatureStore keeps what the backbone answers, cell by cell, and its mean", () =>
  withFolder(async (folder) => {
    const photo = join(folder, "photo.png");
    const pixels = await writePhoto(photo, 1);
    const store = await FeatureStore.open(extractor, join(folder, "cache"), { threads: 1 });
    const key = await store.add(photo);
    await store.release();
    const { cells, width, height, channels } = await store.features(key);
    assert.deepEqual([width, height, channels, cells.length], [4, 3, 1280, 4 * 3 * 1280]);

    const size = WIDTH * HEIGHT;
    const image = Float32Array.from({ length: 3 * size }, (_, i) => {
      const value = pixels[(i % size) * 3 + Math.floor(i / size)]!;
      return (value / 255 - EFFICIENTNET_LITE_MEAN) / EFFICIENTNET_LITE_STD;
    });
    const model = buildEfficientNetLite(NAME, weights, { outputStride: 16 });
    const { features } = await run(model, { image: { data: image, shape: [1, 3, HEIGHT, WIDTH] } });
    const mean = await store.mean(key);
    for (let k = 0; k < channels; k++) {
      let sum = 0;
      for (let i = 0; i < 12; i++) {
        const expected = Number(features!.data[k * 12 + i]);
        sum += expected;
        assert.ok(Math.abs(cells[i * channels + k]! - expected) <= 1e-4 + expected * 2 ** -10);
      }
      assert.ok(Math.abs(mean[k]! - sum / 12) < 1e-4);
    }
  }));

Deno.test("FeatureStore goes by content: computes an image once, and again what was cut off", () =>
  withFolder(async (folder) => {
    const [first, second] = [join(folder, "a.png"), join(folder, "b.png")];
    await writePhoto(first, 1);
    await writePhoto(second, 1);
    const cache = join(folder, "cache");
    const store = await FeatureStore.open(extractor, cache, { threads: 1 });
    const key = await store.add(first);
    const files = (await readdir(cache, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
    assert.deepEqual(files.map((file) => file.slice(-9)), ["cells.npy", ".mean.npy"]);
    const [cells, mean] = files as [string, string];
    const bytes = await readFile(cells);

    await utimes(cells, 1, 1);
    assert.equal(await store.add(second), key);
    assert.equal((await stat(cells)).mtimeMs, 1000);

    // An interrupted run leaves cells without a mean, or nothing.
    await rm(mean);
    await writeFile(cells, "junk");
    assert.equal(await (await FeatureStore.open(extractor, cache, { threads: 1 })).add(first), key);
    assert.deepEqual(await readFile(cells), bytes);

    await writePhoto(second, 2);
    assert.notEqual(await store.add(second), key);
  }));
