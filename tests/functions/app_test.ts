import assert from "node:assert/strict";
import { Hono } from "hono";
import { decodeImage, decodeMaskPng } from "../../core/image/mod.ts";
import { decodeNpz } from "../../core/npz.ts";
import { VOC_CLASSES } from "../../core/voc/classes.ts";
import { createApp } from "../../functions/app.ts";
import { camRoutes } from "../../functions/cam.ts";
import { healthRoutes } from "../../functions/health.ts";
import { segmentRoutes } from "../../functions/segment.ts";
import { CAT, CAT_SIZE } from "../helpers/photos.ts";
import { makeModelFolder, TINY_MODEL_SEES } from "../helpers/tiny_model.ts";
import { openTinySilop } from "../helpers/tiny_silop.ts";

const silop = await openTinySilop();
const app = createApp({ silop });
const post = async (path: string, init: RequestInit = {}) =>
  await app.request(path, { method: "POST", body: CAT, ...init });

Deno.test("POST /segment answers JSON about the mask when nothing else is asked for", async () => {
  const response = await post("/segment");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("Content-Type"), "application/json");
  assert.equal(response.headers.get("Cache-Control"), "no-store");
  assert.equal(response.headers.get("X-Content-Type-Options"), "nosniff");
  assert.match(
    response.headers.get("Server-Timing")!,
    /^decode;dur=[\d.]+, compute;dur=[\d.]+, encode;dur=[\d.]+, total;dur=[\d.]+$/,
  );
  const body = await response.json();
  assert.equal(body.stage, "segment");
  assert.equal(body.width, CAT_SIZE.width);
  assert.equal(body.height, CAT_SIZE.height);
  assert.deepEqual(body.classes.map(({ name }: { name: string }) => name), TINY_MODEL_SEES);
  assert.deepEqual(Object.keys(body.scores), VOC_CLASSES);
  const pixels = body.classes.reduce((sum: number, c: { pixels: number }) => sum + c.pixels, 0);
  assert.ok(pixels > 0 && pixels <= body.width * body.height);
  const { decode, compute, encode, total } = body.timings;
  assert.ok(decode > 0 && compute > 0 && encode >= 0 && total >= decode + compute);
});

Deno.test("POST /segment?format=png answers an indexed mask of the photo's size", async () => {
  const response = await post("/segment?format=png");
  assert.equal(response.headers.get("Content-Type"), "image/png");
  assert.equal(response.headers.get("Content-Disposition"), 'inline; filename="segment.png"');
  const mask = decodeMaskPng(await response.bytes());
  assert.equal(mask.width, CAT_SIZE.width);
  assert.equal(mask.height, CAT_SIZE.height);
  const allowed = [0, ...TINY_MODEL_SEES.map((name) => VOC_CLASSES.indexOf(name) + 1)];
  assert.deepEqual(new Set(mask.data).difference(new Set(allowed)), new Set());
  assert.ok(new Set(mask.data).size > 1);
});

Deno.test("POST /segment and /cam answer an overlay that is the photo, tinted", async () => {
  const photo = await decodeImage(CAT);
  for (const stage of ["segment", "cam"]) {
    const response = await post(`/${stage}?format=overlay`);
    assert.equal(response.headers.get("Content-Type"), "image/png");
    assert.equal(
      response.headers.get("Content-Disposition"),
      `inline; filename="${stage}.overlay.png"`,
    );
    const overlay = await decodeImage(await response.bytes());
    assert.equal(overlay.width, photo.width);
    assert.equal(overlay.height, photo.height);
    assert.notDeepEqual(overlay.data, photo.data);
  }
});

Deno.test("POST /segment?format=npz answers keys, mask and scores", async () => {
  const response = await post("/segment?format=npz");
  assert.equal(response.headers.get("Content-Type"), "application/x-npz");
  const { keys, mask, scores } = decodeNpz(await response.bytes());
  assert.deepEqual(keys!.data, BigInt64Array.of(0n, 8n, 15n));
  assert.deepEqual(mask!.shape, [CAT_SIZE.height, CAT_SIZE.width]);
  assert.deepEqual(scores!.shape, [20]);
});

Deno.test("POST /cam?format=npz answers keys, cam and hr_cam of the reference's shapes", async () => {
  const { keys, cam, hr_cam } = decodeNpz(await (await post("/cam?format=npz")).bytes());
  assert.deepEqual(keys!.data, BigInt64Array.of(0n, 8n, 15n));
  assert.deepEqual(cam!.shape, [2, Math.ceil(300 / 4), Math.ceil(451 / 4)]);
  assert.deepEqual(hr_cam!.shape, [2, 300, 451]);
  const strongest = (hr_cam!.data as Float32Array).reduce((a, b) => Math.max(a, b));
  assert.ok(Math.abs(strongest - 1) < 1e-3);
});

