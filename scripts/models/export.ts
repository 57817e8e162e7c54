/** `deno task models:export NAME`: a model's weights under the published names, for Python. */

import { createHash } from "node:crypto";
import { Option } from "commander";
import { ModelError } from "../../core/errors.ts";
import { writeFileAtomic } from "../../core/files.ts";
import { BACKBONE_NAMES, type BackboneName } from "../../core/nets/backbones.ts";
import type { NetworkKind } from "../../core/nets/build_network.ts";
import { publishedTensors } from "../../core/nets/published_names.ts";
import { unfoldWeights } from "../../core/nets/unfold_weights.ts";
import { modelFolders, MODELS_VARIABLE } from "../../core/runtime/model_folders.ts";
import { ModelLibrary } from "../../core/runtime/model_library.ts";
import { type ModelInfo, readModel } from "../../core/runtime/models.ts";
import { writeSafetensors } from "../../core/weights/safetensors.ts";
import { writeCheckpoint } from "../../core/weights/write_checkpoint.ts";
import { createCommand, fail } from "../cli.ts";

interface Flags {
  format: "pth" | "safetensors";
  out?: string;
  models?: string;
}

const KINDS: Readonly<Record<ModelInfo["task"], NetworkKind>> = {
  cam: "classifier",
  affinity: "affinity",
  segmentation: "deeplabv3plus",
  backbone: "backbone",
};

async function run(name: string, { format, out, models }: Flags): Promise<void> {
  const library = await ModelLibrary.open(modelFolders(models));
  const { info, folder } = library.findAny(name);
  if (info.task === "cam" && info.backbone === undefined) {
    throw new ModelError(
      `Cannot export ${name}: it answers maps and scores by two heads of its own on a frozen network ` +
        "(deno task train:cam-head), which the published code has no network for",
    );
  }
  const backbone = BACKBONE_NAMES.find((known) => known === info.backbone);
  if (backbone === undefined) {
    throw new ModelError(`Cannot export ${name}: the manifest does not tell its backbone`);
  }
  const kind = KINDS[info.task];
  const classes = "classes" in info ? info.classes.length : 0;
  const bytes = await readModel(info, folder);
  const weights = unfoldWeights(bytes, kind, backbone as BackboneName, classes);
  const tensors = publishedTensors(kind, weights);
  const content = format === "pth"
    ? writeCheckpoint(tensors)
    : writeSafetensors(tensors, { metadata: { format: "pt", origin: info.origin } });
  const path = out ?? `out/${info.file.replace(/\.onnx$/, "")}.${format}`;
  await writeFileAtomic(path, content);
  console.log([
    `wrote    ${path}, ${(content.length / 1e6).toFixed(1)} MB`,
    `sha256   ${createHash("sha256").update(content).digest("hex")}`,
    `holds    ${
      kind === "backbone" ? backbone : `${kind} on ${backbone}`
    }, ${tensors.size} names ` +
    "as in the published code; batch normalisations are folded into the convolutions",
  ].join("\n"));
}

if (import.meta.main) {
  const command = createCommand(
    "models:export",
    "Write a model's weights under the names of the published PyTorch code, which loads them strictly. " +
      "Models of train:cam-head, as the embedded one, have two heads of their own and cannot be written so.",
  )
    .argument("<name>", "name of a model, or path of its .onnx file")
    .addOption(
      new Option("--format <kind>", "file format").choices(["pth", "safetensors"]).default("pth"),
    )
    .option("--out <file>", "where to write (default: out/, named after the model)")
    .option("--models <folder>", `searched before ${MODELS_VARIABLE}'s and the embedded models`)
    .action(run);
  try {
    await command.parseAsync(Deno.args, { from: "user" });
  } catch (error) {
    fail((error as Error).message);
  }
}
