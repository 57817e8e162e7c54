import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { modelFolders, MODELS_VARIABLE } from "../../../core/runtime/model_folders.ts";
import { EMBEDDED_MODELS } from "../../../core/runtime/models.ts";

Deno.test("modelFolders() gives the folder named, the environment's, and the embedded one last", () => {
  const before = process.env[MODELS_VARIABLE];
  const outside = join(tmpdir(), "models");
  const urls = (named?: string) => modelFolders(named).map(({ href }) => href);
  const url = (path: string) => pathToFileURL(resolve(path) + "/").href;
  try {
    delete process.env[MODELS_VARIABLE];
    assert.deepEqual(urls(), [EMBEDDED_MODELS.href]);
    process.env[MODELS_VARIABLE] = outside;
    assert.deepEqual(urls("mine"), [url("mine"), url(outside), EMBEDDED_MODELS.href]);
    assert.deepEqual(urls(outside), [url(outside), EMBEDDED_MODELS.href]);
    process.env[MODELS_VARIABLE] = "";
    assert.deepEqual(urls(), [EMBEDDED_MODELS.href]);
  } finally {
    if (before === undefined) delete process.env[MODELS_VARIABLE];
    else process.env[MODELS_VARIABLE] = before;
  }
});
