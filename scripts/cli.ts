/** What the command lines of the scripts have in common. */

import { Command, InvalidArgumentError, Option } from "commander";
import { DEFAULT_IMAGE_LIMITS, type ImageLimits } from "../core/image/limits.ts";
import { parseList, parseNumber, parseNumbers } from "../core/parse.ts";
import { DEVICE_NAMES, type DeviceName } from "../core/runtime/device_names.ts";
import { modelFolders, MODELS_VARIABLE } from "../core/runtime/model_folders.ts";
import type { WorkerReady } from "../core/runtime/stage_pool.ts";
import type { SilopOptions } from "../core/silop.ts";

/** Exit code of a run in which something failed. */
export const EXIT_FAILED = 1;
/** Exit code of a command line that makes no sense; nothing was done. */
export const EXIT_USAGE = 2;

/** A command that exits with {@linkcode EXIT_USAGE} when it is used wrongly. */
export function createCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .showHelpAfterError("(--help tells how to use this)")
    // Left to itself it asks the environment for the user's taste in colours, and has none to show.
    .configureOutput({ getOutHasColors: () => false, getErrHasColors: () => false })
    .exitOverride(({ exitCode }) => Deno.exit(exitCode === 0 ? 0 : EXIT_USAGE));
}

/** Ends the script with a message. */
export function fail(message: string, code: number = EXIT_FAILED): never {
  console.error(`error: ${message}`);
  Deno.exit(code);
}

/** Reads a number in `low..high`. */
export function numberIn(low: number, high: number): (text: string) => number {
  return (text) => checkRange(understand(parseNumber, text), low, high);
}

/** Reads an integer in `low..high`. */
export function integerIn(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = numberIn(low, high)(text);
    if (!Number.isInteger(value)) throw new InvalidArgumentError(`${text} is not an integer.`);
    return value;
  };
}

/** Reads a comma-separated list of numbers in `low..high`; of options given twice the lists add up. */
export function numbersIn(
  low: number,
  high: number,
): (text: string, before?: number[]) => number[] {
  return (text, before = []) => {
    const values = understand(parseNumbers, text).map((value) => checkRange(value, low, high));
    return [...before, ...values];
  };
}

/** Reads a comma-separated list; of options given twice the lists add up. */
export function readList(text: string, before: string[] = []): string[] {
  return [...before, ...understand(parseList, text)];
}

/** Reads a comma-separated list of some of `choices`; of options given twice the lists add up. */
export function someOf<T extends string>(
  choices: readonly T[],
): (text: string, before?: T[]) => T[] {
  return (text, before = []) => {
    const items = understand(parseList, text).map((item) => {
      const choice = choices.find((name) => name === item);
      if (choice === undefined) {
        throw new InvalidArgumentError(`"${item}" is none of ${choices.join(", ")}.`);
      }
      return choice;
    });
    return [...new Set([...before, ...items])];
  };
}

/** Values of the options that {@linkcode addWorkOptions} adds. */
export interface WorkFlags {
  device: DeviceName;
  workers?: number;
  threads?: number;
  models?: string;
  camModel?: string;
  affinityModel?: string;
  segmentationModel?: string;
  maxBytes: number;
  maxPixels: number;
  maxSide: number;
}

/** Adds the options that tell which models are taken. */
export function addModelOptions(command: Command): Command {
  return command
    .option(
      "--models <folder>",
      `folder with manifest.json, searched before ${MODELS_VARIABLE}'s and the embedded models`,
    )
    .option("--cam-model <name>", "name of a CAM model, or path of an .onnx file")
    .option("--affinity-model <name>", "name or path of an AffinityNet")
    .option("--segmentation-model <name>", "name or path of a segmentation network");
}

/** Adds the options that tell where work is done and what an image may cost. */
export function addWorkOptions(command: Command): Command {
  const { maxBytes, maxPixels, maxSide } = DEFAULT_IMAGE_LIMITS;
  const many = integerIn(1, 2 ** 31 - 1);
  return addModelOptions(command)
    .addOption(
      new Option("--device <name>", "where networks run").choices(DEVICE_NAMES).default("auto"),
    )
    .option(
      "--workers <n>",
      "images worked on at once (default: by the machine)",
      integerIn(1, 256),
    )
    .option("--threads <n>", "threads of each worker (default: by the machine)", integerIn(1, 256))
    .option("--max-bytes <n>", "largest image file", many, maxBytes)
    .option("--max-pixels <n>", "most pixels of an image", many, maxPixels)
    .option("--max-side <n>", "longest side of an image, in pixels", many, maxSide);
}

/** What the options ask of `createSilop()`. */
export function silopOptions(flags: WorkFlags): SilopOptions {
  const { device, workers, threads, models } = flags;
  const { camModel, affinityModel, segmentationModel } = flags;
  return {
    device,
    workers,
    threads,
    models: modelFolders(models),
    camModel,
    affinityModel,
    segmentationModel,
    limits: limitsOf(flags),
  };
}

/** Says so when the CPU is used although there seems to be a GPU. */
export function warnOfFallback({ fallback }: Pick<WorkerReady, "fallback">): void {
  if (fallback !== undefined) console.error(`warning: The GPU is not used. ${fallback}`);
}

/** The limits among the options. */
export function limitsOf({ maxBytes, maxPixels, maxSide }: WorkFlags): ImageLimits {
  return { maxBytes, maxPixels, maxSide };
}

/** Turns the errors of a parser into commander's. */
function understand<T>(parse: (text: string) => T, text: string): T {
  try {
    return parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`);
  }
}

function checkRange(value: number, low: number, high: number): number {
  if (!(value >= low && value <= high)) {
    throw new InvalidArgumentError(`${value} is not in ${low}..${high}.`);
  }
  return value;
}
