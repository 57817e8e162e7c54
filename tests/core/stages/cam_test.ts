import assert from "node:assert/strict";
import { interpolateBilinear } from "../../../kernels/interpolate.ts";
import { normalizeImage } from "../../../kernels/normalize.ts";
import { resizeImage } from "../../../kernels/resize_image.ts";
import type { Raster } from "../../../core/raster.ts";
import { computeCam, labelIndices, predictedClasses } from "../../../core/stages/cam.ts";
import { createFakeClassifier } from "../../helpers/fake_classifier.ts";
import { pattern } from "../../kernels/pattern.ts";

const WIDTH = 74;
const HEIGHT = 54;

function photo(width = WIDTH, height = HEIGHT): Raster {
  return { width, height, data: pattern(3 * width * height, 4) };
}

/** IRN's inference step by step, with one plane at a time and nothing in place. */
async function expectedMaps(
  image: Raster,
  classes: readonly number[],
  scales: readonly number[],
  mirrors: readonly boolean[],
  out: { width: number; height: number; fullWidth: number; fullHeight: number },
): Promise<number[]> {
  const classifier = createFakeClassifier();
  const size = out.width * out.height;
  const sum = new Float64Array(classes.length * size);
  for (const scale of scales) {
    const [w, h] = [Math.round(image.width * scale), Math.round(image.height * scale)];
    const pixels = resizeImage(image.data, image.width, image.height, 3, w, h);
    let cells: number[] = [];
    let cellWidth = 0;
    for (const mirror of mirrors) {
      const input = normalizeImage(pixels, w, h, [0, 0, 0], [1, 1, 1], { mirror });
      const { maps, mapWidth } = await classifier.classify(input, w, h);
      const positive = Array.from(maps, (_, i) => {
        const x = i % mapWidth;
        return Math.max(0, maps[mirror ? i - x + mapWidth - 1 - x : i]!);
      });
      cells = cells.length === 0 ? positive : cells.map((value, i) => value + positive[i]!);
      cellWidth = mapWidth;
    }
    const cellHeight = cells.length / 3 / cellWidth;
    classes.forEach((c, k) => {
      const plane = Float32Array.from(
        cells.slice(c * cellWidth * cellHeight, (c + 1) * cellWidth * cellHeight),
      );
      const large = interpolateBilinear(
        plane,
        1,
        cellHeight,
        cellWidth,
        out.fullHeight,
        out.fullWidth,
      );
      for (let y = 0; y < out.height; y++) {
        for (let x = 0; x < out.width; x++) {
          sum[k * size + y * out.width + x]! += large[y * out.fullWidth + x]!;
        }
      }
    });
  }
  return classes.flatMap((_, k) => {
    const plane = [...sum.subarray(k * size, (k + 1) * size)];
    const maximum = Math.max(...plane) + 1e-5;
    return plane.map((value) => value / maximum);
  });
}

function assertClose(actual: Float32Array, expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]!) < 1e-5, `${i}: ${value} is not ${expected[i]}`);
  });
}

for (const mirror of [true, false]) {
  Deno.test(`computeCam() follows the definition step by step, mirror ${mirror}`, async () => {
    const scales = [0.5, 1, 1.5];
    const image = photo();
    const cam = await computeCam(image, createFakeClassifier(), {
      labels: ["c", "a"],
      scales,
      mirror,
    });
    assert.deepEqual(cam.keys, [0, 1, 3]);
    assert.deepEqual([cam.width, cam.height], [WIDTH, HEIGHT]);
    assert.deepEqual([cam.cam.channels, cam.cam.height, cam.cam.width], [2, 14, 19]);
    assert.deepEqual([cam.hrCam.channels, cam.hrCam.height, cam.hrCam.width], [2, HEIGHT, WIDTH]);
    const mirrors = mirror ? [false, true] : [false];
    const strided = { width: 19, height: 14, fullWidth: 19, fullHeight: 14 };
    const full = { width: WIDTH, height: HEIGHT, fullWidth: 80, fullHeight: 64 };
    assertClose(cam.cam.data, await expectedMaps(image, [0, 2], scales, mirrors, strided));
    assertClose(cam.hrCam.data, await expectedMaps(image, [0, 2], scales, mirrors, full));
  });
}

Deno.test("computeCam() runs the network once a scale, mirror image included, at Python's sizes", async () => {
  const classifier = createFakeClassifier({ scales: [0.5, 1.5] });
  const cam = await computeCam(photo(75, 53), classifier);
  assert.deepEqual(cam.scales, [0.5, 1.5]);
  // 37.5 and 26.5 go to the even neighbour, as do 112.5 and 79.5.
  assert.deepEqual(classifier.calls, [
    { width: 38, height: 26, views: 2 },
    { width: 112, height: 80, views: 2 },
  ]);
  await computeCam(photo(), classifier, { mirror: false, scales: [1] });
  assert.deepEqual(classifier.calls.at(-1), { width: WIDTH, height: HEIGHT, views: 1 });
});

