/** The tiny training as a script: --samples FILE.json beside the options of all trainings. */

import { z } from "zod";
import {
  readTrainingOptions,
  runOptions,
  trainWithProgress,
} from "../../../scripts/train/training_script.ts";
import { RUN_OPTIONS } from "../../../scripts/train/schemas.ts";
import { openLoader, openTrainer, planOf } from "../../core/training/run/tiny_training.ts";

const schema = z.strictObject({
  ...RUN_OPTIONS,
  samples: z.string().describe("file of samples"),
  rate: z.number().positive().default(0.5).describe("learning rate"),
  hourAt: z.int().min(0).optional().describe("step in which an hour passes at once"),
});
const config = await readTrainingOptions("train:tiny", "Train something tiny.", schema);
using loader = openLoader(JSON.parse(Deno.readTextFileSync(config.samples)));
await using trainer = await openTrainer();
const plan = planOf("", loader, trainer);
const outcome = await trainWithProgress("tiny", {
  ...plan,
  ...runOptions(config),
  feeds: async (batch, step) => {
    if (step === config.hourAt) {
      const now = performance.now.bind(performance);
      performance.now = () => now() + 3_600_000;
    }
    return await plan.feeds(batch, step);
  },
});
console.log(outcome.end, outcome.taken);
