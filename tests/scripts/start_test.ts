import assert from "node:assert/strict";
import { CAT } from "../helpers/photos.ts";
import { runTask, startServer } from "../helpers/processes.ts";
import { makeModelFolder, type ModelFolder } from "../helpers/tiny_model.ts";

const models: ModelFolder = await makeModelFolder();
const slow: ModelFolder = await makeModelFolder({ slowness: 12 });
Deno.test.afterAll(async () => {
  await models[Symbol.asyncDispose]();
  await slow[Symbol.asyncDispose]();
});

const start = (folder: ModelFolder, ...more: string[]) =>
  startServer(
    [
      "task",
      "--quiet",
      "start",
      "--port",
      "0",
      "--device",
      "cpu",
      "--models",
      folder.path,
      ...more,
    ],
    /Ready at (http:\S+)/,
  );

Deno.test("start serves on loopback with the permissions of its task", async () => {
  await using server = await start(models);
  assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  const ready = await fetch(`${server.url}/health/ready`);
  assert.equal((await ready.json()).status, "ready");
  const form = new FormData();
  form.set("image", new Blob([CAT]));
  const response = await fetch(`${server.url}/segment?format=overlay`, {
    method: "POST",
    body: form,
  });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("Content-Type"), "image/png");
  await response.bytes();
  const large = await fetch(`${server.url}/cam`, {
    method: "POST",
    body: new Uint8Array(21_000_000),
  });
  assert.equal(large.status, 413);
  await large.body!.cancel();
  const { code, stdout } = await server.end("SIGINT");
  assert.equal(code, 0);
  assert.match(stdout, /curl --data-binary/);
});

Deno.test("start serves on all addresses that its task has a right to", async () => {
  for (const host of ["localhost", "0.0.0.0", ...(hasIpv6() ? ["::1", "::"] : [])]) {
    await using server = await start(models, "--host", host);
    const ready = await fetch(`${server.url}/health/ready`);
    assert.equal((await ready.json()).status, "ready", host);
    assert.equal((await server.end("SIGTERM")).code, 0);
  }
});

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test("start answers the requests under way before it ends", async () => {
  await using server = await start(slow);
  const url = `${server.url}/cam?scales=1,1,1&labels=cat`;
  const answers = [1, 2].map(() => fetch(url, { method: "POST", body: CAT }));
  // Both have a place, or one has its answer already.
  let answered = false;
  for (const answer of answers) answer.finally(() => answered = true).catch(() => {});
  for (let active = 0; active < 2 && !answered;) {
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    active = Number(/^silop_requests_active (\d+)$/m.exec(metrics)![1]);
  }
  const ended = server.end("SIGTERM");
  for (const answer of answers) {
    const response = await answer;
    assert.equal(response.status, 200);
    assert.equal((await response.json()).stage, "cam");
  }
  assert.equal((await ended).code, 0);
  await assert.rejects(fetch(server.url));
});

Deno.test("start says so when the port is taken, and exits with 1", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const { code, stderr } = await runTask("start", [
    "--port",
    String(port),
    "--device",
    "cpu",
    "--models",
    models.path,
  ]);
  taken.close();
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`^error: Cannot listen on 127.0.0.1:${port}: another program`));
});

Deno.test("start exits with 1 when the models cannot be loaded, and with 2 on a wrong option", async () => {
  const unloaded = await runTask("start", ["--port", "0", "--models", models.path + "/nowhere"]);
  assert.equal(unloaded.code, 1);
  assert.match(unloaded.stderr, /^error: Cannot read models: no manifest/);
  const wrong = await runTask("start", ["--port", "70000"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /70000 is not in 0\.\.65535/);
});

Deno.test("start exits with 1 where its task has no right to listen, and says what to do", async () => {
  const { code, stderr } = await runTask("start", ["--host", "192.0.2.1", "--models", models.path]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^error: Cannot listen on 192\.0\.2\.1:8000: .*--allow-net=192\.0\.2\.1:8000 /,
  );
});
