/**
 * Compiles the WebAssembly modules of `kernels/`: `deno task wasm:build`.
 *
 * Every `kernels/assembly/NAME.ts` (AssemblyScript) becomes `kernels/wasm/NAME.ts`, a TypeScript
 * module with the binary as base64, so that it can be imported wherever the kernels run.
 */

import asc from "assemblyscript/asc";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const ROOT = new URL("../kernels/", import.meta.url);

/** Names of the modules: files in `kernels/assembly/` without their extension. */
export function wasmNames(): string[] {
  return readdirSync(new URL("assembly/", ROOT))
    .filter((file) => file.endsWith(".ts"))
    .map((file) => file.slice(0, -3))
    .sort();
}

/**
 * Compiles one module.
 *
 * @param name File name in `kernels/assembly/` without its extension.
 * @returns The text of `kernels/wasm/NAME.ts`.
 * @throws {Error} The compiler refused the source; its messages are in the text.
 */
export async function buildWasm(name: string): Promise<string> {
  const source = `${name}.ts`;
  let binary: Uint8Array | undefined;
  const stderr: string[] = [];
  const options = ["--optimizeLevel", "3", "--converge", "--noAssert", "--runtime", "stub"];
  const features = ["--enable", "simd", "--use", "abort="];
  const { error } = await asc.main(
    [source, "--outFile", "out.wasm", ...options, ...features],
    {
      readFile: (file) =>
        file === source ? readFileSync(new URL(`assembly/${source}`, ROOT), "utf8") : null,
      writeFile: (file, contents) => {
        if (file === "out.wasm") binary = contents as Uint8Array;
      },
      listFiles: () => [],
      stderr: { write: (text) => void stderr.push(String(text)) },
    },
  );
  if (error || !binary) {
    throw new Error(`Cannot compile ${source}: ${error?.message ?? ""}\n${stderr.join("")}`);
  }
  return moduleText(name, binary);
}

/** Base64 in lines of 96 characters, as one exported constant. */
function moduleText(name: string, binary: Uint8Array): string {
  const lines = binary.toBase64().match(/.{1,96}/g) ?? [];
  const quoted = lines.map((line) => `  "${line}"`).join(" +\n");
  return `/** Compiled from \`kernels/assembly/${name}.ts\` by \`deno task wasm:build\`; base64. */\n` +
    `export const ${name}Wasm: string =\n${quoted};\n`;
}

if (import.meta.main) {
  for (const name of wasmNames()) {
    const text = await buildWasm(name);
    writeFileSync(new URL(`wasm/${name}.ts`, ROOT), text);
    console.log(`kernels/wasm/${name}.ts: ${text.length} characters`);
  }
}
