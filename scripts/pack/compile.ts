/** From this project's modules to JavaScript and types that any runtime takes. */

import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The compiler; not in the import map, so that only who packs fetches it. */
const COMPILER = "npm:typescript@6.0.3/tsc";

/** The little of `Deno` that modules may speak of, where they see that they run in it. */
const DENO = `declare const Deno: {
  permissions: {
    querySync(leave: { name: string; variable?: string; path?: string }): { state: string };
  };
  build: { os: string };
  dlopen(path: string, symbols: object): {
    symbols: {
      malloc_trim(pad: bigint): number;
      setenv(name: Uint8Array, value: Uint8Array, overwrite: number): number;
    };
    close(): void;
  };
};
`;

/** What some modules are made of. */
export interface ModuleList {
  /** Paths of this project's files. */
  readonly files: readonly string[];
  /** What they import from packages, as they write it. */
  readonly packages: readonly string[];
}

interface Dependency {
  readonly specifier: string;
  readonly code?: { readonly specifier?: string };
  readonly type?: { readonly specifier?: string };
}

/** Follows imports from the entries on, and from modules to the workers they start. */
export async function listModules(root: string, entries: readonly string[]): Promise<ModuleList> {
  const files = new Set<string>();
  const packages = new Set<string>();
  const waiting = entries.map((path) => join(root, path));
  for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
    if (files.has(entry)) continue;
    const info = JSON.parse(await run(["info", "--json", entry], root));
    for (const { specifier, dependencies = [] } of info.modules) {
      if (!specifier.startsWith("file:")) continue;
      const path = fileURLToPath(specifier);
      files.add(path);
      for (const { specifier } of dependencies as Dependency[]) {
        if (!/^[./]|^\w+:/.test(specifier)) packages.add(specifier);
      }
      const text = await readFile(path, "utf8");
      for (const [, worker] of text.matchAll(/new URL\("(\.[^"]+\.ts)", import\.meta\.url\)/g)) {
        waiting.push(fileURLToPath(new URL(worker!, pathToFileURL(path))));
      }
    }
  }
  return { files: [...files].sort(), packages: [...packages].sort() };
}

/**
 * Compiles `stage/source/`, whose packages `stage/package.json` names, into a folder.
 *
 * @returns what the compiler found wrong; nothing: `""`.
 */
export async function compile(stage: string, folder: string): Promise<{ errors: string }> {
  await run(["install", "--quiet"], stage);
  const options = {
    rootDir: "source",
    outDir: "compiled",
    target: "es2023",
    lib: ["esnext", "dom", "dom.iterable", "dom.asynciterable"],
    module: "nodenext",
    types: ["node"],
    declaration: true,
    rewriteRelativeImportExtensions: true,
    resolveJsonModule: true,
    strict: true,
    noUncheckedIndexedAccess: true,
    // What packages declare is theirs.
    skipLibCheck: true,
  };
  await writeFile(
    join(stage, "tsconfig.json"),
    JSON.stringify({ compilerOptions: options, include: ["source", "deno.d.ts"] }),
  );
  await writeFile(join(stage, "deno.d.ts"), DENO);
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-lock", "--node-modules-dir=none", COMPILER, "-p", stage],
    cwd: stage,
    stderr: "inherit",
  }).output();
  if (!success) return { errors: new TextDecoder().decode(stdout) };
  const compiled = join(stage, "compiled");
  for (const entry of await readdir(compiled, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const text = await readFile(path, "utf8");
    // What the compiler leaves: imports in types, and addresses of workers.
    const rewritten = text.replaceAll(/(["'])(\.\.?\/[^"'\n]*)\.ts\1/g, "$1$2.js$1");
    if (rewritten !== text) await writeFile(path, rewritten);
  }
  await cp(compiled, folder, { recursive: true });
  return { errors: "" };
}

async function run(args: readonly string[], cwd: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1" },
  }).output();
  if (!success) throw new Error(`deno ${args[0]} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
