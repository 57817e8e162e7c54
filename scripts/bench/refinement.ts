/**
 * `deno task bench:refinement FOLDER [RUNS] [STAGE…]`: times PerimeterFit, the dense CRF and the random
 * walk on one image; one JSON line a stage.
 *
 * FOLDER holds image.png, uss_slic_colored.png (a picture of the SLIC branch's segmentation) and
 * stages.npz (`hr_cam`, `cam`, `rw_edge`, `uss_slic_im_target`). Stages, inputs and fields are those of
 * a Python script that times Pillow, pydensecrf and SciPy: run the two in turn on one machine and quote
 * the ratio of the medians. Every stage runs in a process of its own, so that peak memory is its own;
 * the first runs, which also compile, are not counted.
 *
 * `perimeter-fit` and `perimeter-fit-regions` are one class, from the picture and from the label map;
 * `crf` and `walk` include construction; `crf-shared` infers over lattices built before.
 */

import { basename, join } from "node:path";
import process from "node:process";
import { decodeImage } from "../../core/image/mod.ts";
import { decodeNpz } from "../../core/npz.ts";
import { connectedRegions } from "../../kernels/connected_regions.ts";
import { argmaxOver } from "../../kernels/crf_labels.ts";
import { crfKernels, inferDenseCrf, unaryFromLabels } from "../../kernels/dense_crf.ts";
import { fitToPicture, fitToRegions, roughCam } from "../../kernels/perimeter_fit.ts";
import { randomWalk } from "../../kernels/random_walk.ts";
import { median } from "./median.ts";
import { timeStages } from "./time_stages.ts";

const WARM_UP = 2;

interface Inputs {
  readonly rgb: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly picture: Uint8Array;
  /** Array of stages.npz by name; its type is the caller's word. */
  readonly stage: <T>(name: string) => { readonly data: T; readonly shape: readonly number[] };
}

const STAGES: Readonly<Record<string, (inputs: Inputs) => () => unknown>> = {
  "perimeter-fit": ({ stage, picture, width, height }) => {
    const rough = firstRough(stage<Float32Array>("hr_cam").data, width * height);
    return () => fitToPicture(rough, 1, picture, width, height);
  },
  "perimeter-fit-regions": ({ stage, width, height }) => {
    const rough = firstRough(stage<Float32Array>("hr_cam").data, width * height);
    const labels = stage<Uint8Array>("uss_slic_im_target").data;
    return () => fitToRegions(rough, 1, connectedRegions(labels, width, height), width, height);
  },
  crf: ({ stage, rgb, width, height }) => {
    const { unary, labels } = labelEnergy(stage("hr_cam"));
    return () => inferDenseCrf(unary, labels, crfKernels(rgb, width, height));
  },
  "crf-shared": ({ stage, rgb, width, height }) => {
    const { unary, labels } = labelEnergy(stage("hr_cam"));
    const kernels = crfKernels(rgb, width, height);
    return () => inferDenseCrf(unary, labels, kernels);
  },
  walk: ({ stage }) => {
    const { data, shape } = stage<Float32Array>("cam");
    const [classes, height, width] = shape as [number, number, number];
    const edge = stage<Float32Array>("rw_edge").data;
    return () => randomWalk(data, classes, edge, width, height);
  },
};

function firstRough(cam: Float32Array, pixels: number): Uint8Array {
  return roughCam(cam.subarray(0, pixels), 0.05);
}

/** Energies of the argmax over `[0.6 | cam]`. */
function labelEnergy(
  { data, shape }: { readonly data: Float32Array; readonly shape: readonly number[] },
): { unary: Float32Array; labels: number } {
  const [classes, height, width] = shape as [number, number, number];
  const labels = classes + 1;
  return { unary: unaryFromLabels(argmaxOver(data, height * width, 0.6), labels), labels };
}

async function time(stage: string, folder: string, runs: number): Promise<void> {
  const read = (name: string) => Deno.readFile(join(folder, name));
  const { data: rgb, width, height } = await decodeImage(await read("image.png"));
  const picture = (await decodeImage(await read("uss_slic_colored.png"))).data;
  const arrays = decodeNpz(await read("stages.npz"));
  const run = STAGES[stage]!({
    rgb,
    width,
    height,
    picture,
    stage: <T>(name: string) => {
      const { data, shape } = arrays[name]!;
      return { data: data as T, shape };
    },
  });
  for (let i = 0; i < WARM_UP; i++) run();
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
    image: basename(folder),
    threads: 1,
  }));
}

await timeStages({
  module: import.meta.url,
  name: "bench:refinement",
  description: "Time PerimeterFit, the dense CRF and the random walk on one image.",
  input: "folder",
  stages: Object.keys(STAGES),
  time,
});
