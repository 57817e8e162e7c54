import assert from "node:assert/strict";
import { affinityPaths } from "../../../../kernels/affinity_paths.ts";
import { GraphBuilder } from "../../../../core/onnx/graph_builder.ts";
import { affinityLoss } from "../../../../core/training/networks/affinity_loss.ts";
import { PathMaxima } from "../../../../core/training/networks/path_maxima.ts";
import {
  cutTiles,
  mergeTiles,
  reconstructionLoss,
} from "../../../../core/training/networks/puzzle.ts";
import { checkGradients, randomNumbers, type Tensor64 } from "../../onnx/gradient_check.ts";
import { run } from "../../onnx/session.ts";

const mean = (values: readonly number[]) =>
  values.length === 0 ? 0 : values.reduce((a, b) => a + b) / values.length;

/** A scalar as the gradient check wants it. */
const scalar = (value: number): Tensor64 => ({ shape: [], data: Float64Array.of(value) });

Deno.test("PathMaxima gives the greatest value along every path", async () => {
  const [images, height, width, radius] = [2, 13, 17, 6];
  const values = Float32Array.from(randomNumbers(images * height * width, 3));
  const reach = radius - 1;
  const window = { top: 0, bottom: height - reach, left: reach, right: width - reach };
  const g = new GraphBuilder();
  const maxima = new PathMaxima(g, g.input("map", "float32", [images, height, width]));
  const paths = affinityPaths(radius);
  paths.forEach((path, at) => g.output(`m${at}`, maxima.along(path, window)));
  const results = await run(g.build(), {
    map: { data: values, shape: [images, height, width] },
  });
  paths.forEach(({ pixels }, at) => {
    const expected: number[] = [];
    for (let image = 0; image < images; image++) {
      for (let y = window.top; y < window.bottom; y++) {
        for (let x = window.left; x < window.right; x++) {
          const along = pixels.map(([dy, dx]) =>
            values[(image * height + y + dy) * width + x + dx]!
          );
          expected.push(Math.max(...along));
        }
      }
    }
    assert.deepEqual([...results[`m${at}`]!.data as Float32Array], expected);
  });
});

/** The loss by its definition, in float64. */
function affinityLoss64(edges: Tensor64, labels: readonly number[], radius: number) {
  const [images, , height, width] = edges.shape as [number, number, number, number];
  const reach = radius - 1;
  const kinds = { ground: [] as number[], objects: [] as number[], different: [] as number[] };
  for (let image = 0; image < images; image++) {
    for (let y = 0; y < height - reach; y++) {
      for (let x = reach; x < width - reach; x++) {
        const at = (dy: number, dx: number) => (image * height + y + dy) * width + x + dx;
        for (const { dy, dx, pixels } of affinityPaths(radius)) {
          const [own, other] = [labels[at(0, 0)]!, labels[at(dy, dx)]!];
          if (own === 255 || other === 255) continue;
          const edge = Math.max(...pixels.map(([py, px]) => edges.data[at(py, px)]!));
          const affinity = 1 / (1 + Math.exp(edge));
          if (own !== other) kinds.different.push(-Math.log(1 - affinity + 1e-5));
          else (own === 0 ? kinds.ground : kinds.objects).push(-Math.log(affinity + 1e-5));
        }
      }
    }
  }
  return (mean(kinds.ground) / 2 + mean(kinds.objects) / 2 + mean(kinds.different)) / 2;
}

for (
  const [what, pick] of [
    ["all kinds of pairs", (n: number) => [0, 1, 2, 255][Math.floor(n / 5) % 4]!],
    ["background alone", () => 0],
    ["nothing but ignored pixels", () => 255],
  ] as const
) {
  Deno.test(`affinityLoss() has the right value and gradient for ${what}`, () => {
    const [shape, radius] = [[2, 1, 6, 11], 4];
    const labels = Array.from({ length: 2 * 6 * 11 }, (_, n) => pick(n));
    return checkGradients({
      inputs: [shape],
      range: [-3, 3],
      build: (g, [edges]) => {
        const map = g.constant(labels, [2, 6, 11], { dtype: "uint8" });
        return affinityLoss(g, edges!, map, { radius }).loss;
      },
      reference: ([edges]) => scalar(affinityLoss64(edges!, labels, radius)),
    });
  });
}

Deno.test("affinityLoss() throws RangeError when the map is smaller than its pairs", () => {
  const g = new GraphBuilder();
  const edges = g.input("edges", "float32", [1, 1, 9, 40]);
  const labels = g.input("labels", "uint8", [1, 9, 40]);
  assert.throws(() => affinityLoss(g, edges, labels), RangeError);
});

Deno.test("cutTiles() cuts images in four, and mergeTiles() undoes it", async () => {
  const g = new GraphBuilder();
  const shape = [2, 2, 4, 6];
  const images = g.input("images", "float32", shape);
  const tiles = cutTiles(g, images);
  g.output("tiles", tiles);
  g.output("merged", mergeTiles(g, tiles));
  const data = Float32Array.from({ length: 2 * 2 * 4 * 6 }, (_, at) => at);
  const results = await run(g.build(), { images: { data, shape } });
  assert.deepEqual(results.tiles!.dims, [8, 2, 2, 3]);
  // Tile 3 of image 1 (the seventh of all), first channel: rows 2 and 3, columns 0 to 2.
  const tile = (results.tiles!.data as Float32Array).subarray(5 * 12, 5 * 12 + 6);
  assert.deepEqual([...tile], [60, 61, 62, 66, 67, 68]);
  assert.deepEqual(results.merged!.data, data);
});

Deno.test("cutTiles() throws TypeError when a side is odd", () => {
  const g = new GraphBuilder();
  assert.throws(() => cutTiles(g, g.input("images", "float32", [1, 3, 5, 6])), TypeError);
});

Deno.test("reconstructionLoss() has the right value and gradients", () => {
  const tags = [1, 0, 1, 0, 0, 1];
  return checkGradients({
    inputs: [[2, 3, 2, 3], [2, 3, 2, 3]],
    build: (g, [maps, merged]) =>
      reconstructionLoss(g, maps!, merged!, g.cast(g.constant(tags, [2, 3]), maps!.dtype)),
    reference: ([maps, merged]) => {
      const apart = [...maps!.data].map((v, at) =>
        Math.abs(v - merged!.data[at]!) * tags[Math.floor(at / 6)]!
      );
      return scalar(mean(apart));
    },
  });
});
