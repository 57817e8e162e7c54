/**
 * `deno task pack`: the npm package of this project: library, handlers, models and types, for Deno and for
 * Node. Writes `dist/npm/`, and a tarball of it beside that folder.
 */

import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { createCommand, fail } from "./cli.ts";
import { compile, listModules } from "./pack/compile.ts";
import { copyReferencePage } from "./pack/reference_page.ts";
import { packFolder } from "./pack/tarball.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** What can be imported, by its name in the package. */
const ENTRIES = {
  ".": "mod.ts",
  "./functions/cam": "functions/cam.ts",
  "./functions/perimeter": "functions/perimeter.ts",
  "./functions/refine": "functions/refine.ts",
  "./functions/segment": "functions/segment.ts",
} as const;

/** Files that modules read when they run, and those a package needs. */
const ASSETS = ["models", "functions/page", "examples/cat.jpg", "README.md", "LICENSE"];

/** Packages whose types the package's own types speak of, though nothing is imported from them. */
const TYPES = { "@types/node": "22.19.0" };

/** Packages whose objects the host's own copy shares: any version that is compatible. */
const SHARED = ["hono", "zod", "@hono/zod-openapi"];

interface PackFlags {
  out: string;
}

interface Config {
  name: string;
  version: string;
  license: string;
  imports: Record<string, string>;
}

const command = createCommand("pack", "Make the npm package.")
  .option("--out <folder>", "where the package and its tarball go", "dist");
command.parse(Deno.args, { from: "user" });
await pack(command.opts<PackFlags>());

async function pack({ out }: PackFlags): Promise<void> {
  const folder = join(out, "npm");
  const config: Config = JSON.parse(await readFile(join(ROOT, "deno.json"), "utf8"));
  const modules = await listModules(ROOT, Object.values(ENTRIES));
  const dependencies = findDependencies(modules.packages, config.imports);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });

  const stage = await mkdtemp(join(tmpdir(), "silop-pack-"));
  try {
    await writeJson(join(stage, "package.json"), {
      type: "module",
      dependencies: { ...dependencies, ...TYPES },
    });
    for (const path of modules.files) {
      const copy = join(stage, "source", relative(ROOT, path));
      await mkdir(dirname(copy), { recursive: true });
      await cp(path, copy);
    }
    const { errors } = await compile(stage, folder);
    if (errors !== "") fail(`The modules cannot be compiled:\n${errors}`);
  } finally {
    await rm(stage, { recursive: true });
  }
  for (const path of ASSETS) await cp(join(ROOT, path), join(folder, path), { recursive: true });
  await copyReferencePage(folder);
  const { name, version, license } = config;
  await writeJson(join(folder, "package.json"), {
    name,
    version,
    description: "Semantic segmentation of photographs by models trained from image-level labels",
    // The second is Swagger UI's, whose files are among these.
    license: `${license} AND Apache-2.0`,
    keywords: ["segmentation", "weakly-supervised", "cam", "onnx", "hono", "image"],
    type: "module",
    engines: { node: ">=24", deno: ">=2.9" },
    exports: {
      ...Object.fromEntries(
        Object.entries(ENTRIES).map(([entry, path]) => {
          const base = `./${path.slice(0, -".ts".length)}`;
          return [entry, { types: `${base}.d.ts`, default: `${base}.js` }];
        }),
      ),
      "./models/*": "./models/*",
      "./package.json": "./package.json",
    },
    dependencies,
  });
  const tarball = join(out, `${name.replace(/^@/, "").replace("/", "-")}-${version}.tgz`);
  const { files, bytes } = await packFolder(folder, tarball);
  const size = `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  console.log(
    `${tarball}: ${files} files, ${size}; npm install --ignore-scripts ${resolve(tarball)}`,
  );
}

/** The packages modules import from, at the versions of the import map: results depend on them. */
function findDependencies(
  specifiers: readonly string[],
  imports: Readonly<Record<string, string>>,
): Record<string, string> {
  const names = new Set(specifiers.map((it) => /^(?:@[^/]+\/)?[^/]+/.exec(it)![0]));
  return Object.fromEntries(
    [...names].sort().map((name) => {
      const version = /^npm:.+@([\d.]+)$/.exec(imports[name] ?? "")?.[1];
      if (version === undefined) fail(`The import map has no version of ${name}`);
      return [name, SHARED.includes(name) ? `^${version}` : version];
    }),
  );
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, JSON.stringify(value, null, 2) + "\n");
}
