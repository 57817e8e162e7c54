import assert from "node:assert/strict";
import { decodeImage, decodeMaskPng, encodeRgbPng } from "../../core/image/mod.ts";
import { decodeNpz } from "../../core/npz.ts";
import { createApp } from "../../functions/app.ts";
import { resizeImage } from "../../kernels/resize_image.ts";
import { CAT } from "../helpers/photos.ts";
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
const post = async (query: string, init: RequestInit = {}) =>
  await app.request(`/perimeter${query}`, {
    method: "POST",
    body: photo as Uint8Array<ArrayBuffer>,
    ...init,
  });

Deno.test("POST /perimeter answers JSON with the time of every step", async () => {
  const response = await post("?method=both&working-size=64");
  assert.equal(response.status, 200);
  const body = await response.json();
  assert.equal(body.stage, "perimeter");
  assert.deepEqual([body.width, body.height], [width, height]);
  assert.deepEqual([body.workingWidth, body.workingHeight], [64, 43]);
  assert.equal(body.results.length, 2);
  for (const { method, iterations, labels, regions, superpixels } of body.results) {
    assert.ok(["slic", "quickshift"].includes(method));
    assert.ok(iterations >= 1 && labels >= 2 && regions >= labels && superpixels >= labels);
  }
  const { compute, superpixels, training, enlarging, edges } = body.timings;
  assert.ok(superpixels + training + enlarging + edges <= compute + 0.1);
  assert.ok(superpixels > 0 && training > 0 && enlarging >= 0 && edges > 0);
  assert.match(response.headers.get("Server-Timing")!, /training;dur=[\d.]+/);
});

Deno.test("POST /perimeter answers map, overlay and arrays of the photo's size", async () => {
  const ask = async (query: string) =>
    await (await post(`?iterations=3&min-labels=1&${query}`)).bytes();
  const map = decodeMaskPng(await ask("format=png"));
  assert.deepEqual([map.width, map.height], [width, height]);
  assert.deepEqual(new Set(map.data), new Set([0, 255]));
  const arrays = decodeNpz(await ask("format=npz"));
  assert.deepEqual(arrays.perimeter!.data, map.data);
  assert.deepEqual(arrays.labels!.shape, [height, width]);
  const overlay = await decodeImage(await ask("format=overlay"));
  assert.deepEqual([overlay.width, overlay.height], [width, height]);
  const reference = decodeNpz(await ask("format=npz&reference=true"));
  assert.deepEqual(reference.picture!.shape, [height, width, 3]);
  assert.deepEqual(reference.labels!.data, arrays.labels!.data);
});

Deno.test("POST /perimeter trains as long and from such weights as the query says", async () => {
  const train = async (query: string) => {
    const { results } = await (await post(`?working-size=64&${query}`)).json();
    return results[0];
  };
  assert.equal((await train("iterations=1&min-labels=1")).iterations, 1);
  assert.equal((await train("iterations=3&min-labels=1")).iterations, 3);
  const [one, other] = [await train("iterations=2&seed=1"), await train("iterations=2&seed=2")];
  assert.notDeepEqual([one.labels, one.regions], [other.labels, other.regions]);
});

Deno.test("POST /perimeter refuses what it does not understand or cannot serve", async () => {
  const cases: [query: string, status: number, detail: RegExp][] = [
    ["?method=watershed", 400, /method.*slic/],
    ["?detector=sobel", 400, /detector/],
    ["?reference=yes", 400, /reference/],
    ["?reference=true&detector=boundary", 422, /detector is canny/],
    ["?working-size=2000", 422, /16\.\.768/],
    ["?iterations=0", 422, /iterations.*1\.\.64/],
    ["?iterations=65", 422, /1\.\.64/],
    ["?min-labels=33", 422, /1\.\.32/],
    ["?seed=x", 400, /seed/],
  ];
  for (const [query, status, detail] of cases) {
    const response = await post(query);
    assert.equal(response.status, status, query);
    assert.match((await response.json()).detail, detail);
  }
  assert.equal((await app.request("/perimeter")).status, 405);
});

Deno.test("silop.perimeter() gives all maps", async () => {
  const { branches, detector } = await silop.perimeter(photo, { method: "quickshift" });
  assert.equal(detector, "boundary");
  assert.equal(branches[0]!.labels.data.length, width * height);
  assert.equal(branches[0]!.method, "quickshift");
});

Deno.test("silop.perimeter() ends between two iterations when it is aborted", async () => {
  const options = { minLabels: 1, iterations: 64 };
  const aborted = new AbortController();
  const running = silop.perimeter(CAT, options, { signal: aborted.signal });
  setTimeout(() => aborted.abort(), 300);
  await assert.rejects(running, { name: "AbortError" });
  const start = performance.now();
  await silop.perimeter(photo, { iterations: 1 });
  // 64 iterations on the cat would take half a minute.
  assert.ok(performance.now() - start < 8000);
});
