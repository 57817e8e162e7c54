import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeImage, decodeMaskPng, encodeMaskPng } from "../../../../core/image/mod.ts";
import {
  type AugmentOptions,
  drawAugmentation,
  resizedTo,
} from "../../../../core/training/data/augment.ts";
import { randomOf } from "../../../../core/training/random.ts";
import {
  type Batch,
  type Sample,
  SampleLoader,
  type SampleLoaderOptions,
} from "../../../../core/training/data/sample_loader.ts";
import { fingerprintFiles } from "../../../../core/training/data/fingerprint_files.ts";
import { splitBatch } from "../../../../core/training/data/split_batch.ts";
import { SampleOrder } from "../../../../core/training/data/sample_order.ts";
import { resizeImage } from "../../../../kernels/resize_image.ts";
import { writeSamples } from "../run/tiny_training.ts";

class Place implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "samples-"));
  readonly samples: Sample[] = writeSamples(this.folder);

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const OPTIONS: SampleLoaderOptions = {
  batch: 5,
  seed: 3,
  classes: 2,
  size: 12,
  longSide: [9, 21],
  mean: [0.4, 0.5, 0.6],
  std: [0.2, 0.25, 0.3],
  maskStride: 4,
  workers: 0,
};

async function collect(
  samples: readonly Sample[],
  options: Partial<SampleLoaderOptions>,
  [from, to]: [number, number] = [0, 8],
): Promise<Batch[]> {
  using loader = new SampleLoader(samples, { ...OPTIONS, ...options });
  const batches: Batch[] = [];
  for await (const batch of loader.batches(from, to)) batches.push(batch);
  return batches;
}

Deno.test("SampleOrder shows every sample at most once an epoch, in another order each time", () => {
  const order = new SampleOrder(18, 5, 1);
  assert.equal(order.perEpoch, 3);
  const epochs = [0, 1, 2].map((epoch) =>
    [0, 1, 2].flatMap((i) => [...order.at(3 * epoch + i).samples])
  );
  for (const epoch of epochs) assert.equal(new Set(epoch).size, 15);
  assert.notDeepEqual(epochs[0], epochs[1]);
  assert.notDeepEqual(epochs[1], epochs[2]);
  assert.deepEqual(order.at(1).index, 5);
  assert.deepEqual(order.at(4), new SampleOrder(18, 5, 1).at(4));
  assert.notDeepEqual(order.at(4).samples, new SampleOrder(18, 5, 2).at(4).samples);
  // Those left out are not the same ones each time.
  assert.equal(new Set(epochs.flat()).size, 18);
  assert.throws(() => new SampleOrder(4, 5, 1), /4 samples do not fill a batch of 5/);
});

Deno.test("drawAugmentation() reaches all lengths, both mirrors and all places of the window", () => {
  const options: AugmentOptions = { ...OPTIONS, size: 12, longSide: [10, 14] };
  const lengths = new Map<number, number>();
  const places = new Set<string>();
  let mirrored = 0;
  const rounds = 4000;
  for (let i = 0; i < rounds; i++) {
    const { width, height, place } = drawAugmentation(randomOf(9, i), 20, 15, options);
    lengths.set(width, (lengths.get(width) ?? 0) + 1);
    assert.equal(height, resizedTo(20, 15, width).height);
    assert.equal(place.width, Math.min(12, width));
    assert.equal(place.height, Math.min(12, height));
    if (width === 14) places.add(`left ${place.left}`).add(`y ${place.y}`);
    if (width === 10) places.add(`x ${place.x}`);
    if (place.mirror) mirrored++;
  }
  assert.deepEqual([...lengths.keys()].sort(), [10, 11, 12, 13, 14]);
  for (const count of lengths.values()) assert.ok(Math.abs(count / rounds - 0.2) < 0.03);
  assert.ok(Math.abs(mirrored / rounds - 0.5) < 0.03);
  // 14×10 px (10.5 rounds half to even): three places across, three down; 10 px wide: three.
  assert.deepEqual([...places].sort(), [
    ...["left 0", "left 1", "left 2"],
    ...["x 0", "x 1", "x 2"],
    ...["y 0", "y 1", "y 2"],
  ]);
});

