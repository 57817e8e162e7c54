import assert from "node:assert/strict";
import { mixedRequests, percentile, readMetric, runLoad } from "../../scripts/bench/load.ts";
import { CAT } from "../helpers/photos.ts";
import { postAndLeave, processorSeconds, startService } from "../helpers/service.ts";

const requests = await mixedRequests(CAT);

async function post(url: string, body: BodyInit = CAT): Promise<number> {
  const response = await fetch(url, { method: "POST", body });
  await response.body?.cancel();
  return response.status;
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

Deno.test({
  name: "The service stops working when the client of a large POST drops its connection",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using server = await startService();
    // Trains for many seconds if nobody stops it.
    const path = "/perimeter?method=both&iterations=64&min-labels=1";
    const gone = postAndLeave(server.url + path, CAT, 1500);
    await pause(1000);
    assert.equal(await readMetric(server.url, "silop_requests_active"), 1);
    await gone;
    const left = performance.now();
    assert.equal(await readMetric(server.url, "silop_workers"), 1);
    // Idle: no more than a tenth of one core's time.
    let used = await processorSeconds(server.pid);
    let idleAfter = Infinity;
    for (let at = 0; at < 40 && idleAfter === Infinity; at++) {
      await pause(250);
      const now = await processorSeconds(server.pid);
      if (now - used < 0.025) idleAfter = performance.now() - left;
      used = now;
    }
    // A second or less where the machine has nothing else to do.
    assert.ok(idleAfter < 5000, `worked on for ${idleAfter} ms`);
    assert.equal(await readMetric(server.url, "silop_requests_active"), 0);
    const cancelled = 'route="/perimeter",method="POST",status="499",reason="cancelled"';
    assert.equal(await readMetric(server.url, `silop_requests_total{${cancelled}}`), 1);
    assert.equal(await post(`${server.url}/cam?scales=0.5`), 200);
  },
});

Deno.test("The service answers 200, 429 or 503 to 64 clients at four times what it can do", async () => {
  await using server = await startService();
  const peak = await runLoad(server.url, requests, { clients: 3, seconds: 5 });
  const rate = 4 * Math.max(1, peak.throughput);
  const over = await runLoad(server.url, requests, { clients: 64, seconds: 10, rate });
  const { lost = 0, ...answered } = over.statuses;
  assert.equal(lost, 0, over.errors.join("; "));
  for (const status of Object.keys(answered)) assert.match(status, /^(200|429|503)$/);
  assert.ok(over.statuses["200"]! > 0);
  assert.ok(percentile(over.latencies, 0.99) < 30_000);
  assert.equal(await post(`${server.url}/segment`), 200);
});

Deno.test("The service loses no request that it has taken when it is told to end under load", async () => {
  await using server = await startService();
  const stop = new AbortController();
  const load = runLoad(server.url, requests, { clients: 12, seconds: 60, signal: stop.signal });
  await pause(4000);
  const ended = server.end("SIGTERM");
  stop.abort();
  const { statuses, errors } = await load;
  assert.equal(statuses.lost ?? 0, 0, errors.join("; "));
  for (const status of Object.keys(statuses)) assert.match(status, /^(200|429|503)$/);
  const { code, stdout } = await ended;
  assert.equal(code, 0);
  assert.match(stdout, /Ending after the requests under way/);
});

Deno.test("The service ends at once when it is told to a second time", async () => {
  await using server = await startService();
  const gone = postAndLeave(`${server.url}/perimeter?iterations=64&min-labels=1`, CAT, 5000)
    .catch(() => {});
  await pause(500);
  const start = performance.now();
  void server.end("SIGTERM");
  await pause(300);
  const { code } = await server.end("SIGTERM");
  assert.equal(code, 1);
  assert.ok(performance.now() - start < 4000);
  await gone;
});

Deno.test("The service waits for a job's result to be fetched before it ends", async () => {
  await using server = await startService();
  const posted = await fetch(`${server.url}/cam?format=npz`, {
    method: "POST",
    body: CAT,
    headers: { Prefer: "respond-async" },
  });
  await posted.body!.cancel();
  const path = posted.headers.get("Location")!;
  const ended = server.end("SIGTERM");
  for (;;) {
    const job = await (await fetch(server.url + path)).json();
    if (job.status === "succeeded") {
      const result = await fetch(server.url + job.result);
      assert.equal(result.status, 200);
      assert.ok((await result.bytes()).length > 1000);
      break;
    }
    assert.match(job.status, /queued|running/);
    await pause(20);
  }
  assert.equal((await ended).code, 0);
});

Deno.test("The service asks for a token when there is a file of them", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, "secret\n");
    await using server = await startService([`--token-file=${file}`, "--rate-limit=2"]);
    assert.equal(await post(`${server.url}/cam`), 401);
    const ask = async () => {
      const headers = { Authorization: "Bearer secret" };
      const response = await fetch(`${server.url}/cam`, { method: "POST", body: CAT, headers });
      await response.body?.cancel();
      return response.status;
    };
    assert.deepEqual([await ask(), await ask(), await ask()], [200, 200, 429]);
  } finally {
    await Deno.remove(file);
  }
});
