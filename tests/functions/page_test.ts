import assert from "node:assert/strict";
import { Hono } from "hono";
import { createApp } from "../../functions/app.ts";
import { openTinySilop } from "../helpers/tiny_silop.ts";

const silop = await openTinySilop();
const app = createApp({ silop, logger: { error: assert.fail } });
/** As Chromium asks for a page. */
const BROWSER = { Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };

Deno.test("GET / answers the page to browsers and JSON to others", async () => {
  const page = await app.request("/", { headers: BROWSER });
  assert.equal(page.headers.get("Content-Type"), "text/html; charset=utf-8");
  assert.match(page.headers.get("Vary")!, /Accept/);
  assert.match(await page.text(), /^<!DOCTYPE html>[^]*<base href="\.\/">/);
  for (const Accept of [undefined, "*/*", "application/json", "application/json,text/html;q=0.5"]) {
    const list = await app.request("/", Accept === undefined ? {} : { headers: { Accept } });
    assert.equal(list.headers.get("Content-Type"), "application/json");
    assert.match(list.headers.get("Vary")!, /Accept/);
    assert.equal((await list.json()).name, "silop");
  }
});

Deno.test("GET / answers a page that may load nothing from elsewhere nor run what is in it", async () => {
  const page = await app.request("/", { headers: BROWSER });
  const policy = page.headers.get("Content-Security-Policy")!;
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  const html = await page.text();
  assert.doesNotMatch(html, /(src|href)="(https?:)?\/\//);
  assert.doesNotMatch(html, /\son\w+=|style=|<style|<script>/);
});

Deno.test("GET /page/ answers all files the page names, less than 60 KB of them", async () => {
  const html = await (await app.request("/", { headers: BROWSER })).text();
  const worker = await (await app.request("/page/offline.js")).text();
  const waiting = [...html.matchAll(/(?:src|href)="page\/([^"]+)"/g)].map(([, name]) => name!);
  waiting.push("offline.js");
  const seen = new Map<string, number>();
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (seen.has(name)) continue;
    const response = await app.request(`/page/${name}`);
    assert.equal(response.status, 200, name);
    assert.equal(response.headers.get("X-Content-Type-Options"), "nosniff");
    const text = await response.text();
    seen.set(name, new TextEncoder().encode(text).length);
    for (const [, other] of text.matchAll(/from "\.\/([^"]+)"/g)) waiting.push(other!);
    // What is not kept would be missing without the service.
    if (name !== "offline.js" && name !== "manifest.webmanifest") {
      assert.ok(worker.includes(name), `${name} is kept for later`);
    }
  }
  assert.ok(seen.has("npz.js"));
  const bytes = [...seen.values()].reduce((sum, size) => sum + size, html.length);
  assert.ok(bytes < 60_000, `${bytes} bytes`);
  assert.equal((await app.request("/page/example.jpg")).headers.get("Content-Type"), "image/jpeg");
});

Deno.test("GET /page/info.json tells what can be chosen here", async () => {
  const info = await (await app.request("/page/info.json")).json();
  assert.equal(info.cam.classes.length, 20);
  assert.equal(info.cam.colors, null, "they are VOC's");
  assert.deepEqual(info.fast, { classes: [], colors: null });
  assert.deepEqual(info.modes, ["cam", "pipeline"], "there is no segmentation network");
  assert.equal(info.defaultMode, "cam");
  assert.equal(info.maxBytes, silop.limits.maxBytes);
});

Deno.test("GET /page/ answers 304 to who has the file, 404 and 405 to the rest", async () => {
  for (const [path, headers] of [["/", BROWSER], ["/page/app.js", {}]] as const) {
    const ETag = (await app.request(path, { headers })).headers.get("ETag")!;
    const again = await app.request(path, { headers: { ...headers, "If-None-Match": ETag } });
    assert.equal(again.status, 304);
    const other = await app.request(path, { headers: { ...headers, "If-None-Match": '"x"' } });
    assert.equal(other.status, 200);
  }
  for (const name of ["app.ts", "index.html", "..%2Fapp.ts", "toString"]) {
    assert.equal((await app.request(`/page/${name}`)).status, 404, name);
  }
  assert.equal((await app.request("/page/app.js", { method: "POST" })).status, 405);
});

Deno.test("GET / answers a page whose addresses are right under any path", async () => {
  const gateway = new Hono().route("/a/vision", app);
  const response = await gateway.request("http://host/a/vision", { headers: BROWSER });
  const base = /<base href="([^"]+)">/.exec(await response.text())![1]!;
  const script = new URL("page/app.js", new URL(base, "http://host/a/vision"));
  assert.equal(script.pathname, "/a/vision/page/app.js");
  assert.equal((await gateway.request(script.href)).status, 200);
});

Deno.test("GET / and /page/ need no token where stages do", async () => {
  using closed = createApp({ silop, auth: { tokens: ["secret"] }, logger: { error() {} } });
  assert.equal((await closed.request("/", { headers: BROWSER })).status, 200);
  assert.equal((await closed.request("/page/app.js")).status, 200);
  assert.equal((await closed.request("/segment", { method: "POST", body: "x" })).status, 401);
  assert.equal((await closed.request("/docs", { headers: BROWSER })).status, 401);
});