Deno.test("SampleLoader gives the pixels that resizing, mirroring, normalising and cutting give", async () => {
  using place = new Place();
  const batches = await collect(place.samples, {});
  const { size, mean, std } = OPTIONS;
  let padded = 0;
  let mirrored = 0;
  for (const batch of batches) {
    for (const [i, at] of [...batch.samples].entries()) {
      const sample = place.samples[at]!;
      const image = await decodeImage(await readFile(sample.image));
      const mask = decodeMaskPng(await readFile(sample.mask!));
      const random = randomOf(OPTIONS.seed, 0x7361, batch.epoch, batch.index + i);
      const { width, height, place: { left, top, x, y, mirror } } = drawAugmentation(
        random,
        image.width,
        image.height,
        OPTIONS,
      );
      const resized = resizeImage(image.data, image.width, image.height, 3, width, height);
      const labels = resizeImage(mask.data, mask.width, mask.height, 1, width, height, {
        filter: "nearest",
      });
      // The pixel of the resized image under a pixel of the window, if there is one.
      const under = (row: number, column: number): number | null => {
        const [v, u] = [row - y + top, column - x + left];
        if (v < 0 || u < 0 || v >= height || u >= width) return null;
        return v * width + (mirror ? width - 1 - u : u);
      };
      if (mirror) mirrored++;
      for (let row = 0; row < size; row++) {
        for (let column = 0; column < size; column++) {
          const pixel = under(row, column);
          if (pixel === null) padded++;
          for (let c = 0; c < 3; c++) {
            const expected = pixel === null
              ? 0
              : Math.fround((resized[3 * pixel + c]! / 255 - mean[c]!) / std[c]!);
            const actual = batch.images[((i * 3 + c) * size + row) * size + column];
            assert.equal(actual, expected, `sample ${i} (${c}, ${row}, ${column})`);
          }
          // Cells of four by four show the third pixel of the third row.
          if (row % 4 !== 2 || column % 4 !== 2) continue;
          const cell = batch.masks![i * 9 + Math.floor(row / 4) * 3 + Math.floor(column / 4)];
          assert.equal(cell, pixel === null ? 255 : labels[pixel]);
        }
      }
      assert.deepEqual([...batch.labels!.subarray(2 * i, 2 * i + 2)], [1 - (at % 2), at % 2]);
      assert.equal(batch.ids[i], String(at));
    }
  }
  assert.ok(padded > 0 && mirrored > 0 && mirrored < 40);
});

Deno.test("SampleLoader gives the same whatever workers, cache and entry", async () => {
  using place = new Place();
  const jitter = { brightness: 0.3, contrast: 0.3, saturation: 0.3, hue: 0.1 };
  const inline = await collect(place.samples, { jitter, grey: 0.2 });
  assert.equal(inline.length, 8);
  const others = [
    { workers: 1, cacheMb: 1 },
    { workers: 3, prefetch: 5 },
    { cacheMb: 0.002 },
  ];
  for (const options of others) {
    assert.deepEqual(await collect(place.samples, { jitter, grey: 0.2, ...options }), inline);
  }
  assert.deepEqual(
    await collect(place.samples, { jitter, grey: 0.2, workers: 2 }, [5, 8]),
    inline.slice(5),
  );
  const plain = await collect(place.samples, {});
  assert.deepEqual(plain.map(({ masks }) => masks), inline.map(({ masks }) => masks));
  assert.notDeepEqual(plain.map(({ images }) => images), inline.map(({ images }) => images));
});

Deno.test("SampleLoader reduces large images once when it is told to", async () => {
  using place = new Place();
  const [batch] = await collect(place.samples, { maxSide: 10 }, [0, 1]);
  const [cached] = await collect(place.samples, { maxSide: 10, cacheMb: 1 }, [0, 1]);
  assert.deepEqual(batch, cached);
  const [plain] = await collect(place.samples, {}, [0, 1]);
  assert.notDeepEqual(plain!.images, batch!.images);
});

Deno.test("SampleLoader names what cannot be read, in a worker and out of it", async () => {
  using place = new Place();
  writeFileSync(place.samples[4]!.image, "no photograph");
  for (const workers of [0, 1]) {
    await assert.rejects(collect(place.samples, { workers }), /Cannot train on .*4\.png: /);
  }
  const data = new Uint8Array(6);
  writeFileSync(place.samples[4]!.mask!, encodeMaskPng({ width: 3, height: 2, data }));
  writeFileSync(place.samples[4]!.image, await readFile(place.samples[5]!.image));
  await assert.rejects(collect(place.samples, {}), /4\.mask\.png is 3×2 px, its image 18×12 px/);
});

