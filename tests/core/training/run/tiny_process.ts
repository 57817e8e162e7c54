/**
 * The tiny training in a process of its own, to be killed: RUN SAMPLES STEP [deaf]. Prints every step. Behind
 * STEP it says that it waits, and goes on when a signal comes; never when it is deaf.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { runTraining } from "../../../../core/training/run/training_loop.ts";
import type { Sample } from "../../../../core/training/data/sample_loader.ts";
import { stopOnSignals } from "../../../../scripts/signals.ts";
import { openLoader, openTrainer, planOf } from "./tiny_training.ts";

const [run = "", samples = "", last = "", ear = ""] = Deno.args;
const signal = stopOnSignals("stopping");
using loader = openLoader(JSON.parse(Deno.readTextFileSync(samples)) as Sample[]);
await using trainer = await openTrainer();
const quick = planOf(run, loader, trainer);
const plan: typeof quick = {
  ...quick,
  signal,
  feeds: async (batch, step) => {
    if (step === Number(last)) {
      console.log("waiting");
      await sleep(2 ** 31 - 1, undefined, ear === "deaf" ? {} : { signal }).catch(() => {});
    }
    return await quick.feeds(batch, step);
  },
};
const outcome = await runTraining(plan, { stepped: ({ step }) => console.log(`step ${step}`) });
console.log(outcome.end);
