import assert from "node:assert/strict";
import { OptionError } from "../../../core/errors.ts";
import { probeBlockSize } from "../../../core/onnx/block_size.ts";
import { UssSegmenter } from "../../../core/stages/uss.ts";
import { agreement, readGolden } from "./uss_golden.ts";

const chelsea = new URL("../../fixtures/chelsea/", import.meta.url);
const open = (blocked: boolean) => new UssSegmenter({ blocked, threads: 2, idleMs: 0 });

Deno.test("UssSegmenter.segment() equals the published label map when given its superpixels", async () => {
  const golden = await readGolden(chelsea, "perimeters.npz", "quick");
  await using segmenter = open(true);
  let checks = 0;
  const { image, superpixels, width, height } = golden;
  const result = await segmenter.segment(image, superpixels, width, height, {}, () => checks++);
  assert.deepEqual(result.distinct, golden.distinct);
  assert.ok(agreement(result.labels, golden.labels) >= 0.99);
  assert.ok(result.losses.every((loss, turn) => turn === 0 || loss < result.losses[turn - 1]!));
  assert.ok(checks >= 2, `${checks} checkpoints`);
});

/** A picture of four quarters of different colours, with a little texture. */
function quarters(width: number, height: number) {
  const image = new Uint8Array(3 * width * height);
  const superpixels = new Int32Array(width * height);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      const quarter = 2 * Number(y >= height / 2) + Number(x >= width / 2);
      const texture = (7 * x + 13 * y) % 16;
      image.set([40 + 50 * quarter + texture, 200 - 45 * quarter, 30 + texture], 3 * p);
      // Numbers with gaps, from 5 up; cells of 4×3 pixels.
      superpixels[p] = 5 + 10 * (Math.floor(y / 3) * Math.ceil(width / 4) + Math.floor(x / 4));
    }
  }
  return { image, superpixels };
}

Deno.test({
  name: "UssSegmenter.segment() gives the same labels from blocked and portable graphs",
  ignore: await probeBlockSize() === null,
  fn: async () => {
    const [width, height] = [46, 31];
    const { image, superpixels } = quarters(width, height);
    const options = { iterations: 4, minLabels: 1 };
    const results = [];
    for (const blocked of [true, false]) {
      await using segmenter = open(blocked);
      results.push(await segmenter.segment(image, superpixels, width, height, options));
    }
    const [blocked, portable] = results;
    assert.equal(blocked!.distinct.length, 4);
    assert.ok(blocked!.distinct[0]! > 3);
    assert.deepEqual(blocked!.distinct, portable!.distinct);
    assert.ok(agreement(blocked!.labels, portable!.labels) >= 0.99);
    blocked!.losses.forEach((loss, turn) =>
      assert.ok(Math.abs(loss - portable!.losses[turn]!) < 1e-3)
    );
  },
});

Deno.test("UssSegmenter.segment() gives every superpixel one label, the same in every run", async () => {
  const [width, height] = [23, 14];
  const { image, superpixels } = quarters(width, height);
  await using segmenter = open(true);
  const first = await segmenter.segment(image, superpixels, width, height, { iterations: 3 });
  const labelOf = new Map<number, number>();
  superpixels.forEach((superpixel, p) => {
    const known = labelOf.get(superpixel) ?? first.labels[p]!;
    assert.equal(first.labels[p], known);
    labelOf.set(superpixel, known);
  });
  // Another size in between makes a session of its own and gives this one up.
  const other = quarters(9, 17);
  await segmenter.segment(other.image, other.superpixels, 9, 17, { iterations: 1 });
  const second = await segmenter.segment(image, superpixels, width, height, { iterations: 3 });
  assert.deepEqual(second, first);
  const seeded = await segmenter.segment(image, superpixels, width, height, {
    iterations: 3,
    seed: 7,
  });
  assert.notDeepEqual(seeded.labels, first.labels);
});

for (const [width, height] of [[1, 1], [1, 5], [6, 1], [2, 2]] as const) {
  Deno.test(`UssSegmenter.segment() stops at once when an image of ${width}×${height} px has few superpixels`, async () => {
    const image = Uint8Array.from({ length: 3 * width * height }, (_, at) => (at * 37) % 256);
    for (const blocked of [true, false]) {
      await using segmenter = open(blocked);
      for (const superpixels of [new Int32Array(width * height), image.slice(0, width * height)]) {
        const result = await segmenter.segment(
          image,
          Int32Array.from(superpixels),
          width,
          height,
        );
        assert.equal(result.distinct.length, 1);
        assert.equal(result.labels.length, width * height);
        assert.equal(new Set(result.labels).size, result.distinct[0]);
        assert.ok(Number.isFinite(result.losses[0]!));
      }
    }
  });
}

Deno.test("UssSegmenter.segment() ends at the checkpoint after the run that was under way", async () => {
  const { image, superpixels } = quarters(40, 30);
  await using segmenter = open(true);
  let checks = 0;
  const cancel = () => {
    if (++checks === 2) throw new DOMException("Cancelled", "AbortError");
  };
  await assert.rejects(
    segmenter.segment(image, superpixels, 40, 30, { minLabels: 1 }, cancel),
    { name: "AbortError" },
  );
  const later = await segmenter.segment(image, superpixels, 40, 30, { iterations: 2 });
  assert.ok(later.distinct.length <= 2);
});

Deno.test("UssSegmenter.segment() refuses options out of range and arrays that do not fit", async () => {
  const { image, superpixels } = quarters(8, 6);
  await using segmenter = open(true);
  const segment = (options: Parameters<UssSegmenter["segment"]>[4]) =>
    segmenter.segment(image, superpixels, 8, 6, options);
  await assert.rejects(segment({ iterations: 65 }), OptionError);
  await assert.rejects(segment({ minLabels: 0 }), /minLabels must be a whole number in 1..32/);
  await assert.rejects(segment({ learningRate: 0 }), OptionError);
  await assert.rejects(segment({ momentum: 1 }), OptionError);
  await assert.rejects(segment({ seed: 0.5 }), OptionError);
  await assert.rejects(segmenter.segment(image, superpixels, 6, 9), TypeError);
});
