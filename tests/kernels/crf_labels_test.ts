import assert from "node:assert/strict";
import { affinityLabels } from "../../kernels/affinity_labels.ts";
import { argmaxOver, reviseLabels } from "../../kernels/crf_labels.ts";
import { crfKernels } from "../../kernels/dense_crf.ts";
import { pseudoLabels } from "../../kernels/pseudo_labels.ts";

Deno.test("argmaxOver() lets the background win ties, and the first of equal classes", () => {
  const cam = Float32Array.of(0.6, 0.7, 0.61, 0, 0.1, 0.7, 0.9, 0);
  assert.deepEqual([...argmaxOver(cam, 4, 0.6)], [0, 1, 2, 0]);
});

Deno.test("affinityLabels() ignores what is neither surely an object nor surely background", () => {
  const cam = Float32Array.of(0.9, 0.5, 0.3, 0, 0, 0, 0.2, 0.7);
  const found = affinityLabels(cam, [0, 8, 12], 4, 1, [], { steps: 0 });
  assert.deepEqual([...found.labels], [8, 255, 0, 12]);
  assert.deepEqual([...found.foreground.argmax], [1, 0, 0, 2]);
  assert.deepEqual([...found.background.argmax], [1, 1, 0, 2]);
  const other = affinityLabels(cam, [0, 8, 12], 4, 1, [], { foreground: 0.4, background: 0.2 });
  assert.deepEqual([...other.labels], [8, 8, 255, 12]);
});

Deno.test("pseudoLabels() names classes by their keys", () => {
  const cam = Float32Array.of(0.9, 0.34, 0.36, 0, 0, 0, 0.2, 0.7);
  const found = pseudoLabels(cam, Int32Array.of(0, 8, 20), 4, 1, []);
  assert.deepEqual([...found.labels], [8, 0, 8, 20]);
  assert.deepEqual([...found.argmax], [1, 0, 1, 2]);
  assert.deepEqual([...pseudoLabels(cam, [0, 8, 20], 4, 1, [], { threshold: 0.8 }).labels], [
    8,
    0,
    0,
    0,
  ]);
});

Deno.test("pseudoLabels() weighs classes by their values when told to", () => {
  const [width, height] = [12, 7];
  const rgb = new Uint8Array(3 * width * height).fill(90);
  const kernels = crfKernels(rgb, width, height);
  // One colour everywhere: the CRF gives all pixels the class that has most in sum.
  const cam = new Float32Array(2 * width * height).fill(0.2);
  cam.fill(0.9, 0, 36);
  cam.fill(0.21, width * height);
  const most = (unary: "labels" | "values") => {
    const options = { threshold: 0.1, steps: 10, unary };
    const { labels } = pseudoLabels(cam, [0, 8, 20], width, height, kernels, options);
    return labels.filter((label) => label === 8).length;
  };
  // 48 of 84 pixels prefer the second class a little, 36 the first by far.
  assert.equal(most("labels"), 0);
  assert.equal(most("values"), width * height);
});

Deno.test("pseudoLabels() is all background when there are no classes", () => {
  const kernels = crfKernels(new Uint8Array(3 * 6), 3, 2);
  assert.deepEqual([...pseudoLabels(new Float32Array(0), [0], 3, 2, kernels).labels], [
    0,
    0,
    0,
    0,
    0,
    0,
  ]);
});

Deno.test("reviseLabels() gives a stray pixel the label of its like neighbours, not across colours", () => {
  const [width, height] = [16, 9];
  const rgb = new Uint8Array(3 * width * height);
  const map = new Uint8Array(width * height);
  for (let p = 0; p < map.length; p++) {
    if (p % width < 8) continue;
    map[p] = 1;
    rgb.fill(220, 3 * p, 3 * p + 3);
  }
  const wanted = map.slice();
  map[4 * width + 3] = 1;
  map[5 * width + 12] = 0;
  const kernels = crfKernels(rgb, width, height);
  assert.deepEqual(reviseLabels(map, 2, kernels, { steps: 10 }), wanted);
});

Deno.test("affinityLabels() and pseudoLabels() throw when keys or options are wrong", () => {
  const cam = new Float32Array(8);
  for (const make of [affinityLabels, pseudoLabels]) {
    for (const keys of [[], [0], [0, 1], [0, 1, 2, 3]]) {
      assert.throws(() => make(cam, keys, 2, 2, []), TypeError);
    }
    for (const keys of [[1, 2, 3], [0, 2, 1], [0, 1, 255], [0, 1, 1.5], [0, 3, 3]]) {
      assert.throws(() => make(cam, keys, 2, 2, []), RangeError);
    }
  }
  assert.throws(() => affinityLabels(cam, [0, 1, 2], 2, 2, [], { foreground: 3 }), RangeError);
  assert.throws(() => pseudoLabels(cam, [0, 1, 2], 2, 2, [], { threshold: -1 }), RangeError);
});