Deno.test("SampleLoader refuses samples and options that make no sense", () => {
  const sample = { id: "a", image: "a.jpg" };
  const open = (samples: Sample[], options: Partial<SampleLoaderOptions> = {}) => () =>
    new SampleLoader(samples, { ...OPTIONS, batch: 1, ...options });
  assert.throws(open([sample, { ...sample, labels: [1] }]), /Only 1 of 2 samples have labels/);
  assert.throws(
    open([{ ...sample, labels: [2] }]),
    /a has the label 2, which is none of 2 classes/,
  );
  assert.throws(open([{ ...sample, labels: [0] }], { classes: undefined }), TypeError);
  assert.throws(open([sample], { longSide: [30, 20] }), RangeError);
  assert.throws(open([sample], { std: [1, 0, 1] }), RangeError);
  assert.throws(open([sample], { jitter: { hue: 0.7 } }), /hue is 0\.7/);
  assert.throws(open([sample], { workers: -1 }), RangeError);
});

Deno.test("SampleLoader's fingerprint tells what decides the stream", () => {
  const samples = [{ id: "a", image: "a.jpg" }, { id: "b", image: "b.jpg" }];
  const of = (list: Sample[], options: Partial<SampleLoaderOptions> = {}) =>
    new SampleLoader(list, { ...OPTIONS, batch: 1, ...options }).fingerprint;
  const own = of(samples);
  const moved = samples.map((sample) => ({ ...sample, image: `elsewhere/${sample.image}` }));
  assert.equal(of(moved, { cacheMb: 5, prefetch: 3 }), own);
  assert.notEqual(of(samples.toReversed()), own);
  assert.notEqual(of(samples, { seed: 4 }), own);
  assert.notEqual(of(samples, { grey: 0.1 }), own);
});

Deno.test("SampleLoader names the mask that holds a class which there is not", async () => {
  using place = new Place();
  const [data, paths] = [new Uint8Array(6 * 4).fill(255), place.samples.map(({ mask }) => mask!)];
  for (const path of paths) {
    const { width, height } = decodeMaskPng(await readFile(path));
    writeFileSync(path, encodeMaskPng({ width, height, data: new Uint8Array(width * height) }));
  }
  const { width, height } = decodeMaskPng(await readFile(paths[3]!));
  const mask = new Uint8Array(width * height);
  mask.set(data);
  mask[5] = 20;
  writeFileSync(paths[3]!, encodeMaskPng({ width, height, data: mask }));
  assert.equal((await collect(place.samples, { maskClasses: 21 }, [0, 3])).length, 3);
  await assert.rejects(collect(place.samples, { batch: 18, maskClasses: 20 }, [0, 1]), {
    message: /3\.mask\.png holds the class 20: neither below 20 nor 255/,
  });
});

Deno.test("splitBatch() gives the batches that smaller ones would have been", async () => {
  using place = new Place();
  const [large] = await collect(place.samples, { batch: 6 }, [1, 2]);
  const small = await collect(place.samples, { batch: 3 }, [2, 4]);
  splitBatch(large!, 2).forEach((part, at) => {
    const { step, ...expected } = small[at]!;
    assert.equal(step, 2 + at);
    assert.deepEqual({ ...part, step }, { ...expected, step });
  });
  assert.throws(() => splitBatch(large!, 4), RangeError);
});

Deno.test("fingerprintFiles() changes with contents and order, not with names", async () => {
  using place = new Place();
  const [first, second] = place.samples.map(({ mask }) => mask!) as [string, string];
  const copy = join(place.folder, "copy.png");
  writeFileSync(copy, await readFile(first));
  const found = await fingerprintFiles([first, second]);
  assert.match(found, /^[0-9a-f]{16}$/);
  assert.equal(await fingerprintFiles([copy, second]), found);
  assert.notEqual(await fingerprintFiles([second, first]), found);
  writeFileSync(second, await readFile(first));
  assert.notEqual(await fingerprintFiles([first, second]), found);
});
