/**
 * `deno task bench:training [STEPS] [CASE…] [--threads 2] [--python PYTHON]`: the time of one step of each
 * training; with PYTHON (which needs torch) beside PyTorch on the CPU in channels_last layout, the same
 * networks, batches and threads.
 *
 * Weights and images are made up, as they do not matter for the time. The sides step in turn, so that the
 * machine's moods hit both; quote the ratios of the medians, or where others are at work, those of the
 * processor's seconds with one thread. One JSON line a case.
 */

import process from "node:process";
import { fileURLToPath } from "node:url";
import { networkTensors } from "../../core/nets/build_network.ts";
import { NetworkTrainer } from "../../core/training/networks/network_trainer.ts";
import type { StateDict } from "../../core/weights/state_dict.ts";
import type { WeightTensor } from "../../core/weights/tensor.ts";
import { Pcg64 } from "../../kernels/pcg64.ts";
import { createCommand, fail, integerIn } from "../cli.ts";
import { median } from "./median.ts";
import { PythonSides, type Taken } from "./python_sides.ts";
import { caseFeeds, caseLosses, CLASSES, type TrainingCase } from "./training_cases.ts";

/** Lets the native threads of one side go to sleep before the other side is timed. */
const PAUSE_MS = 300;

const CASES: Readonly<Record<string, TrainingCase>> = {
  "classifier-lite0": {
    kind: "classifier",
    backbone: "efficientnet-lite0",
    batch: 8,
    size: 224,
  },
  "affinity-lite0": { kind: "affinity", backbone: "efficientnet-lite0", batch: 4, size: 256 },
  "classifier-resnet50": { kind: "classifier", backbone: "resnet50", batch: 8, size: 224 },
};

/** Random weights under which no value overflows or dies out. */
function madeUpWeights({ kind, backbone }: TrainingCase): StateDict {
  const random = new Pcg64(7);
  const weights = new Map<string, WeightTensor>();
  for (const [name, shape] of networkTensors(kind, backbone, CLASSES[kind])) {
    const length = shape.reduce((product, size) => product * size, 1);
    const data = new Float32Array(length);
    const bound = Math.sqrt(3 * shape[0]! / length);
    if (shape.length > 1) data.forEach((_, i) => data[i] = (2 * random.uniform() - 1) * bound);
    else if (/(weight|running_var)$/.test(name)) data.fill(1);
    weights.set(name, { shape, dtype: "float32", data });
  }
  return weights;
}

async function openTrainer(
  each: TrainingCase,
  threads: number,
): Promise<NetworkTrainer<string>> {
  return await NetworkTrainer.create({
    build: caseLosses(each),
    parameters: madeUpWeights(each),
    groups: [{ match: each.kind === "affinity" ? /^fc_edge/ : /./, weightDecay: 1e-4 }],
    optimizer: { type: "sgd", momentum: 0.9, nesterov: true },
    session: { threads },
  });
}

const command = createCommand("bench:training", "Time one step of each training.")
  .argument("[steps]", "steps to take the median of", integerIn(1, 1000), 5)
  .argument("[cases...]", `of ${Object.keys(CASES).join(", ")}; default: all`)
  .option(
    "--threads <n>",
    "threads of every side",
    integerIn(1, 256),
    navigator.hardwareConcurrency,
  )
  .option("--python <path>", "a Python to compare with");
command.parse(Deno.args, { from: "user" });
const [steps, wanted] = command.processedArgs as [number, string[]];
const { threads, python } = command.opts<{ threads: number; python?: string }>();
for (const name of wanted) if (!Object.hasOwn(CASES, name)) fail(`there is no case "${name}"`, 2);

const rounded = (seconds: number) => Number(seconds.toFixed(3));
const summary = (times: readonly Taken[]) => ({
  median_s: rounded(median(times.map(({ wall }) => wall))),
  min_s: rounded(Math.min(...times.map(({ wall }) => wall))),
  cpu_s: rounded(median(times.map(({ cpu }) => cpu))),
});

for (const name of wanted.length > 0 ? wanted : Object.keys(CASES)) {
  const each = CASES[name]!;
  await using trainer = await openTrainer(each, threads);
  const feeds = caseFeeds(each);
  const script = fileURLToPath(new URL("../../tests/bench/time_training.py", import.meta.url));
  const torch = python === undefined ? null : new PythonSides(python, [script, String(threads)]);
  const [own, other]: [Taken[], Taken[]] = [[], []];
  for (let step = -2; step < steps; step++) {
    const start = performance.now();
    const before = process.cpuUsage();
    await trainer.step(feeds, 1e-3);
    const { user, system } = process.cpuUsage(before);
    const took = { wall: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 };
    // The first steps warm up; PyTorch warms up by itself.
    if (step < 0) continue;
    own.push(took);
    if (!torch) continue;
    await pause();
    const { kind, backbone, batch, size } = each;
    other.push(await torch.run(`${kind} ${backbone} ${batch} ${size}`));
    await pause();
  }
  await torch?.close();
  const [silop, pytorch] = [summary(own), torch ? summary(other) : null];
  console.log(JSON.stringify({
    case: name,
    batch: each.batch,
    size: each.size,
    threads,
    steps,
    silop,
    ...(pytorch && {
      pytorch,
      faster: rounded(pytorch.median_s / silop.median_s),
      faster_cpu: rounded(pytorch.cpu_s / silop.cpu_s),
    }),
  }));
}

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
