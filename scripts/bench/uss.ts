/**
 * `deno task bench:uss FOLDER [RUNS] [slic|quickshift]…`: times the training of the unsupervised
 * segmentation's network on one image from given superpixels; one JSON line a method.
 *
 * FOLDER holds `image.png` and `stages.npz` (or `perimeters.npz`) with `uss_slic_superpixels` and
 * `uss_quick_superpixels`. The lines' fields are those of a Python script that times the same training in
 * PyTorch: run the two in turn on one machine and quote the ratio of the medians. Every method runs in a
 * process of its own, so that peak memory is its own. A first run, not counted, makes the session
 * for the image's size; `first_s` tells what it took. Environment: `THREADS` (default 2), `BLOCKED=0` for
 * standard operators only.
 */

import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { decodeImage } from "../../core/image/mod.ts";
import { decodeNpz } from "../../core/npz.ts";
import { UssSegmenter } from "../../core/stages/uss.ts";
import { median } from "./median.ts";

/** Names of the superpixels in the arrays. */
const METHODS: Readonly<Record<string, string>> = { slic: "slic", quickshift: "quick" };

async function time(method: string, folder: string, runs: number): Promise<void> {
  const { data, width, height } = await decodeImage(await Deno.readFile(join(folder, "image.png")));
  const bgr = data.map((_, i) => data[i - i % 3 + 2 - i % 3]!);
  const arrays = ["stages.npz", "perimeters.npz"].map((name) => join(folder, name));
  const stages = decodeNpz(await Deno.readFile(arrays.find((path) => existsSync(path))!));
  const given = stages[`uss_${METHODS[method]}_superpixels`]!.data as Uint16Array;
  const superpixels = Int32Array.from(given);
  const threads = Number(process.env.THREADS ?? 2);
  const blocked = process.env.BLOCKED !== "0";
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

const [folder, runs = "5", ...wanted] = Deno.args;
const methods = wanted.length > 0 ? wanted : Object.keys(METHODS);
const unknown = methods.find((method) => !Object.hasOwn(METHODS, method));
if (folder === undefined || !(Number(runs) >= 1) || unknown !== undefined) {
  console.error(`usage: uss.ts FOLDER [RUNS] [${Object.keys(METHODS).join("|")}]…`);
  Deno.exit(2);
}
if (methods.length === 1) {
  await time(methods[0]!, folder, Number(runs));
} else {
  const script = new URL(import.meta.url).pathname;
  for (const method of methods) {
    const args = [
      "run",
      "--allow-read",
      "--allow-ffi",
      "--allow-env",
      script,
      folder,
      runs,
      method,
    ];
    const { success } = await new Deno.Command(Deno.execPath(), { args, stdout: "inherit" })
      .spawn().status;
    if (!success) Deno.exit(1);
  }
}
