/**
 * `deno task bench:networks [RUNS] [--python PYTHON]`: the class activation maps of a 500×375 image by the
 * published classifier, ResNeSt-101 at four scales with mirrors, from bytes to maps; beside them, in the
 * same run, what Python needs for the networks alone, in ONNX Runtime on the same file and in PyTorch.
 *
 * The weights are made up, as they do not matter for the time. PYTHON needs numpy, onnxruntime, torch and
 * resnest. The sides run in turn, so that the machine's moods hit all; quote the ratios of the medians, or
 * where others are at work those of the processor's seconds. One JSON line a side.
 */

import process from "node:process";
import { fileURLToPath } from "node:url";
import { BACKBONES } from "../../core/nets/backbones.ts";
import { buildNetwork, networkTensors } from "../../core/nets/build_network.ts";
import type { CamModelInfo } from "../../core/runtime/models.ts";
import { computeCam } from "../../core/stages/cam.ts";
import { openClassifier } from "../../core/stages/classifier.ts";
import type { WeightTensor } from "../../core/weights/tensor.ts";
import { Pcg64 } from "../../kernels/pcg64.ts";
import { createCommand, integerIn } from "../cli.ts";
import { median } from "./median.ts";
import { PythonSides, type Taken } from "./python_sides.ts";

const BACKBONE = "resnest101";
const CLASSES = 20;
const [WIDTH, HEIGHT] = [500, 375];
const SCALES = [0.5, 1, 1.5, 2];
/** Lets the native threads of one side go to sleep before the other side is timed. */
const PAUSE_MS = 50;

const command = createCommand("bench:networks", "Time the published classifier on one image.")
  .argument("[runs]", "runs to take the median of", integerIn(1, 1000), 3)
  .option(
    "--threads <n>",
    "threads of every side",
    integerIn(1, 256),
    navigator.hardwareConcurrency,
  )
  .option(
    "--scales <list>",
    "scales, joined by commas",
    (text) => text.split(",").map(Number),
    SCALES,
  )
  .option("--python <path>", "a Python to compare with");
command.parse(Deno.args, { from: "user" });
const [runs] = command.processedArgs as [number];
const { threads, scales, python } = command.opts<
  { threads: number; scales: number[]; python?: string }
>();

/** Random weights under which no value overflows or dies out. */
function madeUpWeights(): Map<string, WeightTensor> {
  const random = new Pcg64(7);
  const weights = new Map<string, WeightTensor>();
  for (const [name, shape] of networkTensors("classifier", BACKBONES[BACKBONE], CLASSES)) {
    const length = shape.reduce((product, size) => product * size, 1);
    const data = new Float32Array(length);
    if (shape.length > 1) {
      const bound = Math.sqrt(3 * shape[0]! / length);
      for (let i = 0; i < length; i++) data[i] = (2 * random.uniform() - 1) * bound;
    } else if (/(weight|running_var)$/.test(name)) {
      data.fill(name.endsWith("bn3.weight") ? 0.25 : 1);
    }
    weights.set(name, { shape, dtype: "float32", data });
  }
  return weights;
}

const { bytes, mean, std } = buildNetwork("classifier", BACKBONE, madeUpWeights());
const info: CamModelInfo = {
  task: "cam",
  file: `${BACKBONE}.onnx`,
  bytes: bytes.length,
  sha256: "0".repeat(64),
  mean: [...mean],
  std: [...std],
  licence: "none",
  origin: "made up",
  madeBy: "bench:networks",
  classes: Array.from({ length: CLASSES }, (_, i) => `class ${i}`),
  outputStride: 16,
  scales,
  threshold: 0.3,
  scoreThresholds: new Array<number>(CLASSES).fill(0.5),
};
const classifier = await openClassifier(bytes, info, { threads });
const random = new Pcg64(1);
const image = {
  width: WIDTH,
  height: HEIGHT,
  data: Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, () => 256 * random.uniform()),
};

const model = await Deno.makeTempFile({ suffix: ".onnx" });
await Deno.writeFile(model, bytes);
try {
  const others = python === undefined ? null : new PythonSides(python, [
    fileURLToPath(new URL("../../tests/bench/time_networks.py", import.meta.url)),
    model,
    String(threads),
    scales.join(","),
  ]);
  const sides: Record<string, () => Promise<Taken>> = {
    async silop() {
      const start = performance.now();
      const before = process.cpuUsage();
      await computeCam(image, classifier, { labels: info.classes.slice(0, 2) });
      const { user, system } = process.cpuUsage(before);
      return { wall: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 };
    },
  };
  if (others) {
    sides["python onnxruntime"] = () => others.run("onnxruntime");
    sides["python pytorch"] = () => others.run("pytorch");
  }
  const taken = new Map(Object.keys(sides).map((side) => [side, [] as Taken[]]));
  for (let run = -1; run < runs; run++) {
    for (const [side, time] of Object.entries(sides)) {
      const took = await time();
      // The first run warms up.
      if (run >= 0) taken.get(side)!.push(took);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
  await others?.close();
  for (const [side, times] of taken) {
    const walls = times.map(({ wall }) => wall);
    console.log(JSON.stringify({
      side,
      median_s: Number(median(walls).toFixed(3)),
      min_s: Number(Math.min(...walls).toFixed(3)),
      cpu_s: Number(median(times.map(({ cpu }) => cpu)).toFixed(3)),
      runs,
      threads,
      image: `${WIDTH}x${HEIGHT}`,
      scales,
    }));
  }
} finally {
  await Deno.remove(model);
}
