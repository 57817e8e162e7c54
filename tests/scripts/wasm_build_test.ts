import assert from "node:assert/strict";
import { buildWasm, wasmNames } from "../../scripts/wasm_build.ts";

for (const name of wasmNames()) {
  Deno.test(`kernels/wasm/${name}.ts is what its source compiles to`, async () => {
    const committed = await Deno.readTextFile(
      new URL(`../../kernels/wasm/${name}.ts`, import.meta.url),
    );
    assert.equal(await buildWasm(name), committed);
  });
}

Deno.test("kernels/wasm/ holds no module without a source", () => {
  const files = [...Deno.readDirSync(new URL("../../kernels/wasm/", import.meta.url))];
  assert.deepEqual(files.map(({ name }) => name).sort(), wasmNames().map((name) => `${name}.ts`));
});
