import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { decodeMaskPng, encodeMaskPng } from "../../../core/image/mod.ts";
import { cvatRoutes, FUNCTION_NAME } from "../../../functions/adapters/cvat.ts";
import { VOC_CLASSES } from "../../../core/voc/classes.ts";
import { connectedRegions } from "../../../kernels/connected_regions.ts";
import { segmentRoutes } from "../../../functions/segment.ts";
import { fillRings } from "../../helpers/fill_rings.ts";
import { CAT, CAT_SIZE, HTML, TRUNCATED_CAT } from "../../helpers/photos.ts";
import { TINY_MODEL_SEES } from "../../helpers/tiny_model.ts";
import { openTinySilop } from "../../helpers/tiny_silop.ts";

interface Shape {
  confidence: string;
  label: string;
  type: string;
  points: number[];
  mask: number[];
}

const silop = await openTinySilop();
const app = cvatRoutes(silop, {
  logger: { error: (message, error) => assert.fail(`${message} ${error}`) },
});
const { width, height } = CAT_SIZE;

/** As python-requests sends what CVAT's LambdaFunction.invoke() makes of a frame. */
async function invoke(payload: unknown, path = "/", headers: Record<string, string> = {}) {
  const body = JSON.stringify(payload);
  return await app.request(path, {
    method: "POST",
    body,
    headers: {
      "User-Agent": "python-requests/2.32.4 cvat",
      "Accept-Encoding": "gzip, deflate, br",
      "Accept": "*/*",
      "x-nuclio-project-name": "cvat",
      "x-nuclio-function-namespace": "nuclio",
      "x-nuclio-invoke-via": "domain-name",
      "Content-Type": "application/json",
      ...headers,
    },
  });
}
const frame = { image: Buffer.from(CAT).toString("base64") };

/** Puts masks together as CVAT takes them apart: the last four numbers are the box, the others its pixels. */
function assemble(shapes: readonly Shape[]): Uint8Array {
  const whole = new Uint8Array(width * height);
  for (const { label, mask } of shapes) {
    const [left, top, right, bottom] = mask.slice(-4) as [number, number, number, number];
    const pixels = mask.slice(0, -4);
    assert.equal(pixels.length, (right - left + 1) * (bottom - top + 1));
    let at = 0;
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const value = pixels[at++]!;
        assert.ok(value === 0 || value === 1);
        if (value === 1) whole[y * width + x] = VOC_CLASSES.indexOf(label) + 1;
      }
    }
  }
  return whole;
}

Deno.test("POST / of the CVAT function answers masks that are those of /segment", async () => {
  const response = await invoke(frame);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("Content-Type"), "application/json");
  const shapes: Shape[] = await response.json();
  assert.deepEqual(new Set(shapes.map(({ label }) => label)), new Set(TINY_MODEL_SEES));
  const segmented = await segmentRoutes(silop).request("/segment?format=png", {
    method: "POST",
    body: CAT,
  });
  const mask = decodeMaskPng(await segmented.bytes());
  assert.deepEqual(assemble(shapes), mask.data);

  const { map } = connectedRegions(mask.data, width, height);
  const regions = new Set(Array.from(map).filter((_, p) => mask.data[p] !== 0));
  assert.equal(shapes.length, regions.size);
  for (const { type, confidence, points } of shapes) {
    assert.equal(type, "mask");
    assert.ok(Number(confidence) > 0 && Number(confidence) <= 1);
    // CVAT turns the mask into this polygon when it is told to.
    assert.ok(points.length >= 6 && points.length % 2 === 0);
    assert.ok(fillRings([points], width, height).some((pixel) => pixel === 1));
  }
});

Deno.test("POST / of the CVAT function leaves out classes below the threshold", async () => {
  const all: Shape[] = await (await invoke({ ...frame, threshold: 0 })).json();
  const scores = all.map(({ confidence }) => Number(confidence));
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  assert.ok(low < high);
  const some: Shape[] = await (await invoke({ ...frame, threshold: (low + high) / 2 })).json();
  assert.deepEqual(some, all.filter(({ confidence }) => Number(confidence) > (low + high) / 2));
  assert.deepEqual(await (await invoke({ ...frame, threshold: 1 })).json(), []);
});

Deno.test("POST / of the CVAT function takes the options of /segment", async () => {
  const shapes: Shape[] = await (await invoke(frame, "/?labels=cat&threshold=0.2")).json();
  assert.deepEqual(new Set(shapes.map(({ label }) => label)), new Set(["cat"]));
  assert.equal((await invoke(frame, "/?format=png")).status, 400);
});

