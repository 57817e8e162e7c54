/**
 * Regenerates `core/onnx/onnx_pb.ts` from `core/onnx/onnx.proto`: `deno task onnx:generate`.
 *
 * The two tools are fetched from npm when this runs and are needed at no other time: buf compiles
 * the schema, protoc-gen-es writes TypeScript for `@bufbuild/protobuf`. The plugin's version is
 * the version of that library in the import map; raise both together.
 */

import { readFile } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import process from "node:process";

const BUF = "npm:@bufbuild/buf@1.74.0";
const PLUGIN = "npm:@bufbuild/protoc-gen-es";

const root = new URL("../", import.meta.url);
const { imports } = JSON.parse(await readFile(new URL("deno.json", root), "utf8"));
const version = /@([\d.]+)$/.exec(imports["@bufbuild/protobuf"])?.[1];
if (!version) throw new Error("Cannot generate: deno.json does not pin @bufbuild/protobuf");

const template = {
  version: "v2",
  plugins: [{
    local: [process.execPath, "run", "--allow-all", "--no-lock", `${PLUGIN}@${version}`],
    out: ".",
    opt: ["target=ts", "import_extension=ts"],
  }],
};
const { status, error } = spawnSync(
  process.execPath,
  ["run", "--allow-all", "--no-lock", BUF, "generate", "--template", JSON.stringify(template)],
  { cwd: new URL("core/onnx/", root), stdio: "inherit" },
);
if (error) throw error;
process.exit(status ?? 1);
