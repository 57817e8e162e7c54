import assert from "node:assert/strict";
import { affinityPaths } from "../../kernels/affinity_paths.ts";
import { enlargeWalk, randomWalk } from "../../kernels/random_walk.ts";
import { pattern } from "./pattern.ts";
import { largestDifference } from "./refinement_checks.ts";

Deno.test("affinityPaths() lists 34 paths for radius 5 and 152 for radius 10", () => {
  assert.equal(affinityPaths(5).length, 34);
  assert.equal(affinityPaths(10).length, 152);
  assert.equal(affinityPaths(1).length, 0);
});

Deno.test("affinityPaths() lists steps along the row first, then row by row", () => {
  const steps = affinityPaths(3).map(({ dy, dx }) => `${dy},${dx}`).join(" ");
  assert.equal(
    steps,
    "0,1 0,2 1,-2 1,-1 1,0 1,1 1,2 2,-2 2,-1 2,0 2,1 2,2",
  );
});

Deno.test("affinityPaths() takes the pixels less than 1 from the line", () => {
  const paths = new Map(affinityPaths(5).map((path) => [`${path.dy},${path.dx}`, path.pixels]));
  assert.deepEqual(paths.get("0,3"), [[0, 0], [0, 1], [0, 2], [0, 3]]);
  assert.deepEqual(paths.get("2,0"), [[0, 0], [1, 0], [2, 0]]);
  // A diagonal's neighbours are 1/√2 away, those of a knight's move 1/√5 and 2/√5.
  assert.deepEqual(paths.get("1,1"), [[0, 0], [0, 1], [1, 0], [1, 1]]);
  assert.deepEqual(paths.get("1,-2"), [[0, -2], [0, -1], [0, 0], [1, -2], [1, -1], [1, 0]]);
  // Column 3 of row 1 is exactly 1 away from the line of 3, 4 and 5.
  const pixels = affinityPaths(10).find(({ dy, dx }) => dy === 3 && dx === 4)!.pixels;
  assert.deepEqual(pixels.filter(([y]) => y === 1), [[1, 0], [1, 1], [1, 2]]);
});

/** The walk by dense matrices in double precision, paths found by distance from the line. */
function walkDensely(
  cam: Float32Array,
  edge: Float32Array,
  width: number,
  height: number,
  { radius = 5, beta = 10, steps = 256 } = {},
): number[] {
  const pixels = width * height;
  const affinity = Array.from({ length: pixels }, () => new Float64Array(pixels));
  for (let p = 0; p < pixels; p++) {
    for (let q = 0; q < pixels; q++) {
      const [px, py, qx, qy] = [p % width, Math.floor(p / width), q % width, Math.floor(q / width)];
      const length = Math.hypot(qx - px, qy - py);
      if (length >= radius) continue;
      let most = p === q ? 0 : -Infinity;
      for (let y = Math.min(py, qy); y <= Math.max(py, qy) && p !== q; y++) {
        for (let x = Math.min(px, qx); x <= Math.max(px, qx); x++) {
          const distance = Math.abs((qy - py) * (x - px) - (qx - px) * (y - py)) / length;
          if (distance < 1 - 1e-9) most = Math.max(most, edge[y * width + x]!);
        }
      }
      affinity[p]![q] = (1 - most) ** beta;
    }
  }
  const sums = Array.from(
    { length: pixels },
    (_, q) => affinity.reduce((s, row) => s + row[q]!, 0),
  );
  const result: number[] = [];
  for (let start = 0; start < cam.length; start += pixels) {
    let now = Float64Array.from({ length: pixels }, (_, p) => cam[start + p]! * (1 - edge[p]!));
    for (let step = 0; step < steps; step++) {
      now = now.map((_, q) => now.reduce((s, v, p) => s + v * affinity[p]![q]!, 0) / sums[q]!);
    }
    result.push(...now);
  }
  return result;
}

function inputs(width: number, height: number, classes: number, seed: number) {
  return {
    cam: Float32Array.from(
      pattern(classes * width * height, seed),
      (v) => Math.max(0, v - 120) / 135,
    ),
    edge: Float32Array.from(pattern(width * height, seed + 9), (v) => v / 300),
  };
}

