/** `deno task models:remove NAME`: takes a model out of a folder of models. */

import process from "node:process";
import { removeModel } from "../../core/runtime/manifest_file.ts";
import { MODELS_VARIABLE } from "../../core/runtime/model_folders.ts";
import { createCommand, EXIT_USAGE, fail } from "../cli.ts";

async function run(name: string, { from }: { from?: string }): Promise<void> {
  const folder = from ?? process.env[MODELS_VARIABLE];
  if (folder === undefined || folder === "") {
    fail(`Say where the model is, by --from FOLDER or ${MODELS_VARIABLE}`, EXIT_USAGE);
  }
  const { file } = await removeModel(folder, name);
  console.log(`removed  ${name} (${file}) from ${folder}`);
}

if (import.meta.main) {
  const command = createCommand("models:remove", "Take a model out of a folder, its file included.")
    .argument("<name>", "name of the model")
    .option("--from <folder>", `folder of models (default: ${MODELS_VARIABLE}'s)`)
    .action(run);
  try {
    await command.parseAsync(Deno.args, { from: "user" });
  } catch (error) {
    fail((error as Error).message);
  }
}
