/** What benchmarks of stages have in common: the command line, and a process for each stage. */

import { Argument, type Command } from "commander";
import { createCommand, EXIT_FAILED, integerIn } from "../cli.ts";

/** A benchmark of some stages. */
export interface StageBenchmark<Flags> {
  /** Its module, which runs one stage when started with one. */
  readonly module: string;
  /** Name of the task. */
  readonly name: string;
  readonly description: string;
  /** What the stages are timed on. */
  readonly input: "image" | "folder";
  readonly stages: readonly string[];
  /** Adds options of its own. */
  addOptions?(command: Command): void;
  /** Times one stage and prints a line. */
  time(stage: string, input: string, runs: number, flags: Flags): Promise<void>;
}

/**
 * Runs a benchmark as the command line says: one stage here, several each in a process of its own, so that
 * peak memory is its own.
 */
export async function timeStages<Flags extends object>(
  { module, name, description, input, stages, addOptions, time }: StageBenchmark<Flags>,
): Promise<void> {
  const command = createCommand(name, description)
    .argument(`<${input}>`, "what to work on")
    .argument("[runs]", "runs to take the median of", integerIn(1, 1e6), 5)
    .addArgument(new Argument("[stages...]", "what to time (default: all)").choices(stages));
  addOptions?.(command);
  command.parse(Deno.args, { from: "user" });
  const [path, runs, wanted] = command.processedArgs as [string, number, string[] | undefined];
  const chosen = wanted === undefined || wanted.length === 0 ? stages : wanted;
  if (chosen.length === 1) return await time(chosen[0]!, path, runs, command.opts<Flags>());
  // As given here, options included, but for the stages, which come last.
  const given = [...Deno.args];
  for (const stage of wanted ?? []) given.splice(given.lastIndexOf(stage), 1);
  if (command.args.length === 1) given.push(String(runs));
  for (const stage of chosen) {
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-read", "--allow-ffi", module, ...given, stage],
      stdout: "inherit",
    }).spawn().status;
    if (!success) Deno.exit(EXIT_FAILED);
  }
}
