/** `deno task models:list`: the models there are, and where. */

import { fileURLToPath } from "node:url";
import { modelFolders, MODELS_VARIABLE } from "../../core/runtime/model_folders.ts";
import { ModelLibrary } from "../../core/runtime/model_library.ts";
import { createCommand, fail } from "../cli.ts";

async function run({ models, json }: { models?: string; json?: boolean }): Promise<void> {
  const library = await ModelLibrary.open(modelFolders(models));
  const chosen = library.choose();
  const standard = new Set(
    [chosen.cam, chosen.affinity, chosen.segmentation].map((entry) => entry?.name),
  );
  const entries = library.list();
  if (json === true) {
    const all = entries.map(({ name, info, folder }) => ({ name, folder: folder.href, ...info }));
    console.log(JSON.stringify(all, null, 2));
    return;
  }
  const rows = entries.map(({ name, info, folder }) => [
    `${standard.has(name) ? "*" : " "} ${name}`,
    info.task,
    info.backbone ?? "",
    "classes" in info ? `${info.classes.length}` : "",
    info.precision ?? "",
    `${(info.bytes / 1e6).toFixed(1)} MB`,
    fileURLToPath(folder),
  ]);
  const head = ["  name", "task", "backbone", "classes", "stored", "size", "folder"];
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]!.length)));
  for (const row of [head, ...rows]) {
    console.log(row.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd());
  }
  console.log("* taken when none is named");
}

if (import.meta.main) {
  const command = createCommand("models:list", "List the models there are.")
    .option("--models <folder>", `searched before ${MODELS_VARIABLE}'s and the embedded models`)
    .option("--json", "all that is known of them, as JSON")
    .action(run);
  try {
    await command.parseAsync(Deno.args, { from: "user" });
  } catch (error) {
    fail((error as Error).message);
  }
}
