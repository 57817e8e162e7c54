import assert from "node:assert/strict";
import { createApp } from "../../functions/app.ts";
import { CAT, HEIC, HTML, makeBomb, TRUNCATED_CAT } from "../helpers/photos.ts";
import { openTinySilop } from "../helpers/tiny_silop.ts";

const logged: unknown[] = [];
const silop = await openTinySilop();
/** One network run of the cat takes some tenths of a second. */
const slow = await openTinySilop({ slowness: 8 });
const app = createApp({ silop, logger: { error: (_, error) => logged.push(error) } });

/** Asserts that a request is refused with a problem document, and returns its detail. */
async function refused(
  path: string,
  init: RequestInit,
  status: number,
  kind: string,
): Promise<string> {
  const response = await app.request(path, { method: "POST", ...init });
  const body = await response.json();
  assert.equal(response.status, status, JSON.stringify(body));
  assert.equal(response.headers.get("Content-Type"), "application/problem+json");
  assert.equal(response.headers.get("Cache-Control"), "no-store");
  assert.equal(body.type, `urn:problem-type:silop:${kind}`);
  assert.equal(body.status, status);
  assert.equal(typeof body.title, "string");
  assert.deepEqual(logged, []);
  return body.detail;
}

function formWith(name: string, value: Blob | string): FormData {
  const form = new FormData();
  if (typeof value === "string") form.set(name, value);
  else form.set(name, value);
  return form;
}

for (const stage of ["/cam", "/segment"]) {
  Deno.test(`POST ${stage} answers 400 when the image is damaged`, async () => {
    const detail = await refused(stage, { body: TRUNCATED_CAT }, 400, "undecodable-image");
    assert.match(detail, /truncated/);
    const form = formWith("image", new Blob([TRUNCATED_CAT]));
    await refused(stage, { body: form }, 400, "undecodable-image");
  });

  Deno.test(`POST ${stage} answers 400 when the body is empty`, async () => {
    for (const body of [undefined, "", new Uint8Array(0)]) {
      assert.match(await refused(stage, { body }, 400, "invalid-request"), /empty/);
    }
  });

  Deno.test(`POST ${stage} answers 415 when the bytes are no image it reads`, async () => {
    const jpeg = { "Content-Type": "image/jpeg" };
    const request = { body: HTML, headers: jpeg };
    assert.match(await refused(stage, request, 415, "unsupported-format"), /HTML/);
    assert.match(await refused(stage, { body: HEIC }, 415, "unsupported-format"), /HEIC/);
    const form = formWith("image", new File([HTML], "photo.jpg", { type: "image/jpeg" }));
    await refused(stage, { body: form }, 415, "unsupported-format");
  });

  Deno.test(`POST ${stage} answers 413 when the body is larger than 20 MiB`, async () => {
    const big = new Uint8Array(21_000_000);
    big.set(CAT);
    assert.match(await refused(stage, { body: big }, 413, "image-too-large"), /20971520/);
    const form = formWith("image", new Blob([big]));
    assert.match(await refused(stage, { body: form }, 413, "image-too-large"), /20971520/);
  });

  Deno.test(`POST ${stage} answers 422 when an option is out of range`, async () => {
    const cases = [
      ["labels=unicorn", /unicorn.*aeroplane/],
      ["scales=9", /0\.1\.\.4/],
      ["scales=0", /0\.1\.\.4/],
      ["scales=1,1,1,1,1,1,1,1,1", /1 to 8/],
      ["scales=4&working-size=2048", /limit is 2000000/],
      ["scales=3,3,3,3", /limit is 4000000/],
      ["working-size=15", /16\.\.2048/],
      ["working-size=100.5", /integer/],
    ] as const;
    for (const [query, expected] of cases) {
      const detail = await refused(`${stage}?${query}`, { body: CAT }, 422, "invalid-option");
      assert.match(detail, expected, query);
    }
  });
}

Deno.test("POST /segment answers 422 when threshold or min-area is no share", async () => {
  for (const query of ["threshold=1.5", "threshold=-0.1", "min-area=2"]) {
    await refused(`/segment?${query}`, { body: CAT }, 422, "invalid-option");
  }
});

Deno.test("POST answers 413 within 50 ms when a small PNG claims 16000×16000 px", async () => {
  const body = makeBomb();
  assert.ok(body.length < 40_000);
  await refused("/cam", { body }, 413, "image-too-large");
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    const detail = await refused("/cam", { body }, 413, "image-too-large");
    times.push(performance.now() - start);
    assert.match(detail, /16000×16000 px, limit is 8192/);
  }
  assert.ok(Math.min(...times) < 50, `took ${times} ms`);
});

