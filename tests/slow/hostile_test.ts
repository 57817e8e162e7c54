import assert from "node:assert/strict";
import { percentile, readMetric } from "../../scripts/bench/load.ts";
import { hostileRequests } from "../helpers/hostile.ts";
import { CAT } from "../helpers/photos.ts";
import { startService } from "../helpers/service.ts";

/** `deno task test:hostile` sends 2000. */
const COUNT = Number(Deno.args[0] ?? 200);
const SEED = 20_26;
const DEADLINE_MS = 30_000;
const RSS = "process_resident_memory_bytes";
const MIB = 2 ** 20;

Deno.test(`The service bears ${COUNT} hostile requests`, async () => {
  await using server = await startService();
  const send = async (path: string, init: RequestInit) => {
    const start = performance.now();
    const response = await fetch(server.url + path, init);
    await response.arrayBuffer();
    return { status: response.status, taken: performance.now() - start };
  };
  const photo = { method: "POST", body: CAT };
  // Every network, those that are loaded when first needed too.
  for (const path of ["/segment", "/segment?mode=cam", "/refine"]) {
    assert.equal((await send(path, photo)).status, 200);
  }
  // Decoders and networks keep the memory of the largest image they have seen so far.
  for (const { path, init } of hostileRequests(SEED + 1, Math.max(200, COUNT / 4))) {
    await send(path, init);
  }
  const before = await settledMemory(server.url);

  const statuses: Record<string, number> = {};
  const refusals: number[] = [];
  let slowest = 0;
  for (const { what, path, init } of hostileRequests(SEED, COUNT)) {
    const label = `${what}: ${init.method} ${path.slice(0, 200)}`;
    const { status, taken } = await send(path, init).catch((error) => {
      throw new Error(`${label} was not answered`, { cause: error });
    });
    statuses[status] = (statuses[status] ?? 0) + 1;
    assert.ok(status < 500, `${label} was answered ${status}`);
    if (status >= 400) refusals.push(taken);
    slowest = Math.max(slowest, taken);
  }
  refusals.sort((a, b) => a - b);
  const after = await settledMemory(server.url);
  const figures = {
    statuses,
    refusals_p50_ms: Math.round(percentile(refusals, 0.5)),
    refusals_p99_ms: Math.round(percentile(refusals, 0.99)),
    refusals_max_ms: Math.round(refusals.at(-1)!),
    slowest_ms: Math.round(slowest),
    rss_before_mib: Math.round(before / MIB),
    rss_after_mib: Math.round(after / MIB),
  };
  console.log(JSON.stringify(figures));

  assert.ok(statuses["200"]! > COUNT / 20, "some are to be accepted");
  assert.ok(refusals.length > COUNT / 4, "some are to be refused");
  assert.ok(percentile(refusals, 0.95) < 500, "refusals are to be quick");
  assert.ok(slowest < DEADLINE_MS);
  assert.ok(after - before < 100 * MIB, "memory is to be back at its level");
  for (const reason of ["crash", "stuck", "memory"]) {
    const name = `silop_worker_restarts_total{reason="${reason}"}`;
    assert.equal(await readMetric(server.url, name), 0, `${reason} of a worker`);
  }
  // Every network, those that are loaded when first needed too.
  for (const path of ["/segment", "/segment?mode=cam", "/refine"]) {
    assert.equal((await send(path, photo)).status, 200);
  }
});

/** Memory of the service once networks trained on photos have been given back. */
async function settledMemory(url: string): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 11_000));
  return await readMetric(url, RSS);
}
