import assert from "node:assert/strict";
import { Hono } from "hono";
import { type AppOptions, createApp } from "../../functions/app.ts";
import { CAT, TRUNCATED_CAT } from "../helpers/photos.ts";
import { openTinySilop } from "../helpers/tiny_silop.ts";

const silop = await openTinySilop({ slowness: 8 });
const LONG = "/cam?scales=1,1,1,1,1,1,1,1&labels=cat";
const SHORTER = "/cam?scales=1,1&labels=cat";
const QUICK = "/cam?scales=0.1&labels=cat";

function open(options: AppOptions = {}) {
  const app = createApp({ silop, ...options });
  const ask = async (path: string, prefer: string, body: BodyInit = CAT) =>
    await app.request(path, { method: "POST", body, headers: { Prefer: prefer } });
  const status = async (path: string) => await (await app.request(path)).json();
  const ended = async (path: string) => {
    for (;;) {
      const job = await status(path);
      if (job.ended !== undefined || job.id === undefined) return job;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  return Object.assign(app, { ask, status, ended });
}

Deno.test("POST with Prefer: respond-async answers 202, and the result at the job's path", async () => {
  using app = open();
  const request = "/refine?format=npz&labels=cat&working-size=96&iterations=4";
  const response = await app.ask(request, "respond-async");
  assert.equal(response.status, 202);
  assert.equal(response.headers.get("Preference-Applied"), "respond-async");
  const path = response.headers.get("Location")!;
  assert.match(path, /^\/jobs\/[\w-]{36}$/);
  const { status, stage } = await response.json();
  assert.match(status, /^(queued|running)$/);
  assert.equal(stage, "refine");
  const early = await app.request(`${path}/result`);
  assert.equal(early.status, 409);
  await early.body!.cancel();

  const job = await app.ended(path);
  assert.equal(job.status, "succeeded");
  assert.equal(job.result, `${path}/result`);
  assert.ok(job.created <= job.started && job.started <= job.ended && job.ended < job.expires);
  const steps = job.steps.map(({ name }: { name: string }) => name);
  for (const step of ["cam", "superpixels", "training", "fit", "crf", "mask"]) {
    assert.ok(steps.includes(step), step);
  }
  const result = await app.request(job.result);
  assert.equal(result.status, 200);
  assert.equal(result.headers.get("Content-Type"), "application/x-npz");
  assert.match(result.headers.get("Server-Timing")!, /decode;dur=/);
  const direct = await app.ask(request, "");
  assert.deepEqual(await result.bytes(), await direct.bytes());
});

Deno.test("POST with Prefer: respond-async refuses at once what is wrong with the request", async () => {
  using app = open();
  const query = await app.ask("/cam?nonsense=1", "respond-async");
  assert.equal(query.status, 400);
  await query.body!.cancel();
  assert.equal((await app.ask("/cam", "respond-async", new Uint8Array(0))).status, 400);
});

Deno.test("A job whose image is damaged ends as failed and says why", async () => {
  using app = open();
  const response = await app.ask("/cam", "respond-async", TRUNCATED_CAT);
  const path = response.headers.get("Location")!;
  await response.body!.cancel();
  const job = await app.ended(path);
  assert.equal(job.status, "failed");
  assert.equal(job.problem.status, 400);
  assert.equal(job.result, undefined);
  const result = await app.request(`${path}/result`);
  assert.equal(result.status, 400);
  assert.deepEqual(await result.json(), job.problem);
});

Deno.test("POST with wait answers the result itself when that is there in time", async () => {
  using app = open();
  const quick = await app.ask(QUICK, "respond-async, wait=20");
  assert.equal(quick.status, 200);
  assert.equal((await quick.json()).stage, "cam");
});

Deno.test("DELETE cancels a job, running or not, and forgets an ended one", async () => {
  using app = open();
  const running = (await app.ask(LONG, "respond-async")).headers.get("Location")!;
  const queued = (await app.ask(LONG, "respond-async")).headers.get("Location")!;
  while ((await app.status(running)).status !== "running") {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal((await app.status(queued)).status, "queued");
  // One at a time, so that other requests find a worker.
  assert.equal(silop.load, 1);
  for (const path of [queued, running]) {
    assert.equal((await app.request(path, { method: "DELETE" })).status, 204);
    assert.equal((await app.ended(path)).status, "cancelled");
    assert.equal((await app.request(`${path}/result`)).status, 409);
  }
  while (silop.load > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await app.request(running, { method: "DELETE" })).status, 204);
  assert.equal((await app.request(running)).status, 404);
  assert.equal((await app.request("/jobs/other", { method: "DELETE" })).status, 404);
  assert.equal((await app.request(running, { method: "PUT" })).status, 405);
});

Deno.test("Jobs are forgotten after a while, and when their results take too much memory", async () => {
  using brief = open({ jobs: { keepMs: 50 } });
  const path = (await brief.ask(QUICK, "respond-async")).headers.get("Location")!;
  await brief.ended(path);
  while ((await brief.request(path)).status === 200) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal((await brief.request(path)).status, 404);

  using small = open({ jobs: { maxResultBytes: 2000 } });
  const paths: string[] = [];
  for (let i = 0; i < 3; i++) {
    paths.push((await small.ask(QUICK, "respond-async")).headers.get("Location")!);
    await small.ended(paths.at(-1)!);
  }
  assert.equal((await small.request(paths[0]!)).status, 404);
  assert.equal((await small.request(paths[2]!)).status, 200);
});

Deno.test("POST answers 429 when too many jobs wait", async () => {
  using app = open({ jobs: { maxPending: 1 } });
  const path = (await app.ask(LONG, "respond-async")).headers.get("Location")!;
  const refused = await app.ask(QUICK, "respond-async");
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers.get("Retry-After")) >= 1);
  await refused.body!.cancel();
  await app.request(path, { method: "DELETE" });
  await app.ended(path);
});

Deno.test("A job ends at its deadline", async () => {
  using app = open({ jobs: { deadlineMs: 100 } });
  const path = (await app.ask(LONG, "respond-async")).headers.get("Location")!;
  const job = await app.ended(path);
  assert.equal(job.status, "failed");
  assert.match(job.problem.type, /deadline-exceeded$/);
});

Deno.test("A service that drains finishes its jobs", async () => {
  using app = open();
  const path = (await app.ask(SHORTER, "respond-async")).headers.get("Location")!;
  const drained = app.drain();
  assert.equal((await app.ask(QUICK, "respond-async")).status, 503);
  const job = await app.ended(path);
  assert.equal(job.status, "succeeded");
  assert.equal((await app.request(job.result)).status, 200);
  assert.equal(await drained, true);
});

Deno.test("Jobs' paths hold under a base path and in another app", async () => {
  using based = open({ basePath: "/api" });
  const path = (await based.ask("/api" + QUICK, "respond-async")).headers.get("Location")!;
  assert.match(path, /^\/api\/jobs\//);
  assert.equal((await based.ended(path)).result, `${path}/result`);

  using app = open();
  const gateway = new Hono().route("/vision", app);
  const posted = await gateway.request("/vision" + QUICK, {
    method: "POST",
    body: CAT,
    headers: { Prefer: "respond-async" },
  });
  const location = posted.headers.get("Location")!;
  assert.match(location, /^\/vision\/jobs\//);
  assert.equal((await gateway.request(location)).status, 200);
  await app.ended(location.replace("/vision", ""));
  assert.equal((await gateway.request(`${location}/result`)).status, 200);
});
