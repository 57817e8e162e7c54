/**
 * What the scripts that train have in common: options from flags and a file, signals, a progress bar, and
 * how they end.
 *
 * @example
 * ```ts
 * const schema = z.strictObject({
 *   ...RUN_OPTIONS,
 *   rate: z.number().positive().default(0.1).describe("learning rate"),
 * });
 * const config = await readTrainingOptions("train:classifier", "Train the classifier.", schema);
 * …
 * const outcome = await trainWithProgress("classifier", { ...runOptions(config), trainer, … });
 * await exportModel(…);
 * ```
 */

import type { z } from "zod";
import type { Json } from "../../core/batch/manifest.ts";
import { readConfig } from "../../core/training/run/config.ts";
import type { StepLine } from "../../core/training/run/metrics_file.ts";
import {
  runTraining,
  type TrainingOutcome,
  type TrainingPlan,
} from "../../core/training/run/training_loop.ts";
import { createCommand, EXIT_USAGE, fail } from "../cli.ts";
import { type Progress, startProgress } from "../progress.ts";
import { EXIT_INTERRUPTED, stopOnSignals } from "../signals.ts";
import { addSchemaOptions, readGivenOptions } from "../voc/schema_flags.ts";
import type { RUN_OPTIONS } from "./schemas.ts";

/** Exit code of a training whose time is up, but which has not come to its end. */
export const EXIT_UNFINISHED = 3;

/** Options of {@linkcode RUN_OPTIONS} that do not decide the numbers. */
export const MAY_CHANGE: readonly string[] = [
  "run",
  "workers",
  "prefetch",
  "cacheMb",
  "checkpointEvery",
  "keep",
  "maxMinutes",
];

/** Runs a script that is no module of another, and tells its errors as other scripts do. */
export async function runScript(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    fail((error as Error).message);
  }
}

/**
 * Reads the command line: a flag for each option of the schema, and `--config FILE.json`, over which flags
 * win. Ends the program when they make no sense.
 *
 * @param name Of the task, as `train:classifier`.
 */
export async function readTrainingOptions<Schema extends z.ZodObject>(
  name: string,
  description: string,
  schema: Schema,
  args: readonly string[] = Deno.args,
): Promise<z.output<Schema>> {
  const command = createCommand(name, description)
    .option("--config <file>", "JSON file of options by name; flags win");
  addSchemaOptions(command, schema);
  command.parse(args, { from: "user" });
  const file = command.getOptionValue("config") as string | undefined;
  try {
    return await readConfig(schema, { file, flags: readGivenOptions(command, schema) });
  } catch (error) {
    fail((error as Error).message, EXIT_USAGE);
  }
}

/** The part of a {@linkcode TrainingPlan} that {@linkcode RUN_OPTIONS} tell. */
export function runOptions(
  config: z.output<z.ZodObject<typeof RUN_OPTIONS>>,
): Pick<
  TrainingPlan<unknown, unknown>,
  "run" | "config" | "mayChange" | "checkpointEvery" | "keep" | "maxMinutes"
> {
  const { run, checkpointEvery, keep, maxMinutes } = config;
  // As it will be read back, options left out being left out.
  const plain = JSON.parse(JSON.stringify(config)) as { [key: string]: Json };
  return { run, checkpointEvery, keep, maxMinutes, config: plain, mayChange: MAY_CHANGE };
}

/**
 * Trains with a progress bar, ending on signals and errors. Returns only when the training has come to
 * its end; ends the program otherwise: with 130 after a signal, {@linkcode EXIT_UNFINISHED} when time was
 * up, 1 after an error.
 *
 * @param title Shown before the bar.
 */
export async function trainWithProgress<B, Feeds>(
  title: string,
  plan: TrainingPlan<B, Feeds>,
): Promise<TrainingOutcome> {
  const signal = stopOnSignals("Ending after this step; once more ends at once, without saving …");
  let bar: Progress | null = null;
  const say = (line: string) => bar === null ? console.error(line) : bar.log(line);
  let outcome: TrainingOutcome;
  try {
    outcome = await runTraining({ ...plan, signal: plan.signal ?? signal }, {
      started(step, steps) {
        if (step > 0) console.error(`${title}: going on from step ${step} of ${steps}`);
        if (step < steps) bar = startProgress(title, steps - step, "steps");
      },
      stepped: (line) => bar?.step(1, noteOf(line)),
      validating: () => bar?.step(0, "validating"),
      validated({ step, epoch, metrics, best }) {
        const numbers = formatMetrics(metrics);
        say(`${title}: step ${step}, epoch ${epoch + 1}: ${numbers}${best ? " (best)" : ""}`);
      },
      warned: (message) => say(`warning: ${message}`),
    });
  } catch (error) {
    (bar as Progress | null)?.stop();
    fail(`${(error as Error).message}`);
  }
  (bar as Progress | null)?.stop();
  const { end, step } = outcome;
  if (end === "stopped" || end === "time") {
    const why = end === "time" ? `${plan.maxMinutes} minutes are over` : "Stopped";
    console.error(
      `${why}: saved at step ${step} of ${plan.steps} in ${plan.run}; ` +
        "the same command goes on from there.",
    );
    Deno.exit(end === "time" ? EXIT_UNFINISHED : EXIT_INTERRUPTED);
  }
  if (end === "early") {
    console.error(`${title}: ended at step ${step} of ${plan.steps}, as nothing got better`);
  }
  return outcome;
}

function noteOf({ epoch, rate, metrics }: StepLine): string {
  return `epoch ${epoch + 1} ${formatMetrics(metrics)} rate ${rate.toPrecision(3)}`;
}

function formatMetrics(metrics: Readonly<Record<string, number>>): string {
  return Object.entries(metrics).map(([name, value]) => `${name} ${value.toPrecision(4)}`).join(
    " ",
  );
}
