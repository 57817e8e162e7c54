import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { decodeMaskPng } from "../../../core/image/mod.ts";
import { VOC_CLASSES } from "../../../core/voc/classes.ts";
import {
  type LabelStudioOptions,
  labelStudioRoutes,
} from "../../../functions/adapters/label_studio.ts";
import { segmentRoutes } from "../../../functions/segment.ts";
import { encodeBrush } from "../../../kernels/brush_runs.ts";
import { fillRings } from "../../helpers/fill_rings.ts";
import { CAT, CAT_SIZE, HTML } from "../../helpers/photos.ts";
import { TINY_MODEL_SEES } from "../../helpers/tiny_model.ts";
import { openTinySilop } from "../../helpers/tiny_silop.ts";

const { width, height } = CAT_SIZE;
const FIXTURES = new URL("../../fixtures/label_studio/", import.meta.url);
const CONFIG = readFileSync(
  new URL("../../../functions/adapters/label_studio/labeling_config.xml", import.meta.url),
  "utf8",
);
const DATA_URI = `data:image/jpeg;base64,${Buffer.from(CAT).toString("base64")}`;

interface Recorded {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Record<string, unknown>;
}

/** A request as Label Studio 1.23.2 sent it. */
function recorded(name: string): Recorded {
  return JSON.parse(readFileSync(new URL(`${name}.json`, FIXTURES), "utf8"));
}

const silop = await openTinySilop();
const backend = (options: LabelStudioOptions = {}) =>
  labelStudioRoutes(silop, {
    logger: { error: (message, error) => assert.fail(`${message}: ${error}`) },
    ...options,
  });
const post = async (path: string, body: unknown, app = backend()) =>
  await app.request(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
  });
const predict = async (images: readonly unknown[], label_config = CONFIG, app = backend()) => {
  const tasks = images.map((image, i) => ({ id: i + 1, data: { image } }));
  return await post("/predict", { tasks, label_config }, app);
};

async function maskOf(): Promise<Uint8Array> {
  const init = { method: "POST", body: CAT };
  const response = await segmentRoutes(silop).request("/segment?format=png", init);
  return decodeMaskPng(await response.bytes()).data;
}

/** A server of photos that changes the token "a.b.c" for another. */
function serveImages() {
  const asked: { path: string; authorization: string | null }[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      asked.push({ path: pathname, authorization: request.headers.get("Authorization") });
      if (pathname === "/api/token/refresh") {
        const { refresh } = await request.json();
        return refresh === "a.b.c"
          ? Response.json({ access: "short" })
          : new Response(null, { status: 401 });
      }
      if (pathname.endsWith(".jpg")) return new Response(CAT);
      if (pathname === "/moved") return Response.redirect("http://127.0.0.1:1/secret", 302);
      return new Response("no", { status: 404 });
    },
  );
  return { server, asked, url: `http://127.0.0.1:${server.addr.port}` };
}

Deno.test("POST /predict answers brush strokes that are the mask of /segment", async () => {
  const response = await predict([DATA_URI]);
  assert.equal(response.status, 200);
  const { results, model_version } = await response.json();
  assert.equal(model_version, "tiny");
  assert.equal(results.length, 1);
  const [{ result, score }] = results;
  const mask = await maskOf();
  assert.deepEqual(
    result.map((one: { id: string }) => one.id),
    TINY_MODEL_SEES.map((name) => `${name}-1`),
  );
  for (const [i, name] of TINY_MODEL_SEES.entries()) {
    const { value, ...rest } = result[i];
    assert.deepEqual({ ...rest, score: 0 }, {
      id: `${name}-1`,
      from_name: "mask",
      to_name: "image",
      type: "brushlabels",
      original_width: width,
      original_height: height,
      image_rotation: 0,
      score: 0,
    });
    assert.deepEqual(value.brushlabels, [name]);
    assert.equal(value.format, "rle");
    const index = VOC_CLASSES.indexOf(name) + 1;
    assert.deepEqual(value.rle, [...encodeBrush(mask, width, height, index)]);
  }
  const scores = result.map((one: { score: number }) => one.score);
  assert.ok(Math.abs(score - (scores[0] + scores[1]) / 2) < 1e-9);
});

Deno.test("POST /predict answers polygons and rectangles in percent, for labels there are", async () => {
  const config = (tag: string) =>
    `<View><Image name="i" value="$image"/><${tag} name="c" toName="i">
       <Label value="Katze" predicted_values="cat"/></${tag}></View>`;
  const polygons = await (await predict([DATA_URI], config("PolygonLabels"))).json();
  const rectangles = await (await predict([DATA_URI], config("RectangleLabels"))).json();
  const shapes = polygons.results[0].result;
  const boxes = rectangles.results[0].result;
  assert.ok(shapes.length > 0);
  assert.equal(shapes.length, boxes.length);
  const mask = await maskOf();
  const filled = fillRings(
    shapes.map(({ value }: { value: { points: number[][] } }) =>
      value.points.flatMap(([x, y]) => [x! * width / 100, y! * height / 100])
    ),
    width,
    height,
  );
  const cat = VOC_CLASSES.indexOf("cat") + 1;
  const wrong = filled.reduce((sum, one, p) => sum + Number(one !== Number(mask[p] === cat)), 0);
  assert.ok(wrong / filled.length < 0.02, `${wrong}`);
  for (const [i, { type, value }] of boxes.entries()) {
    assert.equal(type, "rectanglelabels");
    assert.equal(shapes[i].type, "polygonlabels");
    assert.equal(shapes[i].value.closed, true);
    assert.deepEqual(value.rectanglelabels, ["Katze"]);
    assert.deepEqual(shapes[i].value.polygonlabels, ["Katze"]);
    const xs = shapes[i].value.points.map(([x]: number[]) => x);
    assert.equal(value.x, Math.min(...xs));
    assert.ok(Math.abs(value.x + value.width - Math.max(...xs)) < 1e-9);
    assert.ok(value.x >= 0 && value.x + value.width <= 100 + 1e-9);
  }
});

