import assert from "node:assert/strict";
import type { Raster } from "../../../core/raster.ts";
import type { AffinityModelInfo } from "../../../core/runtime/models.ts";
import { type EdgeNetwork, findModelEdges } from "../../../core/stages/affinity.ts";
import { normalizeImage } from "../../../kernels/normalize.ts";
import { pattern } from "../../kernels/pattern.ts";

const INFO: AffinityModelInfo = {
  task: "affinity",
  file: "fake.onnx",
  bytes: 1,
  sha256: "0".repeat(64),
  mean: [0.5, 0.4, 0.3],
  std: [0.2, 0.3, 0.4],
  outputStride: 4,
  padding: { least: 64, multiple: 16 },
  radius: 5,
  beta: 10,
  licence: "",
  origin: "",
  madeBy: "",
};

interface Call {
  readonly width: number;
  readonly height: number;
  readonly images: Float32Array;
}

/** A cell's logit is its first red value, and a slant to the right that mirror images do not share. */
function fakeNetwork(padding = INFO.padding) {
  const calls: Call[] = [];
  const network: EdgeNetwork = {
    info: { ...INFO, padding },
    run(images, width, height) {
      calls.push({ width, height, images: images.slice() });
      const views = images.length / (3 * width * height);
      const [w, h] = [width / 4, height / 4];
      const maps = new Float32Array(views * w * h);
      for (let i = 0; i < maps.length; i++) {
        const [view, y, x] = [Math.floor(i / (w * h)), Math.floor(i / w) % h, i % w];
        maps[i] = images[(3 * view * height + 4 * y) * width + 4 * x]! + x / 10;
      }
      return Promise.resolve({ maps, width: w, height: h });
    },
  };
  return { network, calls };
}

const photo = (width: number, height: number): Raster => ({
  width,
  height,
  data: pattern(3 * width * height, 4),
});

Deno.test("findModelEdges() is the sigmoid of the mean over the image and its mirror image", async () => {
  const [width, height] = [42, 30];
  const image = photo(width, height);
  const { network, calls } = fakeNetwork();
  const edges = await findModelEdges(image, network);
  assert.deepEqual([edges.width, edges.height, edges.channels], [11, 8, 1]);
  assert.equal(calls.length, 1);
  const plain = normalizeImage(image.data, width, height, INFO.mean, INFO.std);
  for (let y = 0; y < 8; y++) {
    for (let x = 0; x < 11; x++) {
      // The mirrored cell that takes the place of this one, and the pixel it begins with.
      const mirrored = 10 - x;
      const logit = (plain[4 * y * width + 4 * x]! + x / 10 +
        plain[4 * y * width + width - 1 - 4 * mirrored]! + mirrored / 10) / 2;
      const expected = 1 / (1 + Math.exp(-logit));
      assert.ok(Math.abs(edges.data[y * 11 + x]! - expected) < 1e-6, `${x}, ${y}`);
    }
  }
});

Deno.test("findModelEdges() pads with zeros of the network's input, right and below", async () => {
  const [width, height] = [42, 70];
  const image = photo(width, height);
  const { network, calls } = fakeNetwork();
  await findModelEdges(image, network);
  const [call] = calls;
  assert.deepEqual([call!.width, call!.height], [64, 80]);
  const plain = normalizeImage(image.data, width, height, INFO.mean, INFO.std, { mirror: true });
  const second = call!.images.subarray(3 * 64 * 80);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < 80; y++) {
      for (let x = 0; x < 64; x++) {
        const expected = x < width && y < height ? plain[(c * height + y) * width + x] : 0;
        assert.equal(second[(c * 80 + y) * 64 + x], expected);
      }
    }
  }
});

Deno.test("findModelEdges() runs large images one after the other, to the same result", async () => {
  const image = photo(900, 20);
  const both = fakeNetwork({ least: 0, multiple: 16 });
  const apart = fakeNetwork({ least: 720, multiple: 16 });
  const { data } = await findModelEdges(image, both.network);
  let steps = 0;
  assert.deepEqual((await findModelEdges(image, apart.network, () => steps++)).data, data);
  assert.deepEqual([both.calls.length, apart.calls.length, steps], [1, 2, 2]);
});

Deno.test("findModelEdges() refuses a network whose map does not cover the image", async () => {
  const network: EdgeNetwork = {
    info: INFO,
    run: () => Promise.resolve({ maps: new Float32Array(2 * 16), width: 4, height: 4 }),
  };
  await assert.rejects(findModelEdges(photo(42, 30), network), {
    name: "ModelError",
    message: /4×4 cells/,
  });
});
