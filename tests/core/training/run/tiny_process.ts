/** The tiny training in a process of its own, to be killed: RUN SAMPLES DELAY. Prints every step. */

import { setTimeout as sleep } from "node:timers/promises";
import { runTraining } from "../../../../core/training/run/training_loop.ts";
import type { Sample } from "../../../../core/training/data/sample_loader.ts";
import { stopOnSignals } from "../../../../scripts/signals.ts";
import { openLoader, openTrainer, planOf } from "./tiny_training.ts";

const [run = "", samples = "", delay = "0"] = Deno.args;
const signal = stopOnSignals("stopping");
using loader = openLoader(JSON.parse(Deno.readTextFileSync(samples)) as Sample[]);
await using trainer = await openTrainer();
const slow = {
  step: async (...args: Parameters<typeof trainer.step>) => {
    await sleep(Number(delay));
    return await trainer.step(...args);
  },
  state: () => trainer.state(),
  restore: (state: ReturnType<typeof trainer.state>) => trainer.restore(state),
};
const plan = { ...planOf(run, loader, trainer), trainer: slow, signal };
const outcome = await runTraining(plan, { stepped: ({ step }) => console.log(`step ${step}`) });
console.log(outcome.end);
