import assert from "node:assert/strict";
import { decodeImage, decodeMaskPng, encodeRgbPng } from "../../core/image/mod.ts";
import { decodeNpz } from "../../core/npz.ts";
import { createApp } from "../../functions/app.ts";
import { resizeImage } from "../../kernels/resize_image.ts";
import { CAT } from "../helpers/photos.ts";
import { TINY_MODEL_SEES } from "../helpers/tiny_model.ts";
import { openTinySilop } from "../helpers/tiny_silop.ts";

const silop = await openTinySilop();
const app = createApp({ silop });
const cat = await decodeImage(CAT);
const [width, height] = [120, 80];
const photo = encodeRgbPng({
  width,
  height,
  data: resizeImage(cat.data, cat.width, cat.height, 3, width, height),
});
const post = async (path: string, init: RequestInit = {}) =>
  await app.request(path, { method: "POST", body: photo as Uint8Array<ArrayBuffer>, ...init });

Deno.test("POST /refine answers JSON with the time of every step", async () => {
  const response = await post("/refine?walk=true&working-size=64");
  assert.equal(response.status, 200);
  const body = await response.json();
  assert.equal(body.stage, "refine");
  assert.deepEqual([body.width, body.height], [width, height]);
  assert.deepEqual([body.workingWidth, body.workingHeight], [64, 43]);
  assert.deepEqual([body.fit, body.walk, body.crf], ["half", true, true]);
  assert.deepEqual(body.classes.map(({ name }: { name: string }) => name), TINY_MODEL_SEES);
  assert.equal(body.perimeters.length, 2);
  const { decode: _, encode: __, compute, total, ...steps } = body.timings;
  const chain = [
    "cam",
    "superpixels",
    "training",
    "enlarging",
    "edges",
    "fit",
    "walk",
    "crf",
    "mask",
  ];
  assert.deepEqual(Object.keys(steps), chain);
  const sum = Object.values<number>(steps).reduce((a, b) => a + b);
  assert.ok(sum > 0.8 * compute && sum <= compute + 0.1 && compute < total);
  assert.match(response.headers.get("Server-Timing")!, /cam;dur=.*fit;dur=[\d.]+, walk;dur=/);
});

Deno.test("POST /refine answers every step's result as picture and overlay", async () => {
  const small = "/refine?working-size=48&iterations=2";
  const all = decodeNpz(await (await post(`${small}&format=npz`)).bytes());
  const mask = decodeMaskPng(await (await post(`${small}&format=png`)).bytes());
  assert.deepEqual(mask.data, all.mask!.data);
  for (const result of ["cam", "slic", "quickshift", "perimeter", "fit", "combined", "mask"]) {
    const query = `${small}&result=${result}`;
    const size = result === "mask" ? [width, height] : [48, 32];
    const picture = decodeMaskPng(await (await post(`${query}&format=png`)).bytes());
    assert.deepEqual([picture.width, picture.height], size, result);
    if (result === "slic") assert.deepEqual(picture.data, all.slic_labels!.data);
    const overlay = await post(`${query}&format=overlay`);
    assert.equal(
      overlay.headers.get("Content-Disposition"),
      'inline; filename="refine.overlay.png"',
    );
    const drawn = await decodeImage(await overlay.bytes());
    assert.deepEqual([drawn.width, drawn.height], size, result);
  }
});

Deno.test("POST /refine obeys labels, fit, method and crf", async () => {
  const query = "labels=dog&fit=region-mean&method=slic&crf=false&threshold=0.4&min-area=0&" +
    "iterations=2";
  const arrays = decodeNpz(await (await post(`/refine?format=npz&${query}`)).bytes());
  assert.deepEqual(arrays.keys!.data, BigInt64Array.of(0n, 12n));
  assert.equal(arrays.quickshift_labels, undefined);
  assert.equal(arrays.slic_mask, undefined);
  const combined = arrays.combined_hr_cam!.data as Float32Array;
  const cut = Uint8Array.from(combined, (value) => value > Math.fround(0.4) ? 12 : 0);
  assert.deepEqual(arrays.mask!.data, cut);
});

Deno.test("POST /segment?mode=pipeline answers the mask of /refine, and only then", async () => {
  const small = "working-size=64&iterations=2";
  const refined = decodeMaskPng(await (await post(`/refine?format=png&${small}`)).bytes());
  const pipeline = await post(`/segment?mode=pipeline&format=png&${small}`);
  assert.equal(pipeline.headers.get("Content-Disposition"), 'inline; filename="segment.png"');
  assert.deepEqual(decodeMaskPng(await pipeline.bytes()), refined);
  const { timings } = await (await post(`/segment?mode=pipeline&${small}`)).json();
  assert.ok(timings.training > 0 && timings.crf > 0);
  const plain = await (await post("/segment?format=png")).bytes();
  assert.deepEqual(await (await post("/segment?mode=cam&format=png")).bytes(), plain);
  assert.notDeepEqual(decodeMaskPng(plain), refined);
});

Deno.test("POST /refine refuses what it does not understand or cannot serve", async () => {
  const cases: [path: string, status: number, detail: RegExp][] = [
    ["/refine?fit=best", 400, /fit.*reference/],
    ["/refine?result=photo", 400, /result.*slic/],
    ["/refine?crf=maybe", 400, /crf/],
    ["/segment?mode=best", 400, /mode.*pipeline/],
    ["/refine?method=slic&result=quickshift", 422, /no result quickshift/],
    ["/refine?threshold=2.5", 422, /0\.\.2/],
    ["/refine?labels=unicorn", 422, /unicorn/],
  ];
  for (const [path, status, detail] of cases) {
    const response = await post(path);
    assert.equal(response.status, status, path);
    assert.match((await response.json()).detail, detail);
  }
  assert.equal((await app.request("/refine")).status, 405);
});

Deno.test("silop.refine() gives every step's result", async () => {
  const { mask, fitted, perimeters, cam } = await silop.refine(photo, {
    fit: "reference",
    iterations: 2,
  });
  assert.equal(mask.data.length, width * height);
  assert.deepEqual(Object.keys(fitted.masks!), ["slic", "quickshift"]);
  assert.equal(perimeters.detector, "canny");
  assert.equal(cam.hrCam.width, width);
});

Deno.test("The health endpoint answers while photos are refined", async () => {
  let slowest = Infinity;
  // A few times, as a machine may stand still for a while.
  for (let round = 0; round < 5 && slowest >= 500; round++) {
    const running = post("/refine?working-size=128&iterations=4", { body: CAT });
    slowest = 0;
    let done = false;
    running.finally(() => done = true);
    while (!done) {
      const start = performance.now();
      assert.equal((await app.request("/health/live")).status, 200);
      slowest = Math.max(slowest, performance.now() - start);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal((await running).status, 200);
  }
  assert.ok(slowest < 500, `${slowest} ms`);
});
