/** A `Silop` over the tiny model, for all tests of a file. */

import { createSilop, type Silop, type SilopOptions } from "../../core/silop.ts";
import { makeModelFolder, type ModelFolderOptions } from "./tiny_model.ts";

/** Opens it with one worker of one thread, and closes it after the last test of the file. */
export async function openTinySilop(
  { models, slowness, seed, colors, ...options }:
    & Omit<SilopOptions, "models">
    & ModelFolderOptions = {},
): Promise<Silop> {
  const folder = await makeModelFolder({ models, slowness, seed, colors });
  const silop = createSilop({
    device: "cpu",
    workers: 1,
    threads: 1,
    models: folder.url,
    ...options,
  });
  Deno.test.afterAll(async () => {
    silop.close();
    await folder[Symbol.asyncDispose]();
  });
  await silop.ready;
  return silop;
}
