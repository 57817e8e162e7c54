import assert from "node:assert/strict";
import { createApp } from "../../functions/app.ts";
import { CAT, HTML, TRUNCATED_CAT } from "../helpers/photos.ts";
import { openTinySilop } from "../helpers/tiny_silop.ts";

const silop = await openTinySilop({ slowness: 8 });

/** The samples of an app's metrics by name and labels, labels sorted. */
async function read(app: { request(path: string): Response | Promise<Response> }) {
  const response = await app.request("/metrics");
  assert.match(response.headers.get("Content-Type")!, /^text\/plain; version=0\.0\.4/);
  const samples = new Map<string, number>();
  for (const line of (await response.text()).split("\n")) {
    const [, name, labels = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const sorted = labels === "" ? "" : `{${labels.split(",").sort().join(",")}}`;
    samples.set(name + sorted, Number(value));
  }
  return samples;
}

Deno.test("GET /metrics counts requests by route, status and reason", async () => {
  using app = createApp({ silop, limits: { maxQueue: 0, deadlineMs: 300_000 } });
  const post = async (path: string, body: BodyInit = CAT, signal?: AbortSignal) => {
    const response = await app.request(path, { method: "POST", body, signal });
    await response.body?.cancel();
  };
  await post("/cam");
  await post("/cam", TRUNCATED_CAT);
  await post("/cam", HTML);
  await post("/cam?x=1");
  const client = new AbortController();
  const left = post("/cam?scales=1,1,1,1", CAT, client.signal);
  while (silop.load === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  client.abort();
  await left;
  const busy = post("/cam?scales=1,1,1,1");
  await post("/cam");
  await busy;
  const samples = await read(app);
  const count = (status: number, reason: string) =>
    samples.get(
      `silop_requests_total{method="POST",reason="${reason}",route="/cam",status="${status}"}`,
    );
  assert.equal(count(200, "none"), 2);
  assert.equal(count(400, "decode"), 1);
  assert.equal(count(415, "decode"), 1);
  assert.equal(count(400, "invalid"), 1);
  assert.equal(count(499, "cancelled"), 1);
  assert.equal(count(429, "rejected"), 1);
  assert.equal(samples.get('silop_request_seconds_count{route="/cam"}'), 7);
  assert.equal(samples.get('silop_stage_seconds_count{stage="cam",step="compute"}'), 2);
  assert.ok(samples.get('silop_stage_seconds_sum{stage="cam",step="compute"}')! > 0);
  assert.ok(samples.get("silop_queue_wait_seconds_count")! >= 2);
  assert.equal(samples.get("silop_queue_depth"), 0);
  assert.equal(samples.get("silop_workers"), 1);
  assert.equal(samples.get('silop_worker_restarts_total{reason="crash"}'), 0);
  assert.ok(samples.get("process_resident_memory_bytes")! > 1e7);
});

Deno.test("GET /metrics tells of a deadline as timeout, and of each app by itself", async () => {
  using app = createApp({ silop, limits: { deadlineMs: 400 } });
  await app.request("/cam?scales=1,1,1,1,1,1,1,1", { method: "POST", body: CAT });
  const name = 'silop_requests_total{method="POST",reason="timeout",route="/cam",status="503"}';
  assert.equal((await read(app)).get(name), 1);
  using other = createApp({ silop });
  assert.equal((await read(other)).get(name), undefined);
});

Deno.test("The logger is told of every request", async () => {
  const lines: Record<string, unknown>[] = [];
  const logger = {
    error: () => assert.fail(),
    info: (_: string, properties: Record<string, unknown>) => lines.push(properties),
  };
  using app = createApp({ silop, logger });
  await app.request("/cam?scales=0.1", { method: "POST", body: CAT });
  await app.request("/cam", { method: "POST", body: HTML, headers: { "X-Request-Id": "r1" } });
  const [good, bad] = lines;
  assert.deepEqual([good!.method, good!.route, good!.status], ["POST", "/cam", 200]);
  assert.ok((good!.ms as number) > 0);
  assert.equal(good!.reason, undefined);
  assert.deepEqual([bad!.id, bad!.status, bad!.reason], ["r1", 415, "decode"]);
});
