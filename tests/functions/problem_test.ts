import assert from "node:assert/strict";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import {
  DecodeError,
  DeviceError,
  LimitError,
  ModelError,
  OptionError,
  UnsupportedFormatError,
} from "../../core/errors.ts";
import { describeError, problemHandler } from "../../functions/problem.ts";

Deno.test("describeError() tells clients what they can mend", () => {
  const cases = [
    [new DecodeError("cut short"), 400, "undecodable-image"],
    [new LimitError("too wide"), 413, "image-too-large"],
    [new UnsupportedFormatError("a PDF"), 415, "unsupported-format"],
    [new OptionError("scale 9"), 422, "invalid-option"],
    [new HTTPException(400, { message: "bad query" }), 400, "invalid-request"],
    [new HTTPException(406, { message: "no such type" }), 406, "not-acceptable"],
  ] as const;
  for (const [error, status, kind] of cases) {
    const problem = describeError(error);
    assert.equal(problem.status, status);
    assert.equal(problem.type, `urn:problem-type:silop:${kind}`);
    assert.equal(problem.detail, error.message);
  }
});

Deno.test("describeError() keeps faults of the program to itself", () => {
  const faults = [
    new Error("/etc/secret"),
    new RangeError("/etc/secret"),
    new SyntaxError("/etc/secret"),
    new TypeError("/etc/secret"),
    "/etc/secret",
  ];
  for (const fault of faults) {
    const problem = describeError(fault);
    assert.equal(problem.status, 500);
    assert.doesNotMatch(JSON.stringify(problem), /secret/);
  }
  for (const fault of [new ModelError("/etc/secret"), new DeviceError("/etc/secret")]) {
    const problem = describeError(fault);
    assert.equal(problem.status, 503);
    assert.doesNotMatch(JSON.stringify(problem), /secret/);
  }
});

Deno.test("problemHandler() logs faults of the program and nothing else", async () => {
  const logged: unknown[][] = [];
  const app = new Hono();
  app.onError(problemHandler({ error: (...args) => logged.push(args) }));
  const fault = new Error("disk on fire");
  app.get("/fault", () => {
    throw fault;
  });
  app.get("/refusal", () => {
    throw new OptionError("no");
  });
  assert.equal((await app.request("/refusal")).status, 422);
  assert.deepEqual(logged, []);
  const response = await app.request("/fault");
  assert.equal(response.status, 500);
  assert.doesNotMatch(await response.text(), /fire/);
  assert.deepEqual(logged, [["GET /fault failed", fault]]);
});

Deno.test("problemHandler() keeps status and headers of other people's exceptions", async () => {
  const app = new Hono();
  app.onError(problemHandler(console));
  app.get("/", () => {
    const headers = { "Link": "</shop>" };
    const res = new Response("Not for free", { status: 402, headers });
    throw new HTTPException(402, { res });
  });
  const response = await app.request("/");
  assert.equal(response.status, 402);
  assert.equal(response.headers.get("Link"), "</shop>");
  assert.deepEqual(await response.json(), {
    type: "about:blank",
    title: "Payment Required",
    status: 402,
  });
});

Deno.test("problemHandler() answers 499 and logs nothing when the client has gone", async () => {
  const logged: unknown[] = [];
  const app = new Hono();
  app.onError(problemHandler({ error: (...args) => logged.push(args) }));
  const client = new AbortController();
  app.get("/", () => {
    client.abort();
    throw client.signal.reason;
  });
  const response = await app.request("/", { signal: client.signal });
  assert.equal(response.status, 499);
  assert.deepEqual(logged, []);
});

Deno.test("problemHandler() logs a fault of a request whose client has gone", async () => {
  const logged: unknown[][] = [];
  const app = new Hono();
  app.onError(problemHandler({ error: (...args) => logged.push(args) }));
  const client = new AbortController();
  const fault = new Error("disk on fire");
  app.get("/", () => {
    client.abort();
    throw fault;
  });
  const response = await app.request("/", { signal: client.signal });
  assert.equal(response.status, 499);
  assert.deepEqual(logged, [["GET / failed", fault]]);
});
