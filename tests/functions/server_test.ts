import assert from "node:assert/strict";
import { createApp } from "../../functions/app.ts";
import { CAT } from "../helpers/photos.ts";
import { openTinySilop } from "../helpers/tiny_silop.ts";

// One network run of the cat takes some tenths of a second.
const silop = await openTinySilop({ slowness: 8 });
const app = createApp({ silop });
const post = async (path: string, signal?: AbortSignal) =>
  await app.request(path, { method: "POST", body: CAT, signal });
const FOUR_RUNS = "/cam?scales=1,1,1,1&labels=cat";
const EIGHT_RUNS = "/cam?scales=1,1,1,1,1,1,1,1&labels=cat";
const QUICK = "/cam?scales=0.1&labels=cat";

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

Deno.test("POST /cam leaves the event loop free while the network runs", async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 2);
  const response = await post(FOUR_RUNS);
  clearInterval(timer);
  assert.equal(response.status, 200);
  // Were the network run on this thread, there would be a tick between two runs at best.
  assert.ok(ticks > 20, `only ${ticks} ticks`);
});

Deno.test("POST /cam stops between two runs when the client goes away", async () => {
  let [whole, stopped] = [Infinity, Infinity];
  // The least of a few times, as a machine may stand still for a while.
  for (let round = 0; round < 5 && !(stopped < 0.75 * whole); round++) {
    whole = Math.min(whole, await timed(() => post(EIGHT_RUNS)));
    const time = await timed(async () => {
      const client = new AbortController();
      const answer = post(EIGHT_RUNS, client.signal);
      setTimeout(() => client.abort(), whole / 20);
      assert.equal((await answer).status, 499);
      // The only worker takes the next job when it has left the one before, after the first of its runs.
      assert.equal((await post(QUICK)).status, 200);
    });
    stopped = Math.min(stopped, time);
  }
  assert.ok(stopped < 0.75 * whole, `worked on for ${stopped} of ${whole} ms`);
});

Deno.test("POST /cam never starts the work of a client that has gone while waiting", async () => {
  const first = post(FOUR_RUNS);
  const client = new AbortController();
  const second = post(FOUR_RUNS, client.signal);
  const third = post(QUICK);
  while (silop.load < 3) await new Promise((resolve) => setTimeout(resolve, 1));
  client.abort();
  assert.equal((await second).status, 499);
  // Neither waiting any more nor running.
  assert.ok(silop.load <= 2);
  assert.equal((await first).status, 200);
  assert.equal((await third).status, 200);
});