for (
  const [width, height, classes] of [[11, 6, 3], [5, 13, 2], [3, 9, 1], [2, 2, 1], [
    1,
    1,
    2,
  ]] as const
) {
  Deno.test(`randomWalk() equals dense matrices on ${classes} CAMs of ${width}×${height}`, () => {
    const { cam, edge } = inputs(width, height, classes, width);
    for (const options of [{}, { steps: 7, beta: 3 }, { steps: 0 }, { radius: 3, steps: 64 }]) {
      const wanted = walkDensely(cam, edge, width, height, options);
      for (const tolerance of [1e-7, 0]) {
        const found = randomWalk(cam, classes, edge, width, height, { ...options, tolerance });
        const difference = largestDifference(found, wanted);
        assert.ok(difference < 2e-6, `${JSON.stringify(options)} ${tolerance}: ${difference}`);
      }
    }
  });
}

Deno.test("randomWalk() stays within rooms whose walls are edges of 1", () => {
  const [width, height] = [12, 5];
  const edge = new Float32Array(width * height);
  const cam = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 5; x < 7; x++) edge[y * width + x] = 1;
    cam[y * width] = 1;
  }
  const found = randomWalk(cam, 1, edge, width, height);
  found.forEach((value, p) => {
    const x = p % width;
    assert.ok(x < 5 ? value > 0.05 : value === 0, `${x}: ${value}`);
  });
});

Deno.test("randomWalk() leaves a constant as it is", () => {
  const { edge } = inputs(17, 9, 1, 4);
  const cam = edge.map((value) => 0.7 / (1 - value));
  for (const tolerance of [0, 1e-7]) {
    const found = randomWalk(cam, 1, edge, 17, 9, { tolerance });
    assert.ok(largestDifference(found, new Array(cam.length).fill(0.7)) < 1e-6);
  }
});

Deno.test("enlargeWalk() enlarges, crops and divides by the largest value of all classes", () => {
  const walked = Float32Array.of(0, 1, 0, 0, 0, 2);
  const large = enlargeWalk(walked, 2, 3, 1, 11, 4);
  assert.equal(large.length, 2 * 11 * 4);
  assert.equal(Math.max(...large), 1);
  // A pixel's centre is its value; between two centres are 1, 3, 5 and 7 eighths.
  assert.deepEqual([...large.subarray(0, 6)], [0, 0, 1 / 16, 3 / 16, 5 / 16, 7 / 16]);
  assert.deepEqual(enlargeWalk(new Float32Array(3), 1, 3, 1, 12, 3), new Float32Array(36));
});

Deno.test("randomWalk() and affinityPaths() throw when sizes, edges or options are wrong", () => {
  const { cam, edge } = inputs(4, 3, 1, 1);
  assert.throws(() => randomWalk(cam, 2, edge, 4, 3), TypeError);
  assert.throws(() => randomWalk(cam, 1, edge.subarray(1), 4, 3), TypeError);
  assert.throws(() => randomWalk(cam, 1, edge, 4, 3, { beta: 0 }), RangeError);
  assert.throws(() => randomWalk(cam, 1, edge, 4, 3, { steps: -1 }), RangeError);
  assert.throws(() => randomWalk(cam, 1, edge, 4, 3, { radius: 65 }), RangeError);
  for (const wrong of [-0.1, 1.1, NaN]) {
    const edges = edge.slice();
    edges[7] = wrong;
    assert.throws(() => randomWalk(cam, 1, edges, 4, 3), /pixel 7/);
  }
  assert.throws(() => affinityPaths(2.5), RangeError);
  assert.throws(() => enlargeWalk(new Float32Array(3), 1, 3, 1, 13, 4), RangeError);
});

Deno.test("randomWalk() calls the checkpoint after every step, and ends when it throws", () => {
  const [cam, edge] = [new Float32Array(20).fill(0.5), new Float32Array(20)];
  let calls = 0;
  const options = { steps: 9, tolerance: 0, checkpoint: () => void calls++ };
  randomWalk(cam, 1, edge, 5, 4, options);
  assert.equal(calls, 9);
  const checkpoint = () => {
    throw new DOMException("Cancelled", "AbortError");
  };
  assert.throws(() => randomWalk(cam, 1, edge, 5, 4, { checkpoint }), { name: "AbortError" });
});