Deno.test("POST /cam answers a grey heat map as PNG", async () => {
  const heat = decodeMaskPng(await (await post("/cam?format=png")).bytes());
  assert.equal(heat.width, CAT_SIZE.width);
  assert.equal(heat.height, CAT_SIZE.height);
  assert.ok(Math.max(...new Set(heat.data)) > 250);
});

Deno.test("POST /cam names the classes without areas", async () => {
  const { stage, classes } = await (await post("/cam")).json();
  assert.equal(stage, "cam");
  assert.deepEqual(Object.keys(classes[0]), ["name", "index", "color", "score"]);
});

Deno.test("POST takes the image from the form field image, whatever else the form holds", async () => {
  const form = new FormData();
  form.set("comment", "a cat");
  form.set("image", new File([CAT], "photo.txt", { type: "text/plain" }));
  const response = await post("/segment?format=png", { body: form });
  assert.equal(response.status, 200);
  assert.deepEqual(await response.bytes(), await (await post("/segment?format=png")).bytes());
});

Deno.test("POST ignores the Content-Type of a bare image", async () => {
  for (const type of ["text/html", "application/x-www-form-urlencoded", "image/webp"]) {
    assert.equal((await post("/cam", { headers: { "Content-Type": type } })).status, 200);
  }
});

Deno.test("POST obeys labels, scales, mirror and working-size", async () => {
  const query =
    "labels=dog,cat&scales=0.5,1&mirror=false&working-size=128&threshold=0.2&min-area=0";
  const { keys, cam, hr_cam } = decodeNpz(await (await post(`/cam?format=npz&${query}`)).bytes());
  assert.deepEqual(keys!.data, BigInt64Array.of(0n, 8n, 12n));
  assert.deepEqual(hr_cam!.shape, [2, 85, 128]);
  assert.deepEqual(cam!.shape, [2, 22, 32]);
  const json = await (await post(`/segment?${query}`)).json();
  assert.deepEqual(json.scales, [0.5, 1]);
  assert.equal(json.workingWidth, 128);
  assert.equal(json.workingHeight, 85);
  assert.equal(json.width, CAT_SIZE.width);
});

Deno.test("POST /segment obeys threshold", async () => {
  const area = async (threshold: number) => {
    const { classes } = await (await post(`/segment?labels=cat&threshold=${threshold}`)).json();
    return classes[0].area;
  };
  assert.ok(await area(0.05) > await area(0.9));
});

Deno.test("POST answers an empty result when labels is empty", async () => {
  const json = await (await post("/segment?labels=")).json();
  assert.deepEqual(json.classes, []);
  const mask = decodeMaskPng(await (await post("/segment?labels=&format=png")).bytes());
  assert.deepEqual(new Set(mask.data), new Set([0]));
  const { keys, cam } = decodeNpz(await (await post("/cam?labels=&format=npz")).bytes());
  assert.deepEqual(keys!.data, BigInt64Array.of(0n));
  assert.deepEqual(cam!.shape, [0, 75, 113]);
});

Deno.test("POST gives the same bytes for the same request", async () => {
  const [first, second] = await Promise.all([
    post("/cam?format=npz").then((response) => response.bytes()),
    post("/cam?format=npz").then((response) => response.bytes()),
  ]);
  assert.deepEqual(first, second);
});

Deno.test("GET /health/live and /health/ready tell that all is well", async () => {
  const live = await app.request("/health/live");
  assert.equal(live.status, 200);
  assert.deepEqual(await live.json(), { status: "live" });
  const ready = await app.request("/health/ready");
  assert.equal(ready.status, 200);
  assert.deepEqual(await ready.json(), {
    status: "ready",
    device: "cpu",
    model: "tiny.onnx",
    models: { cam: "cam-efficientnet-lite0" },
    workers: 1,
    threads: 1,
  });
});

Deno.test("GET /health/ready answers 503 until the models are loaded", async () => {
  await using folder = await makeModelFolder();
  using starting = createApp({ silop: { models: folder.url, device: "cpu", workers: 1 } });
  const before = await starting.request("/health/ready");
  assert.equal(before.status, 503);
  assert.match((await before.json()).detail, /being loaded/);
  assert.equal((await starting.request("/health/live")).status, 200);
  await starting.silop.ready;
  assert.equal((await starting.request("/health/ready")).status, 200);
});

