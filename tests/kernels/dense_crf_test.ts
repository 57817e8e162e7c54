import assert from "node:assert/strict";
import {
  argmaxPlanes,
  crfKernels,
  inferDenseCrf,
  unaryFromLabels,
  unaryFromProbabilities,
} from "../../kernels/dense_crf.ts";
import {
  bilateralLattice,
  buildLattice,
  gaussianLattice,
  type PermutohedralLattice,
} from "../../kernels/permutohedral_lattice.ts";
import { inferReference, ReferenceLattice } from "./lattice_reference.ts";
import { pattern } from "./pattern.ts";
import { largestDifference } from "./refinement_checks.ts";

const WIDTH = 13;
const HEIGHT = 7;
const PIXELS = WIDTH * HEIGHT;
const rgb = pattern(3 * PIXELS, 5).map((v, i) => (i % 40) + (v & 31));

/** Points in d dimensions from -3 to 3, away from ties. */
function cloud(points: number, d: number, seed: number): Float32Array {
  return Float32Array.from(pattern(points * d, seed), (v, i) => (v - 127.5) / 43 + (i % 97) / 9973);
}

function reference(features: Float32Array, d: number): ReferenceLattice {
  const points = features.length / d;
  return new ReferenceLattice(
    Array.from(
      { length: points },
      (_, p) => Array.from({ length: d }, (_, j) => features[j * points + p]!),
    ),
  );
}

for (const [points, d] of [[37, 1], [90, 2], [33, 3], [50, 5], [21, 7]] as const) {
  Deno.test(`buildLattice() finds the vertices and the filtered ones of ${points} points in ${d} dimensions`, () => {
    const features = cloud(points, d, d);
    const lattice = buildLattice(features, d);
    const wanted = reference(features, d);
    assert.equal(lattice.vertices, wanted.vertices);
    const ones = wanted.filterNormalized(new Array(points).fill(1));
    assert.ok(largestDifference(lattice.ones, ones) < 1e-5);
    assertNeighboursAreMutual(lattice);
  });
}

function assertNeighboursAreMutual({ neighbours, vertices, dimensions }: PermutohedralLattice) {
  for (let axis = 0; axis <= dimensions; axis++) {
    for (let v = 0; v < vertices; v++) {
      for (const side of [0, 1]) {
        const other = neighbours[2 * (axis * vertices + v) + side]!;
        assert.ok(other <= vertices && other !== v);
        if (other === vertices) continue;
        assert.equal(neighbours[2 * (axis * vertices + other) + 1 - side], v);
      }
    }
  }
}

Deno.test("buildLattice() makes room when nearly every point has vertices of its own", () => {
  const features = Float32Array.from(pattern(5 * 3000, 9), (v) => 4 * v);
  const { vertices, points } = buildLattice(features, 5);
  assert.ok(vertices > 5 * points, `${vertices}`);
});

Deno.test("bilateralLattice() equals the same points given as features", () => {
  const features = new Float32Array(5 * PIXELS);
  for (let p = 0; p < PIXELS; p++) {
    const colours = rgb.subarray(3 * p, 3 * p + 3);
    const point = [p % WIDTH / 9, Math.floor(p / WIDTH) / 9, ...Array.from(colours, (v) => v / 6)];
    point.forEach((value, j) => features[j * PIXELS + p] = value);
  }
  assert.deepEqual(
    bilateralLattice(rgb, WIDTH, HEIGHT, { sxy: 9, srgb: 6 }),
    buildLattice(features, 5),
  );
  assert.deepEqual(
    gaussianLattice(WIDTH, HEIGHT, { sxy: 9 }),
    buildLattice(features.subarray(0, 2 * PIXELS), 2),
  );
});

// Two labels, three to five and more are three ways through the code.
for (const labels of [2, 3, 5, 6, 9, 21]) {
  Deno.test(`inferDenseCrf() equals inference in double precision when there are ${labels} labels`, () => {
    const d = [2, 5];
    const features = d.map((dimensions) => cloud(PIXELS, dimensions, 20 + dimensions));
    const compat = [1.5, 4];
    const unary = Float32Array.from(pattern(labels * PIXELS, labels), (v) => v / 80);
    const kernels = d.map((dimensions, k) => ({
      lattice: buildLattice(features[k]!, dimensions),
      compat: compat[k]!,
    }));
    const references = d.map((dimensions, k) => ({
      lattice: reference(features[k]!, dimensions),
      compat: compat[k]!,
    }));
    const planes = Array.from(
      { length: labels },
      (_, l) => [...unary.subarray(l * PIXELS, (l + 1) * PIXELS)],
    );
    for (const steps of [0, 1, 4]) {
      const found = inferDenseCrf(unary, labels, kernels, { steps });
      const wanted = inferReference(planes, references, steps).flat();
      assert.ok(largestDifference(found, wanted) < 2e-5, `${steps} steps`);
    }
  });
}

