import assert from "node:assert/strict";
import { createApp } from "../../functions/app.ts";
import { CAT } from "../helpers/photos.ts";
import { openTinySilop } from "../helpers/tiny_silop.ts";

// One network run of the cat takes some tenths of a second.
const silop = await openTinySilop({ slowness: 12 });
const app = createApp({ silop });
const post = async (path: string, signal?: AbortSignal) =>
  await app.request(path, { method: "POST", body: CAT, signal });
const FOUR_RUNS = "/cam?scales=1,1,1,1&labels=cat";
const QUICK = "/cam?scales=0.1&labels=cat";

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

Deno.test("POST /cam leaves the event loop free while the network runs", async () => {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 5);
  const taken = await timed(async () => assert.equal((await post("/cam")).status, 200));
  clearInterval(timer);
  assert.ok(longest < taken / 2, `held up for ${longest} of ${taken} ms`);
});

Deno.test("POST /cam stops between two runs when the client goes away", async () => {
  const whole = await timed(() => post(FOUR_RUNS));
  const stopped = await timed(async () => {
    const client = new AbortController();
    const answer = post(FOUR_RUNS, client.signal);
    setTimeout(() => client.abort(), whole / 10);
    assert.equal((await answer).status, 499);
    // The only worker takes the next job when it has left the one before.
    assert.equal((await post(QUICK)).status, 200);
  });
  assert.ok(stopped < 0.75 * whole, `worked on for ${stopped} of ${whole} ms`);
});

Deno.test("POST /cam never starts the work of a client that has gone while waiting", async () => {
  const begun = performance.now();
  const first = post(FOUR_RUNS);
  const client = new AbortController();
  const second = post(FOUR_RUNS, client.signal);
  const third = post(QUICK);
  setTimeout(() => client.abort(), 50);
  assert.equal((await second).status, 499);
  assert.ok(silop.load <= 2);
  assert.equal((await first).status, 200);
  const whole = performance.now() - begun;
  assert.equal((await third).status, 200);
  assert.ok(performance.now() - begun < 1.5 * whole, "the second request was worked on");
});
