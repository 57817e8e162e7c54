/**
 * `deno task openapi:types`: the types of a client, from the OpenAPI document of this version. They are written to
 * `tests/functions/client/api.ts`, where tests use them as a client would.
 */

import { writeFile } from "node:fs/promises";
import openapiTypescript, { astToString, type OpenAPI3 } from "openapi-typescript";
import { createApp } from "../functions/app.ts";

const OUT = new URL("../tests/functions/client/api.ts", import.meta.url);
const HEAD = "// Made by `deno task openapi:types`; not to be edited.\n" +
  "// deno-fmt-ignore-file\n// deno-lint-ignore-file\n\n";

/** The types as source text, of an OpenAPI document. */
export async function clientTypes(document: unknown): Promise<string> {
  return HEAD + astToString(await openapiTypescript(document as OpenAPI3));
}

if (import.meta.main) {
  // The document is there before the models are.
  const app = createApp({ silop: { workers: 1 }, logger: { error: () => {} } });
  const document = await (await app.request("/openapi.json")).json();
  app.close();
  await writeFile(OUT, await clientTypes(document));
}
