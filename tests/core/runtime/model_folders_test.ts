import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { MODELS_VARIABLE } from "../../../core/runtime/model_folders.ts";
import { EMBEDDED_MODELS } from "../../../core/runtime/models.ts";

const MODULE = new URL("../../../core/runtime/model_folders.ts", import.meta.url);

/** What a process of its own finds: the environment of this one is that of all tests at work. */
async function urls(variable: string | undefined, named?: string): Promise<string[]> {
  const program = `import process from "node:process";
    import { modelFolders } from ${JSON.stringify(MODULE.href)};
    const [variable, named] = ${JSON.stringify([variable ?? null, named ?? null])};
    if (variable === null) delete process.env.${MODELS_VARIABLE};
    else process.env.${MODELS_VARIABLE} = variable;
    console.log(JSON.stringify(modelFolders(named ?? undefined).map(({ href }) => href)));`;
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["eval", program] }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("modelFolders() gives the folder named, the environment's, and the embedded one last", async () => {
  const outside = join(tmpdir(), "models");
  const url = (path: string) => pathToFileURL(resolve(path) + "/").href;
  assert.deepEqual(await urls(undefined), [EMBEDDED_MODELS.href]);
  assert.deepEqual(await urls(outside, "mine"), [url("mine"), url(outside), EMBEDDED_MODELS.href]);
  assert.deepEqual(await urls(outside, outside), [url(outside), EMBEDDED_MODELS.href]);
  assert.deepEqual(await urls(""), [EMBEDDED_MODELS.href]);
});
