/** What decides a task's results, for the manifest of a run. */

import project from "../../deno.json" with { type: "json" };
import { chooseModels } from "../../core/batch/choose_models.ts";
import type { Json, MadeWith } from "../../core/batch/manifest.ts";
import type { BatchSurroundings } from "../../core/batch/task.ts";
import type { BatchTask } from "../../core/batch/tasks.ts";
import { ModelError } from "../../core/errors.ts";
import type { DeviceName } from "../../core/runtime/device_names.ts";

/**
 * Versions, options, and of tasks with networks the model and the runtime: with another number of
 * threads, or on a processor that takes channels in blocks of another size, a sum may round differently.
 *
 * @throws {ModelError} The models cannot be found.
 */
export async function madeWith(
  task: Pick<BatchTask, "networks" | "runs">,
  options: Readonly<Record<string, unknown>>,
  surroundings: BatchSurroundings,
): Promise<MadeWith> {
  const { device, threads, layout, classes } = surroundings;
  const networks = task.runs?.(options) ?? task.networks;
  const made: Record<string, Json> = {
    silop: project.version,
    layout,
    ...(classes === undefined ? {} : { classes: JSON.parse(JSON.stringify(classes)) }),
    // As it will be read back.
    options: JSON.parse(JSON.stringify(options)),
  };
  for (const network of networks) {
    if (network === "uss") continue;
    const entry = (await chooseModels(surroundings))[network];
    if (entry === null) throw new ModelError(`There is no model for ${network}; name one`);
    made.model = { name: entry.name, sha256: entry.info.sha256 };
  }
  if (networks.length > 0) {
    made.runtime = {
      ...runtimeMadeWith(device, threads),
      ...(networks.includes("uss") ? { blockSize: await blockSizeOn(device) } : {}),
    };
  }
  return made;
}

/** What decides how sums are rounded in networks that are not built for a block size. */
export function runtimeMadeWith(device: DeviceName, threads: number): MadeWith {
  return {
    onnxruntime: project.imports["onnxruntime-node"].replace(/^.*@/, ""),
    device,
    threads,
    platform: `${Deno.build.os} ${Deno.build.arch}`,
  };
}

/** The block size that networks which are trained are built for; see `core/stages/uss.ts`. */
export async function blockSizeOn(device: DeviceName): Promise<number | null> {
  if (device !== "cpu") return null;
  // Loaded only where it is needed: tasks without networks may not load native code.
  const { probeBlockSize } = await import("../../core/onnx/block_size.ts");
  return await probeBlockSize();
}