Deno.test("POST refuses a too large image while all workers are busy", async () => {
  using app = createApp({ silop: slow });
  const bomb = makeBomb();
  const client = new AbortController();
  const busy = [1, 2, 3].map(async () => {
    const path = "/cam?scales=1,1,1,1,1,1,1,1&labels=cat";
    return await app.request(path, { method: "POST", body: CAT, signal: client.signal });
  });
  const refusal = await Promise.race([
    app.request("/cam", { method: "POST", body: bomb }),
    ...busy,
  ]);
  assert.equal(refusal.status, 413);
  assert.equal((await refusal.json()).type, "urn:problem-type:silop:image-too-large");
  client.abort();
  for (const answer of busy) assert.equal((await answer).status, 499);
});

Deno.test("POST stops reading a body that turns out to be too large", async () => {
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent++;
      controller.enqueue(new Uint8Array(1024 * 1024));
    },
  });
  await refused("/cam", { body }, 413, "image-too-large");
  assert.ok(sent < 25, `${sent} MiB were read`);
});

Deno.test("POST answers 413 by Content-Length, without reading", async () => {
  const body = new ReadableStream<Uint8Array>({
    pull() {
      throw new Error("was read");
    },
  }, { highWaterMark: 0 });
  await refused(
    "/cam",
    { body, headers: { "Content-Length": "21000000" } },
    413,
    "image-too-large",
  );
});

Deno.test("POST answers 400 when the body breaks off", async () => {
  let chunks = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (chunks++ === 0) controller.enqueue(CAT.slice(0, 1000));
      else controller.error(new Error("connection reset"));
    },
  });
  assert.match(await refused("/cam", { body }, 400, "invalid-request"), /breaks off/);
});

Deno.test("POST answers 400 when a form is not as it should be", async () => {
  const bad = async (body: BodyInit, headers?: HeadersInit) =>
    await refused("/cam", { body, headers }, 400, "invalid-request");
  assert.match(await bad(formWith("picture", new Blob([CAT]))), /no field "image".*"picture"/);
  assert.match(await bad(formWith("image", "hello")), /text/);
  assert.match(await bad(formWith("image", new Blob([]))), /empty file/);
  const two = formWith("image", new Blob([CAT]));
  two.append("image", new Blob([CAT]));
  assert.match(await bad(two), /2 fields/);
  assert.match(await bad(CAT, { "Content-Type": "multipart/form-data; boundary=x" }), /broken/);
  assert.match(await bad(CAT, { "Content-Type": "multipart/form-data" }), /broken/);
});

Deno.test("POST answers 400 when the query cannot be understood", async () => {
  const cases = [
    ["scale=1", /Unknown query parameter "scale"; there are labels, scales/],
    ["__proto__=1", /Unknown query parameter "__proto__"/],
    ["scales=big", /"scales": "big" is not a number/],
    ["scales=", /"scales": no numbers/],
    ["labels=cat,,dog", /"labels": .*empty item/],
    ["mirror=maybe", /"mirror"/],
    ["format=bmp", /"format".*overlay/],
    ["threshold=NaN", /"threshold"/],
    ["working-size=0x200", /"working-size"/],
    ["threshold=0.1&threshold=0.2", /"threshold" is given 2 times/],
  ] as const;
  for (const [query, expected] of cases) {
    const detail = await refused(`/segment?${query}`, { body: CAT }, 400, "invalid-request");
    assert.match(detail, expected, query);
  }
});

Deno.test("POST answers 406 when Accept names nothing it can send", async () => {
  for (const accept of ["text/html", "image/webp, image/avif", "application/json;q=0"]) {
    const request = { body: CAT, headers: { Accept: accept } };
    assert.match(await refused("/cam", request, 406, "not-acceptable"), /application\/x-npz/);
  }
});

Deno.test("other methods get 405 with Allow", async () => {
  for (const method of ["GET", "PUT", "DELETE", "OPTIONS"]) {
    const response = await app.request("/cam", { method });
    assert.equal(response.status, 405);
    assert.equal(response.headers.get("Allow"), "POST");
    assert.equal((await response.json()).type, "urn:problem-type:silop:method-not-allowed");
  }
  const response = await app.request("/health/live", { method: "POST" });
  assert.equal(response.status, 405);
  assert.equal(response.headers.get("Allow"), "GET, HEAD");
  assert.equal((await app.request("/health/live", { method: "HEAD" })).status, 200);
});

Deno.test("unknown paths get 404", async () => {
  await refused("/nothing", {}, 404, "not-found");
  await refused("/cam/", { body: CAT }, 404, "not-found");
});

Deno.test("POST answers 422 to numbers that are never served, even where they are not looked at", async () => {
  const queries = [
    "iterations=0",
    "iterations=1.5",
    "iterations=65",
    "min-labels=0",
    "min-labels=33",
  ];
  for (const query of [...queries, "seed=-1", "seed=4294967296"]) {
    const [name] = query.split("=");
    const detail = await refused(`/cam?${query}`, { body: CAT }, 422, "invalid-option");
    assert.match(detail, new RegExp(`${name} must be a whole number`));
  }
});
