/**
 * `deno task parity:training [CASE…] --python PYTHON`: trainings of full-size networks against
 * PyTorch's, from the same weights on the same batch, without dropout.
 *
 * Compared are what the first step changes in every tensor, with PyTorch in float64, and the losses of
 * twenty steps on the batch. PyTorch's own changes in float32 are the yardstick: where a rounding puts an
 * activation on the other side of ReLU's kink, the gradients of all layers below jump.
 *
 * One JSON line a case, then a table. Fails when losses differ by more than 1 %, or a tensor's update
 * by more than 1e-3 and more than three times what PyTorch's float32 comes to in that tensor, or by
 * more than 5 % in any case.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCommand, EXIT_FAILED, EXIT_USAGE, fail, integerIn } from "../cli.ts";
import { caseFeeds, type TrainingCase } from "../bench/training_cases.ts";
import type { PythonSides } from "../bench/python_sides.ts";
import { openTorch, stepHere, stepInTorch } from "./training_sides.ts";
import { photoCrops } from "./training_start.ts";
import {
  largestDifference,
  relativeErrors,
  summarizeErrors,
  updateLimit,
  type UpdateLimits,
} from "./updates.ts";

const STEPS = 20;
/** Most that losses may differ, as a share. */
const MOST_LOSS_DIFFERENCE = 0.01;
/** The errors of updates that are looked for, and counted where they are missed. */
const GOAL = 1e-3;
/** The errors that are allowed to a tensor's update, beside PyTorch's own of it. */
const LIMITS: UpdateLimits = { least: GOAL, times: 3, most: 0.05 };

/** A training, and the rate of its twenty steps. */
interface ParityCase extends TrainingCase {
  readonly rate: number;
}

const LITE = { backbone: "efficientnet-lite0", batch: 2, size: 192 } as const;
const RESNET = { backbone: "resnet50", batch: 2, size: 128 } as const;
const CASES: Readonly<Record<string, ParityCase>> = {
  // Rates of classifiers at which roundings change the losses of PyTorch itself far less than 1 %.
  "classifier-lite0": { kind: "classifier", ...LITE, alpha: 4, rate: 1e-4 },
  "affinity-lite0": { kind: "affinity", ...LITE, rate: 0.01 },
  "segmentation-lite0": { kind: "deeplabv3plus", ...LITE, rate: 0.007 },
  "classifier-resnet50": { kind: "classifier", ...RESNET, alpha: 4, rate: 1e-4 },
  "affinity-resnet50": { kind: "affinity", ...RESNET, rate: 0.01 },
  "segmentation-resnet50": { kind: "deeplabv3plus", ...RESNET, rate: 0.001 },
};

const command = createCommand("parity:training", "Compare trainings of full size with PyTorch's.")
  .argument("[cases...]", `of ${Object.keys(CASES).join(", ")}; default: all`)
  .requiredOption("--python <path>", "a Python with torch and NumPy")
  .option(
    "--threads <n>",
    "threads of every side",
    integerIn(1, 256),
    navigator.hardwareConcurrency,
  );
command.parse(Deno.args, { from: "user" });
const [wanted] = command.processedArgs as [string[]];
const flags = command.opts<{ threads: number; python: string }>();
const { threads } = flags;
for (const name of wanted) {
  if (!Object.hasOwn(CASES, name)) fail(`there is no case "${name}"`, EXIT_USAGE);
}

const python = openTorch(flags.python, threads);
const rows: Awaited<ReturnType<typeof compareCase>>[] = [];
try {
  for (const name of wanted.length > 0 ? wanted : Object.keys(CASES)) {
    const row = await compareCase(name, CASES[name]!, python);
    console.log(JSON.stringify(row, infinitiesAsTexts));
    rows.push(row);
  }
} finally {
  await python.close();
}
printTable();
if (rows.some(({ passed }) => !passed)) Deno.exit(EXIT_FAILED);

/** Takes the steps on both sides, and measures. */
async function compareCase(name: string, each: ParityCase, python: PythonSides) {
  const folder = await mkdtemp(join(tmpdir(), "parity-"));
  try {
    const feeds = caseFeeds(each, await photoCrops(each));
    const rates = new Array<number>(STEPS).fill(each.rate);
    const own = await stepHere(each, { feeds, rates, threads, folder });
    const torch = await stepInTorch(python, folder);

    const errors = relativeErrors(own.updates, torch.updates);
    const update = summarizeErrors(errors.values(), GOAL);
    const runs = [...torch.errors.values()].map((tensor) => Array.from(tensor));
    const float32 = runs[0]!.map((_, run) =>
      summarizeErrors(runs.map((tensor) => tensor[run]!), GOAL)
    );
    const limits = new Map(
      [...torch.errors].map(([tensor, own]) => [tensor, updateLimit(own, LIMITS)]),
    );
    const refused = [...errors].filter(([tensor, error]) => !(error <= limits.get(tensor)!));
    const losses = largestDifference(own.losses, torch.losses);
    const { kind, backbone, batch, size } = each;
    return {
      case: name,
      kind,
      backbone,
      batch,
      size,
      threads,
      tensors: errors.size,
      update: {
        ...update,
        worst: [...errors].reduce((most, entry) => entry[1] > most[1] ? entry : most)[0],
      },
      /** Of PyTorch: of weights as they are, and of those that differ by roundings. */
      float32,
      forced: summarizeErrors(torch.forced.values(), GOAL),
      /** Tensors above their limits: error, limit. */
      refused: Object.fromEntries(refused.map(([name, e]) => [name, [e, limits.get(name)!]])),
      loss: { first: torch.losses[0]!, last: torch.losses.at(-1)! },
      losses,
      /** Of PyTorch, between weights as they are and weights that differ by roundings. */
      roundedLosses: largestDifference(torch.roundedLosses, torch.losses),
      passed: refused.length === 0 && losses <= MOST_LOSS_DIFFERENCE,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** For `JSON.stringify`, which would write `null`. */
function infinitiesAsTexts(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

/** The rows as Markdown. */
function printTable(): void {
  const short = (value: number) => value === 0 ? "0" : value.toExponential(0).replace("e-", "e−");
  const head = [
    "case",
    "tensors",
    "update: median, max, above 1e−3",
    "PyTorch float32, 5 runs: median, max, above 1e−3",
    "same sides of kinks: max",
    "above their limits",
    "losses",
    "PyTorch's own",
    "",
  ];
  const lines = rows.map((row) => {
    const { update, float32 } = row;
    const range = (values: number[], text: (value: number) => string) => {
      const [low, high] = [Math.min(...values), Math.max(...values)].map(text);
      return low === high ? low! : `${low}..${high}`;
    };
    return [
      row.case,
      `${row.tensors}`,
      `${short(update.median)}, ${short(update.max)}, ${update.above}`,
      [
        range(float32.map(({ median }) => median), short),
        range(float32.map(({ max }) => max), short),
        range(float32.map(({ above }) => above), String),
      ].join(", "),
      short(row.forced.max),
      `${Object.keys(row.refused).length}`,
      short(row.losses),
      short(row.roundedLosses),
      row.passed ? "passed" : "FAILED",
    ];
  });
  const table = [head, head.map(() => "---"), ...lines];
  console.log(`\n${table.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}`);
}
