import assert from "node:assert/strict";
import { Hono } from "hono";
import { type AppOptions, createApp } from "../../functions/app.ts";
import { CAT } from "../helpers/photos.ts";
import { openTinySilop } from "../helpers/tiny_silop.ts";

const silop = await openTinySilop();
const POST = { method: "POST", body: CAT };

function open(options: AppOptions = {}) {
  return createApp({ silop, ...options });
}

Deno.test("createApp({ auth }) lets only bearers of a token in, and anyone ask about health", async () => {
  using app = open({ auth: { tokens: ["first", "second"] } });
  for (const path of ["/cam", "/metrics", "/jobs/1", "/openapi.json", "/docs"]) {
    const response = await app.request(path);
    assert.equal(response.status, 401, path);
    assert.equal(response.headers.get("Content-Type"), "application/problem+json");
    assert.match(response.headers.get("WWW-Authenticate")!, /^Bearer/);
  }
  for (const token of ["third", "", "firstsecond"]) {
    const headers = { Authorization: `Bearer ${token}` };
    const { status } = await app.request("/cam", { ...POST, headers });
    assert.ok(status === 401 || status === 400, `${token}: ${status}`);
  }
  for (const token of ["first", "second"]) {
    const headers = { Authorization: `Bearer ${token}` };
    assert.equal((await app.request("/cam", { ...POST, headers })).status, 200);
  }
  for (const path of ["/health/live", "/health/ready"]) {
    assert.equal((await app.request(path)).status, 200);
  }
  for (const tokens of [[], [""], ["open sesame"]]) {
    assert.throws(() => open({ auth: { tokens } }), RangeError);
  }
});

Deno.test("createApp({ auth }) describes the token that it wants, and none without", async () => {
  const read = async (options: AppOptions) => {
    using app = open(options);
    const headers = { Authorization: "Bearer first" };
    return await (await app.request("/openapi.json", { headers })).json();
  };
  const { components, paths } = await read({ auth: { tokens: ["first"] } });
  assert.deepEqual(components.securitySchemes, { bearer: { type: "http", scheme: "bearer" } });
  const { security, responses } = paths["/segment"].post;
  assert.deepEqual(security, [{ bearer: [] }]);
  const { schema } = responses["401"].content["application/problem+json"];
  assert.ok(Object.hasOwn(components.schemas, schema.$ref.split("/").at(-1)));
  assert.ok(Object.hasOwn(responses, "200"));
  assert.equal(paths["/health/live"].get.security, undefined);

  const free = await read({});
  assert.equal(free.components.securitySchemes, undefined);
  const { post } = free.paths["/segment"];
  assert.deepEqual([post.security, post.responses["401"]], [undefined, undefined]);
});

Deno.test("createApp({ auth }) does not guard the other routes of its gateway", async () => {
  using app = open({ auth: { tokens: ["first"] } });
  const gateway = new Hono().route("/vision", app);
  gateway.get("/vision/other", (c) => c.text("mine"));
  assert.equal((await gateway.request("/vision/other")).status, 200);
  assert.equal((await gateway.request("/vision/cam", POST)).status, 401);
});

Deno.test("createApp({ cors }) lets pages of the origins named ask, with a token if need be", async () => {
  using app = open({ cors: { origins: ["https://a.example"] }, auth: { tokens: ["t"] } });
  const headers = {
    "Origin": "https://a.example",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization",
  };
  const preflight = await app.request("/segment", { method: "OPTIONS", headers });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get("Access-Control-Allow-Origin"), "https://a.example");
  assert.match(preflight.headers.get("Access-Control-Allow-Headers")!, /Authorization/i);
  const ask = async (origin: string) =>
    await app.request("/cam", { ...POST, headers: { Origin: origin, Authorization: "Bearer t" } });
  const allowed = await ask("https://a.example");
  assert.equal(allowed.headers.get("Access-Control-Allow-Origin"), "https://a.example");
  assert.match(allowed.headers.get("Access-Control-Expose-Headers")!, /Server-Timing/);
  assert.equal(allowed.headers.get("Cross-Origin-Resource-Policy"), "cross-origin");
  const other = await ask("https://b.example");
  assert.equal(other.headers.get("Access-Control-Allow-Origin"), null);
  using closed = open();
  const plain = await closed.request("/cam", { ...POST, headers: { Origin: "https://a.example" } });
  assert.equal(plain.headers.get("Access-Control-Allow-Origin"), null);
});

Deno.test("createApp({ rateLimit }) bounds the posts of each client", async () => {
  using app = open({ rateLimit: { limit: 2 }, trustProxy: true });
  const ask = async (client: string) =>
    await app.request("/cam", { ...POST, headers: { "X-Forwarded-For": `9.9.9.9, ${client}` } });
  for (let i = 0; i < 2; i++) assert.equal((await ask("1.1.1.1")).status, 200);
  const refused = await ask("1.1.1.1");
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers.get("Retry-After")) >= 1);
  assert.match((await refused.json()).type, /rate-limited$/);
  assert.equal((await ask("2.2.2.2")).status, 200);
  assert.equal((await app.request("/health/live")).status, 200);
});

Deno.test("createApp({ rateLimit }) goes by the connection unless a proxy is trusted", async () => {
  using app = open({ rateLimit: { limit: 1 } });
  const ask = async (client: string, env: object) =>
    await app.request("/cam", { ...POST, headers: { "X-Forwarded-For": client } }, env);
  const deno = { remoteAddr: { hostname: "1.1.1.1" } };
  const node = { incoming: { socket: { remoteAddress: "2.2.2.2" } } };
  assert.equal((await ask("3.3.3.3", deno)).status, 200);
  assert.equal((await ask("4.4.4.4", node)).status, 200);
  assert.equal((await ask("5.5.5.5", deno)).status, 429);
  assert.equal((await ask("6.6.6.6", node)).status, 429);
});

Deno.test("Answers bear security headers and a request id", async () => {
  using app = open();
  const { headers } = await app.request("/cam", { ...POST, headers: { "X-Request-Id": "abc-1" } });
  assert.equal(headers.get("X-Content-Type-Options"), "nosniff");
  assert.equal(headers.get("X-Frame-Options"), "SAMEORIGIN");
  assert.equal(headers.get("Referrer-Policy"), "no-referrer");
  assert.equal(headers.get("Cross-Origin-Resource-Policy"), "same-origin");
  assert.equal(headers.get("Strict-Transport-Security"), null);
  assert.equal(headers.get("X-Request-Id"), "abc-1");
  const other = await app.request("/health/live");
  assert.match(other.headers.get("X-Request-Id")!, /^[\w-]{36}$/);
});