Deno.test("inferDenseCrf() gives probabilities when energies are extreme", () => {
  for (const labels of [2, 4, 7]) {
    const unary = Float32Array.from(pattern(labels * PIXELS, 3), (v) => v > 127 ? 500 : -500);
    const q = inferDenseCrf(unary, labels, crfKernels(rgb, WIDTH, HEIGHT));
    for (let p = 0; p < PIXELS; p++) {
      let sum = 0;
      for (let l = 0; l < labels; l++) {
        const value = q[l * PIXELS + p]!;
        assert.ok(value >= 0 && value <= 1);
        sum += value;
      }
      assert.ok(Math.abs(sum - 1) < 1e-5);
    }
  }
});

Deno.test("inferDenseCrf() gives the same when lattices are used again", () => {
  const unary = Float32Array.from(pattern(3 * PIXELS, 3), (v) => v / 50);
  const kernels = crfKernels(rgb, WIDTH, HEIGHT);
  const first = inferDenseCrf(unary, 3, kernels);
  inferDenseCrf(unary.subarray(PIXELS), 2, kernels, { steps: 3 });
  assert.deepEqual(inferDenseCrf(unary, 3, kernels), first);
});

Deno.test("inferDenseCrf() is certain when there is one label, and a softmax without kernels", () => {
  assert.deepEqual([...inferDenseCrf(Float32Array.of(4, -4), 1, [])], [1, 1]);
  const q = inferDenseCrf(Float32Array.of(0, Math.log(3), 0, 0), 2, []);
  assert.ok(largestDifference(q, [0.5, 0.25, 0.5, 0.75]) < 1e-6);
});

Deno.test("unaryFromLabels() and unaryFromProbabilities() take negative logarithms", () => {
  const unary = unaryFromLabels(Uint8Array.of(0, 2), 3);
  const [own, other] = [-Math.log(0.7), -Math.log(0.15)];
  assert.ok(largestDifference(unary, [own, other, other, other, other, own]) < 1e-6);
  const energies = unaryFromProbabilities(Float32Array.of(0.5, 1, 0, 2));
  assert.ok(largestDifference(energies, [Math.LN2, 0, -Math.log(1e-5), 0]) < 1e-5);
});

Deno.test("argmaxPlanes() takes the first of equal planes", () => {
  const planes = Float32Array.of(0.2, 0.5, 0.1, 0.7, 0.5, 0.1, 0.1, 0, 0.3);
  assert.deepEqual([...argmaxPlanes(planes, 3)], [1, 0, 2]);
});

Deno.test("the dense CRF throws when sizes, options or values are wrong", () => {
  const unary = new Float32Array(2 * PIXELS);
  const kernels = crfKernels(rgb, WIDTH, HEIGHT);
  assert.throws(() => inferDenseCrf(unary, 4, kernels), TypeError);
  assert.throws(() => inferDenseCrf(unary, 0, kernels), RangeError);
  assert.throws(() => inferDenseCrf(unary, 257, kernels), RangeError);
  assert.throws(() => inferDenseCrf(unary, 2, kernels, { steps: 1.5 }), RangeError);
  assert.throws(() => inferDenseCrf(unary.subarray(1), 2, kernels), TypeError);
  assert.throws(() => crfKernels(rgb, WIDTH, HEIGHT + 1), TypeError);
  assert.throws(() => crfKernels(rgb, WIDTH, HEIGHT, { bilateralSrgb: 0 }), RangeError);
  assert.throws(() => gaussianLattice(0, 4), RangeError);
  assert.throws(() => buildLattice(new Float32Array(7), 2), TypeError);
  assert.throws(() => buildLattice(new Float32Array(16), 8), RangeError);
  assert.throws(() => buildLattice(Float32Array.of(0, NaN), 2), /feature 1 is NaN/);
  assert.throws(() => buildLattice(Float32Array.of(0, 1e6), 2), /16-bit/);
  assert.throws(() => unaryFromLabels(Uint8Array.of(3), 3), RangeError);
  assert.throws(() => unaryFromLabels(Uint8Array.of(0), 3, { certainty: 1 }), RangeError);
  assert.throws(() => argmaxPlanes(new Float32Array(5), 2), TypeError);
});

Deno.test("inferDenseCrf() and crfKernels() call the checkpoint between steps, and end when it throws", () => {
  let calls = 0;
  const count = () => void calls++;
  const kernels = crfKernels(rgb, WIDTH, HEIGHT, { checkpoint: count });
  assert.equal(calls, 2);
  for (const labels of [2, 3, 7]) {
    const unary = Float32Array.from(pattern(labels * PIXELS, 3), (v) => v / 50);
    calls = 0;
    inferDenseCrf(unary, labels, kernels, { steps: 4, checkpoint: count });
    assert.equal(calls, 5);
    const stop = () => {
      if (++calls === 7) throw new DOMException("Cancelled", "AbortError");
    };
    assert.throws(() => inferDenseCrf(unary, labels, kernels, { checkpoint: stop }), /Cancelled/);
    assert.equal(calls, 7);
  }
});
