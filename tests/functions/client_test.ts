import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import { encodeRgbPng } from "../../core/image/mod.ts";
import { createApp } from "../../functions/app.ts";
import { STAGE_ANSWERS } from "../../functions/contract/answers.ts";
import { clientTypes } from "../../scripts/client_types.ts";
import { CAT, CAT_SIZE, TRUNCATED_CAT } from "../helpers/photos.ts";
import { TINY_MODEL_SEES } from "../helpers/tiny_model.ts";
import { openTinySilop } from "../helpers/tiny_silop.ts";
import type { paths } from "./client/api.ts";

const silop = await openTinySilop();
const app = createApp({ silop });
Deno.test.afterAll(() => app.close());
const client = createClient<paths>({
  baseUrl: "http://silop.test",
  fetch: (request) => Promise.resolve(app.fetch(request)),
});
/** What the document calls binary is a string in the types. */
const body = CAT as unknown as string;
const asIs = (bytes: unknown) => bytes as BodyInit;
const image = { body, bodySerializer: asIs, headers: { "Content-Type": "image/jpeg" } };

Deno.test("The client's types are those of this version's OpenAPI document", async () => {
  const document = await (await app.request("/openapi.json")).json();
  const file = new URL("client/api.ts", import.meta.url);
  const task = "deno task openapi:types makes them anew";
  assert.equal(readFileSync(file, "utf8"), await clientTypes(document), task);
});

Deno.test("A generated client gets typed answers", async () => {
  const { data, response } = await client.POST("/segment", {
    ...image,
    params: { query: { labels: ["cat", "person"], scales: [0.5, 1], mirror: false } },
  });
  assert.equal(response.status, 200);
  assert.ok(typeof data === "object" && "stage" in data);
  assert.equal(data.width, CAT_SIZE.width);
  assert.deepEqual(data.scales, [0.5, 1]);
  const names: string[] = data.classes.map(({ name }) => name);
  assert.deepEqual(names, TINY_MODEL_SEES);

  const coco = await client.POST("/segment", { ...image, params: { query: { format: "coco" } } });
  assert.ok(typeof coco.data === "object" && "annotations" in coco.data);
  assert.equal(coco.data.annotations[0]!.iscrowd, 0);

  const heat = await client.POST("/cam", {
    ...image,
    params: { query: { format: "png", colormap: "viridis" } },
    parseAs: "arrayBuffer",
  });
  assert.ok((heat.data as unknown as ArrayBuffer).byteLength > 1000);
  const ready = await client.GET("/health/ready");
  assert.equal(ready.data?.status, "ready");
});

Deno.test("A generated client gets typed problems", async () => {
  const { data, error, response } = await client.POST("/segment", {
    ...image,
    body: TRUNCATED_CAT as unknown as string,
  });
  assert.equal(response.status, 400);
  assert.equal(data, undefined);
  assert.equal(error?.type, "urn:problem-type:silop:undecodable-image");
});

Deno.test("Answers in JSON hold what the document says, and nothing else", async () => {
  const data = Uint8Array.from({ length: 32 * 24 * 3 }, (_, i) => i % 96 < 48 ? 200 : i % 3 * 40);
  const body = encodeRgbPng({ width: 32, height: 24, data }) as Uint8Array<ArrayBuffer>;
  for (const stage of ["cam", "segment", "perimeter", "refine"] as const) {
    const answer = await (await app.request(`/${stage}?walk=true`, { method: "POST", body }))
      .json();
    STAGE_ANSWERS[stage].strict().parse(answer);
  }
});

Deno.test("Every route that takes or gives something is described, under the path it is mounted at", async () => {
  const based = createApp({ silop, basePath: "/api" });
  const { paths, servers, openapi } = await (await based.request("/api/openapi.json")).json();
  based.close();
  assert.equal(openapi, "3.1.0");
  assert.deepEqual(servers, [{ url: "/api" }]);
  const described = new Set(
    Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item as object).map((method) => `${method.toUpperCase()} ${path}`)
    ),
  );
  // Parts of pages, nuclio's API, and refusals of other methods.
  const beside = /^\/($|page|docs\/|cvat\/api|.*\.(js|css|svg|ico|webmanifest)$)/;
  for (const { method, path } of app.routes) {
    const route = `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`;
    if (method !== "ALL" && !beside.test(path)) assert.ok(described.has(route), route);
  }
  for (const route of described) assert.match(route, /^(GET|POST|DELETE) \//);
});