Deno.test("computeCam() takes the classes whose score reaches their threshold", async () => {
  const scoreThresholds = [0.9, 0.1, 0.5];
  const cam = await computeCam(photo(), createFakeClassifier({ scoreThresholds }));
  // Sigmoids of 2, −2 and 0 are 0.88, 0.12 and 0.5.
  assert.deepEqual(cam.keys, [0, 2, 3]);
  assertClose(cam.scores, [2, -2, 0].map((logit) => 1 / (1 + Math.exp(-logit))));
});

Deno.test("computeCam() gives no maps when no class is present or named", async () => {
  for (const options of [{}, { labels: [] }]) {
    const classifier = createFakeClassifier({ scoreThresholds: [1, 1, 1] });
    const cam = await computeCam(photo(), classifier, options);
    assert.deepEqual(cam.keys, [0]);
    assert.deepEqual([cam.cam.channels, cam.cam.data.length], [0, 0]);
    assert.deepEqual([cam.hrCam.width, cam.hrCam.height, cam.hrCam.data.length], [74, 54, 0]);
  }
});

Deno.test("computeCam() leaves a class's map zero when it is nowhere positive", async () => {
  const cam = await computeCam(photo(), createFakeClassifier({ offset: 2 }), { labels: ["b"] });
  assert.deepEqual(new Set(cam.hrCam.data), new Set([0]));
});

Deno.test("computeCam() works on a reduced image when it is longer than the working size", async () => {
  const classifier = createFakeClassifier();
  const cam = await computeCam(photo(300, 110), classifier, { labels: ["a"], workingSize: 64 });
  assert.deepEqual([cam.width, cam.height], [300, 110]);
  assert.deepEqual([cam.hrCam.width, cam.hrCam.height], [64, 23]);
  assert.deepEqual(classifier.calls, [{ width: 64, height: 23, views: 2 }]);
});

Deno.test("computeCam() stops between scales when the checkpoint throws", async () => {
  const classifier = createFakeClassifier({ scales: [0.5, 1, 1.5] });
  const stop = new Error("no longer wanted");
  let left = 1;
  const checkpoint = () => {
    if (left-- === 0) throw stop;
  };
  await assert.rejects(computeCam(photo(), classifier, {}, checkpoint), (error) => error === stop);
  assert.equal(classifier.calls.length, 2);
});

Deno.test("computeCam() throws OptionError before it runs the network when options cannot be served", async () => {
  const classifier = createFakeClassifier();
  const cases = [
    [{ labels: ["zebra"] }, /"zebra"; the model knows a, b, c/],
    [{ scales: [] }, /1 to 8 numbers/],
    [{ scales: Array(9).fill(1) }, /got 9/],
    [{ scales: [0.05] }, /0\.1\.\.4/],
    [{ scales: [NaN] }, /NaN/],
    [{ workingSize: 15 }, /16\.\.2048/],
    [{ workingSize: 100.5 }, /100\.5/],
  ] as const;
  for (const [options, message] of cases) {
    await assert.rejects(computeCam(photo(), classifier, options), {
      name: "OptionError",
      message,
    });
  }
  const large = { width: 2000, height: 1500, data: new Uint8Array(9_000_000) };
  await assert.rejects(computeCam(large, classifier, { workingSize: 1000, scales: [2] }), {
    name: "OptionError",
    message: /scale 2 of a 1000×750 px image is 3000000 px/,
  });
  await assert.rejects(computeCam(large, classifier, { workingSize: 1600, scales: [1, 1, 1] }), {
    name: "OptionError",
    message: /scales 1, 1, 1 of a 1600×1200 px image are 5760000 px/,
  });
  assert.equal(classifier.calls.length, 0);
});

Deno.test("computeCam() runs a large image and its mirror image one after the other, to the same end", async () => {
  const classifier = createFakeClassifier();
  const height = 600;
  const shapes: number[] = [];
  const watched = {
    ...classifier,
    classify(input: Float32Array, w: number, h: number) {
      shapes.push(input.length / (3 * w * h));
      return classifier.classify(input, w, h);
    },
  };
  const options = { labels: ["b"], scales: [1], workingSize: 2048 };
  for (const [width, runs] of [[832, [2]], [848, [1, 1]]] as const) {
    shapes.length = 0;
    const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 7919) % 251);
    const { hrCam } = await computeCam({ width, height, data }, watched, options);
    assert.deepEqual(shapes, runs);
    // What the mirror image adds makes the map of a mirrored photo the mirrored map.
    const flipped = data.slice();
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const from = 3 * (y * width + x);
        flipped.set(data.subarray(from, from + 3), 3 * (y * width + width - 1 - x));
      }
    }
    const other = await computeCam({ width, height, data: flipped }, watched, options);
    for (let x = 0; x < width; x += 97) {
      assert.ok(Math.abs(hrCam.data[x]! - other.hrCam.data[width - 1 - x]!) < 1e-5);
    }
  }
});

Deno.test("labelIndices() sorts and gives every class once", () => {
  assert.deepEqual(labelIndices(["c", "a", "c"], ["a", "b", "c"]), [0, 2]);
});

Deno.test("predictedClasses() counts a score at its threshold", () => {
  assert.deepEqual(predictedClasses(Float32Array.of(0.5, 0.4, 0.25), [0.5, 0.5, 0.25]), [0, 2]);
});
