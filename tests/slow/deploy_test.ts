/**
 * What is deployed: the folder of `deno task slim`, served as Containerfile and the systemd unit do. Building
 * the image itself is left to those who have its base images.
 */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, runTask, startServer } from "../helpers/processes.ts";

const SYSTEMD = "/usr/bin/systemd-analyze";

const read = (path: string) => readFile(new URL(path, ROOT), "utf8");

/** The words of an instruction of Containerfile that is written as JSON. */
async function wordsOf(instruction: RegExp): Promise<string[]> {
  return JSON.parse(instruction.exec(await read("Containerfile"))![1]!);
}

function freePort(): number {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  try {
    return listener.addr.port;
  } finally {
    listener.close();
  }
}

Deno.test("slim: the folder serves by itself, by the words of the container, and ends in good order", async () => {
  const scratch = await mkdtemp(join(tmpdir(), "silop-slim-"));
  const folder = join(scratch, "silop");
  try {
    const made = await runTask("slim", [folder]);
    assert.equal(made.code, 0, made.stderr);
    const port = freePort();
    const here = (words: readonly string[]) =>
      words.slice(1).map((word) =>
        word.replaceAll(/(?<=[=,])\/silop(?=,|$)/g, folder).replace(":8000", `:${port}`)
          .replaceAll("0.0.0.0", "127.0.0.1").replace(/^scripts\//, `${folder}/scripts/`)
      );
    const config = ["--config", join(folder, "deno.json")];
    const withConfig = ([run, ...rest]: string[]) => [run!, ...config, ...rest];
    const env = { DENO_DIR: join(folder, ".deno"), DENO_NO_UPDATE_CHECK: "1" };
    const health = async () =>
      (await new Deno.Command(Deno.execPath(), {
        args: [...withConfig(here(await wordsOf(/HEALTHCHECK[^[]*(\[.*\])/))), String(port)],
        env,
        stderr: "null",
      }).output()).code;
    assert.equal(await health(), 1);
    await using server = await startServer(
      [...withConfig(here(await wordsOf(/ENTRYPOINT (\[.*\])/))), "--port", String(port)],
      /Ready at (\S+)/,
      env,
    );
    assert.equal(await health(), 0);
    const photo = await Deno.readFile(new URL("examples/cat.jpg", ROOT));
    const response = await fetch(`${server.url}/segment`, { method: "POST", body: photo });
    const { classes } = await response.json();
    assert.deepEqual(classes.map(({ name }: { name: string }) => name), ["cat"]);
    const page = await fetch(server.url, { headers: { Accept: "text/html" } });
    assert.match(await page.text(), /<!DOCTYPE html>/);
    const reference = await fetch(`${server.url}/docs/swagger-ui-bundle.js`);
    assert.equal(reference.status, 200);
    assert.ok((await reference.bytes()).length > 1e6);
    const packages = await readdir(join(folder, ".deno/npm/registry.npmjs.org"));
    for (const name of ["@scarf", "swagger-ui-dist"]) assert.ok(!packages.includes(name), name);
    assert.equal((await server.end("SIGTERM")).code, 0);

    // Nothing that is not its own work is emptied.
    await writeFile(join(scratch, "mine.txt"), "");
    const refused = await runTask("slim", [scratch]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /is not empty and was not made by this command/);
  } finally {
    await rm(scratch, { recursive: true });
  }
});

Deno.test("deploy/silop.service starts what the container starts, on loopback only", async () => {
  const unit = await read("deploy/silop.service");
  const [, start] = /^ExecStart=(.*)$/m.exec(unit)!;
  const entrypoint = (await wordsOf(/ENTRYPOINT (\[.*\])/)).join(" ");
  const expected = entrypoint.replace(/^deno/, "/usr/local/bin/deno")
    .replace("=/silop,/models,/run/secrets", "=/opt/silop,/etc/silop")
    .replaceAll("0.0.0.0", "127.0.0.1").replace("--host 127.0.0.1", "--host 127.0.0.1 --port 8000");
  assert.equal(start, expected);
});

Deno.test({
  name: "deploy/silop.service is a unit that systemd understands, and well closed in",
  ignore: !existsSync(SYSTEMD),
  async fn() {
    const folder = await mkdtemp(join(tmpdir(), "silop-unit-"));
    try {
      const path = join(folder, "silop.service");
      // What it starts is not installed here.
      const unit = (await read("deploy/silop.service"))
        .replaceAll("/usr/local/bin/deno", Deno.execPath())
        .replaceAll("WorkingDirectory=/opt/silop", `WorkingDirectory=${folder}`);
      await writeFile(path, unit);
      const analyze = async (...args: string[]) => {
        const { code, stdout, stderr } = await new Deno.Command(SYSTEMD, { args }).output();
        const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
        assert.equal(code, 0, text);
        return text;
      };
      assert.equal(await analyze("verify", path), "");
      // 10 is wide open; services seldom get below 2.
      await analyze("security", "--offline=true", "--threshold=15", path);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
});
