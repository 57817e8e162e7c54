import assert from "node:assert/strict";
import { createApp } from "../../functions/app.ts";
import { CAT } from "../helpers/photos.ts";
import { openTinySilop } from "../helpers/tiny_silop.ts";

const silop = await openTinySilop();
const app = createApp({ silop });
Deno.test.afterAll(() => app.close());
const post = async (path: string, headers: Record<string, string> = {}, body = CAT) =>
  await app.request(path, { method: "POST", body, headers });
const tagOf = async (path: string, headers?: Record<string, string>) =>
  (await post(path, headers)).headers.get("ETag")!;

Deno.test("POST names answers by image, options and form, however they are written", async () => {
  const tag = await tagOf("/segment?labels=cat,dog&scales=1");
  assert.match(tag, /^W\/"[\w-]{20}"$/);
  for (
    const same of [
      "/segment?scales=1&labels=cat,dog",
      "/segment?labels=cat&labels=dog&scales=1.0",
      "/segment?labels=cat,dog&scales=1&format=json",
    ]
  ) assert.equal(await tagOf(same), tag, same);
  for (
    const other of [
      "/segment?labels=cat&scales=1",
      "/segment?labels=dog,cat&scales=1",
      "/segment?labels=cat,dog&scales=1&format=png",
      "/cam?labels=cat,dog&scales=1",
    ]
  ) assert.notEqual(await tagOf(other), tag, other);
  const path = "/segment?labels=cat,dog&scales=1";
  assert.notEqual(await tagOf(path, { Accept: "image/png" }), tag);
  const longer = new Uint8Array([...CAT, 0]);
  assert.notEqual((await post(path, {}, longer)).headers.get("ETag"), tag);
});

Deno.test("POST answers 412 without work when If-None-Match names the answer", async () => {
  const tag = await tagOf("/cam?format=png");
  for (const known of [tag, `"other", ${tag}`, tag.slice(2)]) {
    const response = await post("/cam?format=png", { "If-None-Match": known });
    assert.equal(response.status, 412);
    assert.equal(response.headers.get("ETag"), tag);
    assert.equal(
      (await response.json()).type,
      "urn:problem-type:silop:precondition-failed",
    );
  }
  for (const unknown of ["*", '"other"', tag.slice(0, -3)]) {
    const response = await post("/cam?format=png", { "If-None-Match": unknown });
    assert.equal(response.status, 200, unknown);
    await response.body!.cancel();
  }
});

Deno.test("GET answers 304 when If-None-Match names what is there", async () => {
  for (const path of ["/openapi.json", "/docs", "/docs/swagger-ui.css", "/docs/start.js"]) {
    const first = await app.request(path);
    assert.equal(first.status, 200);
    await first.body!.cancel();
    const known = { headers: { "If-None-Match": first.headers.get("ETag")! } };
    const second = await app.request(path, known);
    assert.equal(second.status, 304, path);
    assert.equal((await second.bytes()).length, 0);
    assert.equal((await app.request(path, { headers: { "If-None-Match": '"x"' } })).status, 200);
  }
});

Deno.test("HEAD tells of the page's files what GET does, before and after they were read", async () => {
  const path = "/docs/swagger-ui-bundle.js";
  const headers = ["ETag", "Content-Length", "Content-Type", "Cache-Control"];
  const ask = async (method: string) => {
    const response = await app.request(path, { method });
    assert.equal(response.status, 200);
    const { length } = await response.bytes();
    return { length, told: headers.map((name) => response.headers.get(name)) };
  };
  const [first, whole, again] = [await ask("HEAD"), await ask("GET"), await ask("HEAD")];
  assert.deepEqual([first.length, again.length], [0, 0]);
  assert.equal(whole.told[1], String(whole.length));
  assert.deepEqual(first.told, whole.told);
  assert.deepEqual(again.told, whole.told);
});

Deno.test("Answers are compressed where it pays, and for who takes it", async () => {
  const gzip = { "Accept-Encoding": "gzip" };
  for (const path of ["/segment?format=geojson&tolerance=0", "/segment?format=coco&rle=counts"]) {
    const plain = await (await post(path)).bytes();
    const packed = await post(path, gzip);
    assert.equal(packed.headers.get("Content-Encoding"), "gzip", path);
    assert.match(packed.headers.get("Vary")!, /Accept-Encoding/);
    const bytes = await packed.bytes();
    assert.ok(bytes.length < plain.length / 2);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    assert.deepEqual(await new Response(stream).bytes(), plain);
  }
  for (const path of ["/segment?format=png", "/segment?format=npz", "/segment?format=scores"]) {
    const response = await post(path, gzip);
    assert.equal(response.headers.get("Content-Encoding"), null, path);
    await response.body!.cancel();
  }
  const small = await post("/cam?format=coco", gzip);
  assert.equal(small.status, 400);
  const document = await app.request("/openapi.json", { headers: gzip });
  assert.equal(document.headers.get("Content-Encoding"), "gzip");
  await document.body!.cancel();
});
