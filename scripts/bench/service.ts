/**
 * `deno task bench:service [PHOTO]`: how soon a service that is started gives its first answer, and what
 * `POST /segment` costs beyond the stage itself: decoding, inference and encoding as its `Server-Timing`
 * tells them. Both numbers are of the same request, so that the machine's moods hit both.
 */

import { median } from "./median.ts";
import { spawnService } from "./spawn_service.ts";

const STARTS = 5;
const REQUESTS = 50;
const WARM_UP = 5;

const path = Deno.args[0] ?? "examples/cat.jpg";
const photo = await Deno.readFile(path);

async function segment(url: string): Promise<{ total: number; stage: number }> {
  const start = performance.now();
  const response = await fetch(`${url}/segment`, { method: "POST", body: photo });
  await response.arrayBuffer();
  const total = performance.now() - start;
  if (!response.ok) throw new Error(`POST /segment answered ${response.status}`);
  const timing = response.headers.get("Server-Timing")!;
  const part = (name: string) => Number(new RegExp(`\\b${name};dur=([\\d.]+)`).exec(timing)![1]);
  return { total, stage: part("decode") + part("compute") + part("encode") };
}

const starts: number[] = [];
for (let i = 0; i < STARTS; i++) {
  const start = performance.now();
  await using service = await spawnService();
  await segment(service.url);
  starts.push(performance.now() - start);
}
console.log(JSON.stringify({
  what: "start to first answer",
  photo: path,
  median_ms: Math.round(median(starts)),
  min_ms: Math.round(Math.min(...starts)),
}));

await using service = await spawnService();
const overheads: number[] = [];
const stages: number[] = [];
for (let i = -WARM_UP; i < REQUESTS; i++) {
  const { total, stage } = await segment(service.url);
  if (i < 0) continue;
  overheads.push(total - stage);
  stages.push(stage);
}
console.log(JSON.stringify({
  what: "POST /segment",
  photo: path,
  stage_p50_ms: Math.round(10 * median(stages)) / 10,
  overhead_p50_ms: Math.round(10 * median(overheads)) / 10,
}));
