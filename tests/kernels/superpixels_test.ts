import assert from "node:assert/strict";
import { decodeNpz } from "../../core/npz.ts";
import { quickshift } from "../../kernels/quickshift.ts";
import { slic } from "../../kernels/slic.ts";

interface Case {
  image: string;
  function: "slic" | "quickshift";
  options: Record<string, number | boolean>;
}

const fixtures = new URL("../fixtures/superpixels/", import.meta.url);
const images = decodeNpz(Deno.readFileSync(new URL("images.npz", fixtures)));
const labels = decodeNpz(Deno.readFileSync(new URL("labels.npz", fixtures)));
const cases: Case[] = Deno.readTextFileSync(new URL("cases.jsonl", fixtures))
  .trimEnd().split("\n").map((line) => JSON.parse(line));

cases.forEach((c, number) => {
  const options = JSON.stringify(c.options);
  Deno.test(`${c.function}() equals scikit-image when given ${c.image} and ${options}`, () => {
    const { shape, data } = images[c.image]!;
    const [height, width] = shape as [number, number];
    const run = c.function === "slic" ? slic : quickshift;
    const result = run(data as Uint8Array, width, height, c.options);
    assert.deepEqual(result, labels[number]!.data);
  });
});

const pixel = Uint8Array.of(1, 2, 3);

for (const [name, run] of [["slic", slic], ["quickshift", quickshift]] as const) {
  Deno.test(`${name}() throws TypeError when the image is not H×W×3 bytes`, () => {
    assert.throws(() => run(new Uint8Array(8), 1, 3), TypeError);
    assert.throws(() => run([1, 2, 3] as unknown as Uint8Array, 1, 1), TypeError);
    assert.throws(() => run(pixel, 1, 1, { sigma: "1" as unknown as number }), TypeError);
  });

  Deno.test(`${name}() throws RangeError when a size is no whole number of pixels`, () => {
    for (const [width, height] of [[0, 1], [1, 0], [1.5, 2], [NaN, 1], [-1, -1]] as const) {
      assert.throws(() => run(new Uint8Array(0), width, height), RangeError);
    }
  });

  Deno.test(`${name}() leaves the image as it was`, () => {
    const { shape, data } = images.quadrants!;
    const copy = (data as Uint8Array).slice();
    run(copy, shape[1]!, shape[0]!);
    assert.deepEqual(copy, data);
  });
}

Deno.test("slic() throws RangeError when an option is out of range", () => {
  const wrong = [
    { segments: 0 },
    { segments: 2.5 },
    { compactness: 0 },
    { compactness: Infinity },
    { sigma: -1 },
    { sigma: NaN },
    { iterations: 0 },
    { iterations: 101 },
    { minSizeFactor: -0.1 },
    { maxSizeFactor: 0 },
  ];
  for (const options of wrong) {
    assert.throws(() => slic(pixel, 1, 1, options), RangeError, JSON.stringify(options));
  }
  assert.throws(
    () => slic(pixel, 1, 1, { connected: 1 as unknown as boolean }),
    TypeError,
  );
});

Deno.test("quickshift() throws RangeError when an option is out of range", () => {
  const wrong = [
    { kernelSize: 0.5 },
    { kernelSize: 21 },
    { maxDist: 0 },
    { maxDist: NaN },
    { ratio: -0.1 },
    { ratio: 1.1 },
    { sigma: 101 },
    { seed: -1 },
    { seed: 2 ** 32 },
    { seed: 0.5 },
  ];
  for (const options of wrong) {
    assert.throws(() => quickshift(pixel, 1, 1, options), RangeError, JSON.stringify(options));
  }
});

Deno.test("quickshift() gives the same map when it has run on a larger image before", () => {
  const { shape, data } = images.noise!;
  const [height, width] = shape as [number, number];
  const before = quickshift(data as Uint8Array, width, height);
  const large = Uint8Array.from({ length: 3 * 90 * 70 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
  quickshift(large, 90, 70, { kernelSize: 2 });
  assert.deepEqual(quickshift(data as Uint8Array, width, height), before);
});