Deno.test("POST /predict answers the request that Label Studio sends", async () => {
  const { server, asked, url } = serveImages();
  try {
    const { path, headers, body } = recorded("predict");
    const response = await backend({ server: { url, token: "secret" } }).request(path, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    const { results } = await response.json();
    assert.equal(response.status, 200, JSON.stringify(results));
    assert.equal(results.length, (body.tasks as unknown[]).length);
    assert.ok(results.every((each: { result: unknown[] }) => each.result.length > 0));
    const [first] = body.tasks as { data: { image: string } }[];
    assert.deepEqual(asked[0], { path: first!.data.image, authorization: "Token secret" });
  } finally {
    await server.shutdown();
  }
});

Deno.test("POST /setup, POST /webhook and GET /health answer what Label Studio sends", async () => {
  const setup = recorded("setup");
  const response = await backend().request(setup.path, {
    method: setup.method,
    headers: setup.headers,
    body: JSON.stringify(setup.body),
  });
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { model_version: "tiny" });
  const webhook = recorded("webhook");
  const heard = await backend().request(webhook.path, {
    method: webhook.method,
    headers: webhook.headers,
    body: JSON.stringify(webhook.body),
  });
  assert.deepEqual(await heard.json(), { status: "ignored" });
  const { path, method, headers } = recorded("health");
  const health = await backend().request(path, { method, headers });
  assert.deepEqual(await health.json(), { status: "UP", model_class: "silop" });
});

Deno.test("POST /setup refuses configurations that no prediction can be made for", async () => {
  const response = await post("/setup", {
    project: "1.1",
    schema: "<View><Text name='t'/></View>",
  });
  assert.equal(response.status, 422);
  assert.match((await response.json()).detail, /BrushLabels/);
});

Deno.test("POST /predict fetches nothing from servers it was not told of", async () => {
  const { server, asked, url } = serveImages();
  try {
    const told = backend({ server: { url: "http://127.0.0.1:1" } });
    for (const app of [backend(), told]) {
      for (const image of [`${url}/a.jpg`, "file:///etc/passwd", "//example.com/a.jpg", 5, null]) {
        const response = await predict([image], CONFIG, app);
        assert.equal(response.status, 422, `${image}`);
        assert.match((await response.json()).detail, /^it/);
      }
    }
    assert.deepEqual(asked, []);

    const here = backend({ server: { url } });
    for (
      const [path, reason] of [["/moved", /cannot be fetched/], ["/b.txt", /status 404/]] as const
    ) {
      const response = await predict([path], CONFIG, here);
      assert.equal(response.status, 422);
      assert.match((await response.json()).detail, reason);
    }
    assert.equal((await predict(["/a.jpg"], CONFIG, here)).status, 200);
    assert.deepEqual(asked.at(-1), { path: "/a.jpg", authorization: null });
  } finally {
    await server.shutdown();
  }
});

Deno.test("POST /predict changes a personal access token for one that lasts", async () => {
  const { server, asked, url } = serveImages();
  try {
    const app = backend({ server: { url, token: "a.b.c" } });
    assert.equal((await predict(["/a.jpg"], CONFIG, app)).status, 200);
    assert.deepEqual(asked.at(-1), { path: "/a.jpg", authorization: "Bearer short" });
    const wrong = backend({ server: { url, token: "x.y.z" } });
    const response = await predict(["/a.jpg"], CONFIG, wrong);
    assert.equal(response.status, 422);
    assert.match((await response.json()).detail, /token is refused/);
  } finally {
    await server.shutdown();
  }
});

Deno.test("POST /predict tells which of several tasks failed, and predicts the others", async () => {
  const html = `data:text/html;base64,${Buffer.from(HTML).toString("base64")}`;
  const response = await predict([html, DATA_URI, "/nowhere.jpg"]);
  assert.equal(response.status, 200);
  const { results } = await response.json();
  assert.deepEqual(
    results.map((each: { result: unknown[] }) => each.result.length),
    [0, TINY_MODEL_SEES.length, 0],
  );
  assert.match(results[0].error, /HTML/);
  assert.equal(results[1].error, undefined);
  assert.match(results[2].error, /which server/);
  assert.equal((await predict([html])).status, 415);
  assert.deepEqual((await (await predict([])).json()).results, []);
});

Deno.test("POST /predict, /setup and /webhook refuse what they do not understand", async () => {
  for (const path of ["/predict", "/setup", "/webhook"]) {
    const response = await post(path, { other: 1 });
    assert.equal(response.status, 400, path);
    assert.equal((await backend().request(path)).status, 405);
  }
  const many = Array.from({ length: 65 }, () => "/a.jpg");
  assert.equal((await predict(many)).status, 400);
  const event = { action: "ANNOTATION_CREATED", project: { id: 1 } };
  assert.deepEqual(await (await post("/webhook", event)).json(), { status: "ignored" });
});

Deno.test("labelStudioRoutes() lie under a path of their own when given one", async () => {
  const app = backend({ path: "/label-studio" });
  assert.equal((await app.request("/label-studio/health")).status, 200);
  assert.equal((await app.request("/health")).status, 404);
});
