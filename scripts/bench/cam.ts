/**
 * `deno task bench:cam [PHOTO]`: what `POST /cam` costs beyond decoding the photo and running the
 * network, and how long it holds up the event loop.
 *
 * Both sides run in turn, so that the machine's moods hit both; quote the ratio of the medians.
 */

import { decodeImage } from "../../core/image/mod.ts";
import { planWork } from "../../core/runtime/machine.ts";
import {
  DEFAULT_CAM_MODEL,
  findModel,
  loadManifest,
  readModel,
} from "../../core/runtime/models.ts";
import { createSilop } from "../../core/silop.ts";
import { openClassifier } from "../../core/stages/classifier.ts";
import { createApp } from "../../functions/app.ts";
import { normalizeImage } from "../../kernels/normalize.ts";
import { median } from "./median.ts";

const ROUNDS = 30;
const WARM_UP = 3;
/** Lets the native threads of one side go to sleep before the other side is timed. */
const PAUSE_MS = 50;
const TICK_MS = 5;
const LAG_ROUNDS = 10;

const path = Deno.args[0] ?? "examples/cat.jpg";
const photo = await Deno.readFile(path);
const { threads } = planWork({ workers: 1 });
using silop = createSilop({ device: "cpu", workers: 1, threads });
await silop.ready;
const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  createApp({ silop }).fetch,
);
const url = `http://127.0.0.1:${server.addr.port}/cam?scales=1&format=`;

const info = findModel(await loadManifest(), DEFAULT_CAM_MODEL);
const classifier = await openClassifier(await readModel(info), info, { threads });

/** Decoding and the network's run on the photo and its mirror image, with nothing around them. */
async function bare(): Promise<number> {
  const start = performance.now();
  const { data, width, height } = await decodeImage(photo);
  const decoding = performance.now() - start;
  const size = data.length;
  const views = new Float32Array(2 * size);
  normalizeImage(data, width, height, info.mean, info.std, { out: views.subarray(0, size) });
  normalizeImage(data, width, height, info.mean, info.std, {
    mirror: true,
    out: views.subarray(size),
  });
  const begin = performance.now();
  await classifier.classify(views, width, height);
  return decoding + performance.now() - begin;
}

async function request(format: string): Promise<number> {
  const start = performance.now();
  const response = await fetch(url + format, { method: "POST", body: photo });
  await response.arrayBuffer();
  const taken = performance.now() - start;
  if (!response.ok) throw new Error(`POST /cam answered ${response.status}`);
  return taken;
}

/** The longest that a timer was late during some requests; apart from timing, which it would disturb. */
async function worstLag(format: string): Promise<number> {
  let lag = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    lag = Math.max(lag, now - last - TICK_MS);
    last = now;
  }, TICK_MS);
  for (let round = 0; round < LAG_ROUNDS; round++) await request(format);
  clearInterval(timer);
  return lag;
}

const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
const { width, height } = await decodeImage(photo);
for (const format of ["json", "npz", "png"]) {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    await pause();
    const reference = await bare();
    await pause();
    const served = await request(format);
    if (round < 0) continue;
    theirs.push(reference);
    ours.push(served);
  }
  console.log(JSON.stringify({
    stage: `cam ${format}`,
    photo: path,
    size: `${width}×${height}`,
    threads,
    median_ms: round1(median(ours)),
    bare_ms: round1(median(theirs)),
    ratio: Number((median(ours) / median(theirs)).toFixed(3)),
    max_event_loop_lag_ms: round1(await worstLag(format)),
  }));
}
await server.shutdown();

function round1(value: number): number {
  return Math.round(value * 10) / 10;
}
