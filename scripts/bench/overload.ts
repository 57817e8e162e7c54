/**
 * `deno task bench:overload`: a service under four times the load it can bear.
 *
 * First its peak is measured with as many clients as keep it busy, then 64 clients send at four times that
 * rate. `--sustained MINUTES` then sends at 80 % of the peak and fits a line to the memory of the process,
 * after a minute's warm-up.
 */

import { createCommand, numberIn } from "../cli.ts";
import { type LoadResult, mixedRequests, percentile, readMetric, runLoad } from "./load.ts";
import { spawnService } from "./spawn_service.ts";

const PEAK_SECONDS = 30;
const CLIENTS = 64;
const OVERLOAD = 4;
const SUSTAINED_SHARE = 0.8;
const SAMPLE_MS = 5000;
const WARM_UP_MS = 60_000;
const RSS = "process_resident_memory_bytes";
const MIB = 2 ** 20;

const positive = numberIn(0, 1e4);
const command = createCommand("bench:overload", "Time a service under more load than it can bear.")
  .option("--seconds <n>", "how long the overload lasts", positive, 120)
  .option("--sustained <minutes>", "how long memory is watched at 80 % of the peak", positive, 0)
  .option("--deadline <s>", "deadline of the service's requests", positive, 30);
const { seconds, sustained, deadline } = command.parse(Deno.args, { from: "user" }).opts<
  { seconds: number; sustained: number; deadline: number }
>();

await using service = await spawnService([`--deadline=${deadline}`]);
await measure(service.url);

async function measure(url: string): Promise<void> {
  const requests = await mixedRequests(await Deno.readFile("examples/cat.jpg"));
  await runLoad(url, requests, { clients: 2, seconds: 5 });
  const peak = await runLoad(url, requests, { clients: 4, seconds: PEAK_SECONDS });
  report("peak", peak);
  const before = await readMetric(url, RSS);
  const rate = OVERLOAD * peak.throughput;
  const over = await runLoad(url, requests, { clients: CLIENTS, seconds, rate });
  report("overload", over, {
    rate: round(rate),
    throughput_of_peak: round(over.throughput / peak.throughput),
    only_200_429_503: Object.keys(over.statuses).every((status) => /^(200|429|503)$/.test(status)),
    p99_within_deadline: percentile(over.latencies, 0.99) <= 1000 * deadline,
    rss_before_mib: Math.round(before / MIB),
    rss_after_mib: Math.round(await readMetric(url, RSS) / MIB),
  });
  if (sustained > 0) await sustain(url, requests, SUSTAINED_SHARE * peak.throughput);
}

async function sustain(
  url: string,
  requests: Awaited<ReturnType<typeof mixedRequests>>,
  rate: number,
): Promise<void> {
  const samples: [minutes: number, mib: number][] = [];
  const start = performance.now();
  const sampler = setInterval(async () => {
    const at = performance.now() - start;
    const value = await readMetric(url, RSS).catch(() => NaN);
    if (at > WARM_UP_MS && value > 0) samples.push([at / 60_000, value / MIB]);
  }, SAMPLE_MS);
  const result = await runLoad(url, requests, {
    clients: 8,
    seconds: 60 * sustained + WARM_UP_MS / 1000,
    rate,
  });
  clearInterval(sampler);
  report("sustained", result, {
    rate: round(rate),
    minutes: sustained,
    rss_first_mib: Math.round(samples[0]?.[1] ?? NaN),
    rss_last_mib: Math.round(samples.at(-1)?.[1] ?? NaN),
    rss_slope_mib_per_minute: round(slope(samples)),
  });
}

function report(what: string, result: LoadResult, more: Record<string, unknown> = {}): void {
  const { statuses, latencies, throughput, errors } = result;
  const ms = (share: number) => Math.round(percentile(latencies, share));
  console.log(JSON.stringify({
    what,
    statuses,
    per_second: round(throughput),
    p50_ms: ms(0.5),
    p99_ms: ms(0.99),
    ...more,
    ...(errors.length > 0 ? { errors: [...new Set(errors)] } : {}),
  }));
}

/** Slope of the line of least squares. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [mx, my] = [mean(0), mean(1)];
  let xy = 0;
  let xx = 0;
  for (const [x, y] of points) {
    xy += (x - mx) * (y - my);
    xx += (x - mx) ** 2;
  }
  return xy / xx;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
