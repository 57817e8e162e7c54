/** What decides a task's results, for the manifest of a run. */

import project from "../../deno.json" with { type: "json" };
import type { Json, MadeWith } from "../../core/batch/manifest.ts";
import type { BatchSurroundings } from "../../core/batch/task.ts";
import type { BatchTask } from "../../core/batch/tasks.ts";
import type { DeviceName } from "../../core/runtime/device_names.ts";
import { findModel, loadManifest } from "../../core/runtime/models.ts";

/**
 * Versions, options, and of tasks with networks the model and the runtime: with another number of
 * threads, or on a processor that takes channels in blocks of another size, a sum may round differently.
 *
 * @throws {ModelError} The models cannot be found.
 */
export async function madeWith(
  { networks }: Pick<BatchTask, "networks">,
  options: object,
  { models, camModel, device, threads, layout, classes }: BatchSurroundings,
): Promise<MadeWith> {
  const made: Record<string, Json> = {
    silop: project.version,
    layout,
    ...(classes === undefined ? {} : { classes: JSON.parse(JSON.stringify(classes)) }),
    // As it will be read back.
    options: JSON.parse(JSON.stringify(options)),
  };
  if (networks.includes("cam")) {
    const { sha256 } = findModel(await loadManifest(new URL(models)), camModel);
    made.model = { name: camModel, sha256 };
  }
  if (networks.length > 0) {
    made.runtime = {
      onnxruntime: project.imports["onnxruntime-node"].replace(/^.*@/, ""),
      device,
      threads,
      platform: `${Deno.build.os} ${Deno.build.arch}`,
      ...(networks.includes("uss") ? { blockSize: await blockSizeOn(device) } : {}),
    };
  }
  return made;
}

/** The block size that the segmentation's network is built for; see `core/stages/uss.ts`. */
async function blockSizeOn(device: DeviceName): Promise<number | null> {
  if (device !== "cpu") return null;
  // Loaded only where it is needed: tasks without networks may not load native code.
  const { probeBlockSize } = await import("../../core/onnx/block_size.ts");
  return await probeBlockSize();
}
