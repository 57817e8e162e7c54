import assert from "node:assert/strict";
import { createApp } from "../../functions/app.ts";
import type { AppOptions } from "../../functions/app.ts";
import { camRoutes } from "../../functions/cam.ts";
import { CAT } from "../helpers/photos.ts";
import { openTinySilop } from "../helpers/tiny_silop.ts";

// One network run of the cat takes some tenths of a second.
const silop = await openTinySilop({ slowness: 8 });
const LONG = "/cam?scales=1,1,1,1,1,1,1,1&labels=cat";
/** Long enough to be met at work, for tests that wait for its end. */
const SHORTER = "/cam?scales=1,1,1&labels=cat";
const QUICK = "/cam?scales=0.1&labels=cat";

function open(options: AppOptions = {}) {
  // However slow the machine is, only the limits named are met.
  const patient = { deadlineMs: 300_000, maxWaitMs: 300_000 };
  const app = createApp({ silop, ...options, limits: { ...patient, ...options.limits } });
  const send = async (path: string, init: RequestInit = {}) =>
    await app.request(path, { method: "POST", body: CAT, ...init });
  return Object.assign(app, { send });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function problemOf(response: Response): Promise<string> {
  assert.equal(response.headers.get("Content-Type"), "application/problem+json");
  const { type, status } = await response.json();
  assert.equal(status, response.status);
  return type.replace("urn:problem-type:silop:", "");
}

Deno.test("POST answers 429 with Retry-After when the queue is full, without reading the body", async () => {
  using app = open({ limits: { maxQueue: 1 } });
  const accepted = [app.send(SHORTER), app.send(QUICK)];
  await until(() => silop.load === 2);
  let pulled = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled++;
      controller.enqueue(CAT);
      controller.close();
    },
  }, { highWaterMark: 0 });
  const refused = await app.send(QUICK, { body, ...{ duplex: "half" } });
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers.get("Retry-After")) >= 1);
  assert.equal(await problemOf(refused), "too-many-requests");
  assert.equal(pulled, 0);
  for (const answer of accepted) assert.equal((await answer).status, 200);
  assert.equal((await app.send(QUICK)).status, 200);
});

Deno.test("POST answers 503 when no worker is free in time, and does no work for it then", async () => {
  using app = open({ limits: { maxWaitMs: 30 } });
  const first = app.send(SHORTER);
  await until(() => silop.load === 1);
  const second = await app.send(LONG);
  assert.equal(second.status, 503);
  assert.ok(Number(second.headers.get("Retry-After")) >= 1);
  assert.equal(await problemOf(second), "overloaded");
  assert.equal(silop.load, 1);
  assert.equal((await first).status, 200);
});

Deno.test("POST answers 503 when the work takes longer than the deadline, which ends it", async () => {
  using app = open({ limits: { deadlineMs: 400 } });
  const response = await app.send(LONG);
  assert.equal(response.status, 503);
  assert.equal(await problemOf(response), "deadline-exceeded");
  await until(() => silop.load === 0);
});

Deno.test("POST answers 408 when the body does not arrive before the deadline", async () => {
  using app = open({ limits: { deadlineMs: 50 } });
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(CAT.subarray(0, 100)),
    cancel: () => void (cancelled = true),
  });
  const response = await app.send(QUICK, { body, ...{ duplex: "half" } });
  assert.equal(response.status, 408);
  assert.equal(await problemOf(response), "slow-request");
  assert.ok(cancelled);
});

Deno.test("A service that drains answers what it has taken and refuses the rest", async () => {
  using app = open();
  const accepted = [app.send(SHORTER), app.send(QUICK)];
  await until(() => silop.load === 2);
  assert.equal((await app.request("/health/ready")).status, 200);
  const drained = app.drain(300_000);
  const refused = await app.send(QUICK);
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("Connection"), "close");
  assert.equal(await problemOf(refused), "shutting-down");
  assert.equal((await app.request("/health/ready")).status, 503);
  assert.equal((await app.request("/health/live")).status, 200);
  assert.equal(await drained, true);
  for (const answer of accepted) assert.equal((await answer).status, 200);
});

Deno.test("A service that cannot drain in time gives every request an answer", async () => {
  using app = open();
  const accepted = [app.send(LONG), app.send(LONG)];
  await until(() => silop.load === 2);
  assert.equal(await app.drain(50), false);
  for (const answer of accepted) assert.equal(await problemOf(await answer), "shutting-down");
  await until(() => silop.load === 0);
});

Deno.test("POST answers 499 when the client goes, whatever its signal's reason", async () => {
  using app = open();
  for (const routes of [app, camRoutes(silop)]) {
    for (const reason of ["Client connection prematurely closed.", new Error("gone"), undefined]) {
      const client = new AbortController();
      const answer = Promise.resolve(
        routes.request(LONG, { method: "POST", body: CAT, signal: client.signal }),
      );
      await until(() => silop.load === 1);
      client.abort(reason);
      assert.equal((await answer).status, 499);
      await until(() => silop.load === 0);
    }
  }
});

Deno.test("createApp() bounds every app by itself", async () => {
  using first = open({ limits: { maxQueue: 0 } });
  using second = open();
  const busy = first.send(SHORTER);
  await until(() => silop.load === 1);
  assert.equal((await first.send(QUICK)).status, 429);
  const other = second.send(QUICK);
  assert.equal((await busy).status, 200);
  assert.equal((await other).status, 200);
});

Deno.test("createApp() refuses limits below 0", () => {
  assert.throws(() => open({ limits: { deadlineMs: -1 } }), RangeError);
});
