/** `deno task models:verify`: whether models' files are those that their manifests describe, and run. */

import * as ort from "onnxruntime-node";
import { openSession } from "../../core/runtime/device.ts";
import { modelFolders, MODELS_VARIABLE } from "../../core/runtime/model_folders.ts";
import { type ModelEntry, ModelLibrary } from "../../core/runtime/model_library.ts";
import { readModel } from "../../core/runtime/models.ts";
import { AFFINITY_TENSORS, SEGMENTATION_TENSORS } from "../../core/stages/map_network.ts";
import { CLASSIFIER_TENSORS } from "../../core/stages/classifier.ts";
import { createCommand, EXIT_FAILED, fail } from "../cli.ts";

const SIDE = 64;

async function run(names: string[], { models }: { models?: string }): Promise<void> {
  const library = await ModelLibrary.open(modelFolders(models));
  const entries = names.length === 0 ? library.list() : names.map((name) => library.findAny(name));
  let failures = 0;
  for (const entry of entries) {
    const reason = await verify(entry).catch((error: Error) => error.message);
    if (reason !== null) failures++;
    console.log(`${reason === null ? "ok    " : "FAILED"}  ${entry.name}`);
    if (reason !== null) console.error(`${entry.name}: ${reason}`);
  }
  if (failures > 0) Deno.exit(EXIT_FAILED);
}

/** What is wrong with a model; `null` when nothing is. */
async function verify({ info, folder }: ModelEntry): Promise<string | null> {
  const { session } = await openSession(await readModel(info, folder));
  try {
    const image = new ort.Tensor("float32", new Float32Array(3 * SIDE ** 2), [1, 3, SIDE, SIDE]);
    const outputs = await session.run({ image });
    const expected = {
      cam: [CLASSIFIER_TENSORS.maps, CLASSIFIER_TENSORS.logits],
      affinity: [AFFINITY_TENSORS.output],
      segmentation: [SEGMENTATION_TENSORS.output],
      backbone: ["features"],
    }[info.task];
    for (const name of expected) {
      const output = outputs[name];
      if (output === undefined) return `It has no output ${name}`;
      if (!(output.data as Float32Array).every(Number.isFinite)) {
        return `Its output ${name} has numbers that are none`;
      }
      const channels = "classes" in info ? info.classes.length : null;
      if (channels !== null && output.dims[1] !== channels) {
        return `Its output ${name} has ${output.dims[1]} channels for ${channels} classes`;
      }
    }
    return null;
  } finally {
    await session.release();
  }
}

if (import.meta.main) {
  const command = createCommand(
    "models:verify",
    "Check models' files against their manifests, and run each once. Exit code 1 if any fails.",
  )
    .argument("[name...]", "names, or paths of .onnx files (default: all models there are)")
    .option("--models <folder>", `searched before ${MODELS_VARIABLE}'s and the embedded models`)
    .action(run);
  try {
    await command.parseAsync(Deno.args, { from: "user" });
  } catch (error) {
    fail((error as Error).message);
  }
}
