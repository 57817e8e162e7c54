/**
 * `deno task slim FOLDER`: a folder with all that serving takes, packages included, and nothing else: for
 * containers and for machines without a way to the internet. There:
 * `DENO_DIR=FOLDER/.deno deno run --cached-only … FOLDER/scripts/start.ts`.
 */

import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { createCommand, fail } from "./cli.ts";
import { listModules } from "./pack/compile.ts";
import { copyReferencePage } from "./pack/reference_page.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const ENTRIES = ["scripts/start.ts", "scripts/health.ts"];
/** Files that modules read when they run, and terms to be passed on. */
const ASSETS = ["models", "functions/page", "examples/cat.jpg", "LICENSE"];

const command = createCommand("slim", "Make a folder with all that serving takes.")
  .argument("<folder>", "where it goes; emptied first if it was made by this command");
command.parse(Deno.args, { from: "user" });
await slim(resolve(command.args[0]!));

async function slim(folder: string): Promise<void> {
  await empty(folder);
  const modules = await listModules(ROOT, ENTRIES);
  for (const path of [...modules.files.map((it) => relative(ROOT, it)), ...ASSETS]) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await cp(join(ROOT, path), join(folder, path), { recursive: true });
  }
  await copyReferencePage(folder);
  const config = JSON.parse(await readFile(join(ROOT, "deno.json"), "utf8"));
  const { unstable, compilerOptions } = config;
  // Deno fetches whatever the import map names, so that shall be no more than is imported.
  const imports = Object.fromEntries(
    Object.entries(config.imports as Record<string, string>).filter(([key]) =>
      modules.packages.some((specifier) => specifier === key || specifier.startsWith(`${key}/`))
    ),
  );
  await writeFile(
    join(folder, "deno.json"),
    JSON.stringify({ unstable, compilerOptions, imports }, null, 2),
  );
  await cp(join(ROOT, "deno.lock"), join(folder, "deno.lock"));
  await fetchPackages(folder);
  await dropForeignBinaries(join(folder, ".deno/npm"));
  await makeReadable(folder);
}

/** Makes sure that a folder is there and empty, but takes away nothing of somebody else's. */
async function empty(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const names = await readdir(folder);
  if (names.length > 0 && !(names.includes("scripts") && names.includes(".deno"))) {
    fail(`${folder} is not empty and was not made by this command`);
  }
  for (const name of names) await rm(join(folder, name), { recursive: true });
}

/** Fetches packages into `folder/.deno`, and compiles the modules there, so that they start sooner. */
async function fetchPackages(folder: string): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["install", "--quiet", "--entrypoint", ...ENTRIES, "core/runtime/stage_worker.ts"],
    cwd: folder,
    env: { DENO_DIR: join(folder, ".deno") },
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (!success) fail("The packages cannot be fetched");
}

/** ONNX Runtime comes for all platforms; one is 25 to 90 MB. */
async function dropForeignBinaries(packages: string): Promise<void> {
  const os = Deno.build.os === "windows" ? "win32" : Deno.build.os;
  const arch = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  for (const entry of await readdir(packages, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const [, platform] = /onnxruntime-node\/[^/]+\/bin\/napi-v\d+\/([^/]+\/[^/]+)$/.exec(path) ??
      [];
    if (platform !== undefined && platform !== `${os}/${arch}`) {
      await rm(path, { recursive: true });
    }
  }
}

/** Some packages' files are for their owner alone; here all of them are for whoever serves. */
async function makeReadable(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
  }
}
