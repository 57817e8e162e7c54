/**
 * `deno task bench:superpixels IMAGE [RUNS] [STAGE…]`: times SLIC, quickshift, blur + Canny, and the
 * label boundaries on one image; one JSON line a stage.
 *
 * The stages, the parameters and the lines' fields are those of a Python script that times
 * scikit-image and OpenCV: run the two in turn on one machine and quote the ratio of the medians.
 * Every stage runs in a process of its own, so that peak memory is its own; the first run, which
 * also compiles, is not counted.
 */

import { basename } from "node:path";
import process from "node:process";
import { decodeImage } from "../../core/image/mod.ts";
import { labelBoundaries } from "../../kernels/boundaries.ts";
import { canny } from "../../kernels/canny.ts";
import { gaussianBlur3x3 } from "../../kernels/gaussian_blur.ts";
import { rgbToGray } from "../../kernels/gray.ts";
import { quickshift } from "../../kernels/quickshift.ts";
import { slic } from "../../kernels/slic.ts";
import { swapRedAndBlue } from "../../kernels/swap_red_and_blue.ts";
import { median } from "./median.ts";
import { timeStages } from "./time_stages.ts";

type Prepare = (bgr: Uint8Array, rgb: Uint8Array, width: number, height: number) => () => unknown;

const STAGES: Readonly<Record<string, Prepare>> = {
  slic: (bgr, _rgb, width, height) => () => slic(bgr, width, height),
  quickshift: (bgr, _rgb, width, height) => () => quickshift(bgr, width, height),
  canny: (_bgr, rgb, width, height) => {
    const gray = rgbToGray(rgb);
    return () => canny(gaussianBlur3x3(gray, width, height), width, height);
  },
  boundaries: (bgr, _rgb, width, height) => {
    const labels = slic(bgr, width, height);
    return () => labelBoundaries(labels, width, height);
  },
};

async function time(stage: string, path: string, runs: number): Promise<void> {
  const { data, width, height } = await decodeImage(await Deno.readFile(path));
  const bgr = swapRedAndBlue(data);
  const run = STAGES[stage]!(bgr, data, width, height);
  run();
  const seconds: number[] = [];
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    run();
    seconds.push((performance.now() - start) / 1000);
  }
  console.log(JSON.stringify({
    stage,
    median_s: Number(median(seconds).toFixed(5)),
    min_s: Number(Math.min(...seconds).toFixed(5)),
    runs,
    // In kB.
    peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
    image: basename(path),
    size: `${width}x${height}`,
    threads: 1,
  }));
}

await timeStages({
  module: import.meta.url,
  name: "bench:superpixels",
  description: "Time superpixels and edges on one image.",
  input: "image",
  stages: Object.keys(STAGES),
  time,
});