Deno.test("GET /health/ready answers 503 once the last worker is lost, and the logger is told", async () => {
  await using folder = await makeModelFolder();
  const { Worker } = globalThis;
  const workers: Worker[] = [];
  globalThis.Worker = class extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      workers.push(this);
    }
  };
  const logged: string[] = [];
  try {
    using dying = createApp({
      silop: { models: folder.url, device: "cpu", workers: 1, threads: 1 },
      logger: { error: (message) => logged.push(message) },
    });
    await dying.silop.ready;
    assert.equal((await dying.request("/health/ready")).status, 200);
    await folder[Symbol.asyncDispose]();
    // No pool sends this; the worker fails outside of what it catches.
    workers[0]!.postMessage(null);
    while (dying.silop.state.ended === null) await new Promise((done) => setTimeout(done, 10));
    const ready = await dying.request("/health/ready");
    assert.equal(ready.status, 503);
    assert.match((await ready.json()).detail, /No worker is left/);
    assert.equal((await dying.request("/health/live")).status, 200);
    assert.deepEqual(logged, ["A worker crashed and is being replaced", "No worker is left"]);
  } finally {
    globalThis.Worker = Worker;
  }
});

Deno.test("GET / lists the endpoints under the path they are at", async () => {
  const paths = async (hono: Hono, at: string) => {
    const { endpoints } = await (await hono.request(at)).json();
    return endpoints.map(({ path }: { path: string }) => path);
  };
  const known = [
    "/segment",
    "/cam",
    "/perimeter",
    "/refine",
    "/cvat",
    "/label-studio/predict",
    "/jobs/ID",
    "/metrics",
    "/health/live",
    "/health/ready",
    "/openapi.json",
    "/docs",
  ];
  assert.deepEqual(await paths(app, "/"), known);
  const under = known.map((path) => "/vision" + path);
  assert.deepEqual(await paths(createApp({ silop, basePath: "/vision" }), "/vision"), under);
  assert.deepEqual(await paths(new Hono().route("/vision", app), "/vision"), under);
});

Deno.test("createApp() works under a base path", async () => {
  const based = createApp({ silop, basePath: "/api/v1" });
  const init = { method: "POST", body: CAT };
  assert.equal((await based.request("/api/v1/cam", init)).status, 200);
  const missing = await based.request("/cam", init);
  assert.equal(missing.status, 404);
  assert.equal(missing.headers.get("Content-Type"), "application/problem+json");
});

Deno.test("createApp() can be mounted in another app, which keeps its own ways", async () => {
  const gateway = new Hono();
  gateway.use(async (c, next) => {
    await next();
    c.header("X-Gateway", "yes");
  });
  gateway.route("/vision", app);
  gateway.get("/vision/other", (c) => c.text("mine"));
  gateway.notFound((c) => c.text("nothing here", 404));

  const found = await gateway.request("/vision/segment", { method: "POST", body: CAT });
  assert.equal(found.status, 200);
  assert.equal(found.headers.get("X-Gateway"), "yes");
  assert.equal((await gateway.request("/vision/health/ready")).status, 200);
  const refused = await gateway.request("/vision/segment?x=1", { method: "POST", body: CAT });
  assert.equal(refused.status, 400);
  assert.equal(refused.headers.get("Content-Type"), "application/problem+json");
  assert.equal((await gateway.request("/vision/segment")).status, 405);
  assert.equal(await (await gateway.request("/vision/other")).text(), "mine");
  assert.equal(await (await gateway.request("/vision/nothing")).text(), "nothing here");
});

Deno.test("camRoutes(), segmentRoutes() and healthRoutes() work each alone", async () => {
  const init = { method: "POST", body: CAT };
  assert.equal((await camRoutes(silop).request("/cam", init)).status, 200);
  assert.equal((await camRoutes(silop).request("/segment", init)).status, 404);
  assert.equal((await segmentRoutes(silop).request("/segment", init)).status, 200);
  assert.equal((await segmentRoutes(silop).request("/cam", init)).status, 404);
  assert.equal((await healthRoutes(silop).request("/health/live")).status, 200);
});

Deno.test("createApp() closes the workers it has created and no others", async () => {
  await using folder = await makeModelFolder();
  const owner = createApp({ silop: { models: folder.url, device: "cpu", workers: 1 } });
  await owner.silop.ready;
  owner.close();
  await assert.rejects(owner.silop.cam(CAT), /closed/);
  createApp({ silop }).close();
  assert.equal((await post("/cam")).status, 200);
});

Deno.test("createApp() takes models of a folder, but not beside a silop that has its own", async () => {
  await using folder = await makeModelFolder();
  const elsewhere = new URL("nowhere/", folder.url);
  using own = createApp({
    models: folder.url,
    silop: { models: elsewhere, device: "cpu", workers: 1 },
  });
  assert.equal((await own.silop.ready).camModel.file, "tiny.onnx");
  assert.throws(() => createApp({ silop, models: folder.url }), TypeError);
});
