/** One case of `parity:training` on both sides: this project's trainer, and PyTorch. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeNpz, encodeNpz, type NpyArray } from "../../core/npz.ts";
import {
  type Feeds,
  NetworkTrainer,
  type ParameterGroup,
} from "../../core/training/networks/network_trainer.ts";
import { toFloat32 } from "../../core/weights/tensor.ts";
import { PythonSides } from "../bench/python_sides.ts";
import { caseLosses, CLASSES, type TrainingCase } from "../bench/training_cases.ts";
import { startOf } from "./training_start.ts";
import type { Updates } from "./updates.ts";

/** What this project's trainer does. */
export interface OwnSteps {
  /** How the first step at rate 1 changes each tensor that is learnt. */
  readonly updates: Updates;
  /** Before each step at the rates asked for, from the same start. */
  readonly losses: readonly number[];
}

/** What PyTorch does; see tests/bench/step_training.py. */
export interface TorchSteps {
  /** In float64. */
  readonly updates: Updates;
  /** Of float32 updates, by tensor; of several runs that differ by roundings. */
  readonly errors: ReadonlyMap<string, ArrayLike<number>>;
  /** Of float32 updates with the sides of kinks that float64 has. */
  readonly forced: ReadonlyMap<string, number>;
  /** As {@linkcode OwnSteps.losses}, in float32. */
  readonly losses: readonly number[];
  /** The same from weights that differ by roundings. */
  readonly roundedLosses: readonly number[];
}

/** Where steps are taken. */
export interface StepOptions {
  readonly feeds: Feeds;
  readonly rates: readonly number[];
  /** Native threads. */
  readonly threads: number;
  /** For the files that PyTorch reads and writes. */
  readonly folder: string;
}

/** Trains with this project's trainer, and leaves in the folder what PyTorch needs to do the same. */
export async function stepHere(
  each: TrainingCase,
  { feeds, rates, threads, folder }: StepOptions,
): Promise<OwnSteps> {
  const { parameters, groups, optimizer } = await startOf(each);
  await using trainer = await NetworkTrainer.create({
    build: caseLosses(each),
    parameters,
    groups,
    optimizer,
    dropout: false,
    session: { threads },
  });
  const { kind, backbone } = each;
  const learning = Object.fromEntries(trainer.learnt.map((name) => [name, groupOf(name, groups)]));
  const spec = { kind, backbone, classes: CLASSES[kind], rates, ...optimizer, groups: learning };
  await writeFile(join(folder, "case.json"), JSON.stringify(spec));
  const arrays: Record<string, NpyArray> = {};
  for (const [name, tensor] of parameters) {
    arrays[`weights/${name}`] = { shape: tensor.shape, data: toFloat32(tensor) };
  }
  for (const [name, { dims, data }] of Object.entries(feeds)) {
    arrays[`feeds/${name}`] = { shape: dims, data: data as Float32Array | Uint8Array };
  }
  await writeFile(join(folder, "start.npz"), encodeNpz(arrays));

  const start = trainer.state();
  await trainer.step(feeds, 1);
  const after = trainer.parameters();
  const updates = new Map(trainer.learnt.map((name) => {
    const [was, is] = [toFloat32(parameters.get(name)!), toFloat32(after.get(name)!)];
    return [name, is.map((value, i) => value - was[i]!)];
  }));
  trainer.restore(start);
  const losses: number[] = [];
  for (const rate of rates) losses.push((await trainer.step(feeds, rate)).loss!);
  return { updates, losses };
}

/** Starts PyTorch. */
export function openTorch(python: string, threads: number): PythonSides {
  const script = fileURLToPath(new URL("../../tests/bench/step_training.py", import.meta.url));
  return new PythonSides(python, [script, String(threads)]);
}

/** Has PyTorch do what {@linkcode stepHere} left in the folder. */
export async function stepInTorch(torch: PythonSides, folder: string): Promise<TorchSteps> {
  await torch.run(folder);
  const arrays = decodeNpz(await readFile(join(folder, "torch.npz")));
  const below = (prefix: string) =>
    new Map(
      Object.entries(arrays)
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, { data }]) => [name.slice(prefix.length), data as Float64Array]),
    );
  return {
    updates: below("updates/"),
    errors: below("errors/"),
    forced: new Map([...below("forced/")].map(([name, data]) => [name, data[0]!])),
    losses: [...arrays.losses!.data as Float64Array],
    roundedLosses: [...arrays.rounded_losses!.data as Float64Array],
  };
}

/** How a tensor is learnt. */
function groupOf(name: string, groups: readonly ParameterGroup[]) {
  const { rate = 1, weightDecay = 0 } = groups.find(({ match }) =>
    match instanceof RegExp ? match.test(name) : match(name)
  )!;
  return { rate, weightDecay };
}
