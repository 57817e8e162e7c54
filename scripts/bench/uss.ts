/**
 * `deno task bench:uss FOLDER [RUNS] [slic|quickshift]… [--threads 2] [--no-blocked]`: times the training of the unsupervised
 * segmentation's network on one image from given superpixels; one JSON line a method.
 *
 * FOLDER holds `image.png` and `stages.npz` (or `perimeters.npz`) with `uss_slic_superpixels` and
 * `uss_quick_superpixels`. The lines' fields are those of a Python script that times the same training in
 * PyTorch: run the two in turn on one machine and quote the ratio of the medians. Every method runs in a
 * process of its own, so that peak memory is its own. A first run, not counted, makes the session
 * for the image's size; `first_s` tells what it took.
 */

import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { decodeImage } from "../../core/image/mod.ts";
import { decodeNpz } from "../../core/npz.ts";
import { UssSegmenter } from "../../core/stages/uss.ts";
import { swapRedAndBlue } from "../../kernels/swap_red_and_blue.ts";
import { integerIn } from "../cli.ts";
import { median } from "./median.ts";
import { timeStages } from "./time_stages.ts";

/** Names of the superpixels in the arrays. */
const METHODS: Readonly<Record<string, string>> = { slic: "slic", quickshift: "quick" };

interface Flags {
  threads: number;
  blocked: boolean;
}

async function time(
  method: string,
  folder: string,
  runs: number,
  { threads, blocked }: Flags,
): Promise<void> {
  const { data, width, height } = await decodeImage(await Deno.readFile(join(folder, "image.png")));
  const bgr = swapRedAndBlue(data);
  const arrays = ["stages.npz", "perimeters.npz"].map((name) => join(folder, name));
  const stages = decodeNpz(await Deno.readFile(arrays.find((path) => existsSync(path))!));
  const given = stages[`uss_${METHODS[method]}_superpixels`]!.data as Uint16Array;
  const superpixels = Int32Array.from(given);
  await using segmenter = new UssSegmenter({ threads, blocked });
  let iterations = 0;
  const run = async () => {
    const start = performance.now();
    const result = await segmenter.segment(bgr, superpixels, width, height);
    iterations = result.distinct.length;
    return (performance.now() - start) / 1000;
  };
  const first = await run();
  const seconds: number[] = [];
  for (let i = 0; i < runs; i++) seconds.push(await run());
  const rounded = (value: number) => Number(value.toFixed(5));
  console.log(JSON.stringify({
    stage: `uss-${method}`,
    median_s: rounded(median(seconds)),
    min_s: rounded(Math.min(...seconds)),
    runs,
    // In kB.
    peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
    first_s: rounded(first),
    iterations,
    image: basename(folder),
    size: `${width}x${height}`,
    threads,
    blocked,
  }));
}

await timeStages<Flags>({
  module: import.meta.url,
  name: "bench:uss",
  description: "Time the training of the unsupervised segmentation on one image.",
  input: "folder",
  stages: Object.keys(METHODS),
  addOptions: (command) =>
    command
      .option("--threads <n>", "native threads", integerIn(1, 256), 2)
      .option("--no-blocked", "use standard operators only"),
  time,
});