Deno.test("POST / of the CVAT function refuses what is no such request", async () => {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  const cases: [payload: unknown, status: number, detail: RegExp][] = [
    ["image", 400, /body/],
    [{}, 400, /image/],
    [{ image: "" }, 400, /image/],
    [{ image: "a photo!" }, 400, /base64/],
    [{ image: 5 }, 400, /image/],
    [{ ...frame, threshold: 2 }, 400, /threshold/],
    [{ image: base64(TRUNCATED_CAT) }, 400, /truncated/],
    [{ image: base64(HTML) }, 415, /HTML/],
  ];
  for (const [payload, status, detail] of cases) {
    const response = await invoke(payload);
    assert.equal(response.status, status);
    assert.equal(response.headers.get("Content-Type"), "application/problem+json");
    assert.match((await response.json()).detail, detail);
  }
  const broken = await app.request("/", { method: "POST", body: '{"image": "' });
  assert.match((await broken.json()).detail, /no JSON/);
  const large = await invoke({ image: "A".repeat(30 * 1024 * 1024) });
  assert.equal(large.status, 413);
  assert.equal((await app.request("/")).status, 405);
});

Deno.test("The CVAT function answers what CVAT asks nuclio", async () => {
  const list = await (await app.request("http://silop:8000/api/functions")).json();
  assert.deepEqual(Object.keys(list), [FUNCTION_NAME]);
  const one = await (await app.request(`http://silop:8000/api/functions/${FUNCTION_NAME}`)).json();
  assert.deepEqual(one, list[FUNCTION_NAME]);
  assert.equal(one.metadata.annotations.type, "detector");
  assert.equal(one.status.httpPort, 8000);
  const spec = JSON.parse(one.metadata.annotations.spec);
  assert.deepEqual(spec[7], { id: 8, name: "cat", color: "#400000", type: "mask" });
  assert.equal((await app.request("/api/functions/other")).status, 404);

  const path = "/api/function_invocations";
  const named = await invoke(frame, path, { "x-nuclio-function-name": FUNCTION_NAME });
  assert.deepEqual(await named.json(), await (await invoke(frame)).json());
  assert.equal((await invoke(frame, path, { "x-nuclio-function-name": "other" })).status, 404);
});

const NUCLIO = new URL("../../../functions/adapters/nuclio/", import.meta.url);

Deno.test("nuclio/function.yaml names the function and the classes of the embedded model", () => {
  const yaml = readFileSync(new URL("function.yaml", NUCLIO), "utf8");
  assert.match(yaml, new RegExp(`^  name: ${FUNCTION_NAME}$`, "m"));
  const spec = JSON.parse(/spec: \|\n(\s+\[[\s\S]*?\n\s+\])/.exec(yaml)![1]!);
  const classes = VOC_CLASSES.map((name, i) => ({ id: i + 1, name, type: "mask" }));
  assert.deepEqual(spec, classes);
});

Deno.test("nuclio/main.js passes requests on, and tells when the service is not there", async () => {
  const source = readFileSync(new URL("main.js", NUCLIO), "utf8");
  const exports: { handler?: (context: unknown, event: unknown) => Promise<void> } = {};
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, app.fetch);
  const env = { SILOP_URL: `http://127.0.0.1:${server.addr.port}/` };
  new Function("exports", "process", source)(exports, { env });
  const ask = async (event: unknown) => {
    const answers: { body: string; type: string; status: number }[] = [];
    class Response {
      constructor(
        readonly body: string,
        _: unknown,
        readonly type: string,
        readonly status: number,
      ) {}
    }
    await exports.handler!({ Response, callback: (given: Response) => answers.push(given) }, event);
    return answers[0]!;
  };
  const event = { body: Buffer.from(JSON.stringify(frame)) };
  try {
    const { status, type, body } = await ask(event);
    assert.equal(status, 200);
    assert.equal(type, "application/json");
    assert.deepEqual(JSON.parse(body), await (await invoke(frame)).json());
    assert.equal((await ask({ body: Buffer.from("{}") })).status, 400);
  } finally {
    await server.shutdown();
  }
  const { status, body } = await ask(event);
  assert.equal(status, 502);
  assert.match(body, /cannot be reached/);
});

Deno.test("POST / of the CVAT function answers an empty list when there is nothing", async () => {
  const flat = encodeMaskPng({ width: 20, height: 10, data: new Uint8Array(200) });
  const image = Buffer.from(flat).toString("base64");
  assert.deepEqual(await (await invoke({ image }, "/?labels=")).json(), []);
});
