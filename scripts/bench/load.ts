/** Clients that ask a service for segmentations, and what becomes of it. */

import { decodeImage, encodeRgbPng } from "../../core/image/mod.ts";
import { resizeImage } from "../../kernels/resize_image.ts";

/** A request to send. */
export interface LoadRequest {
  /** Path and query. */
  readonly path: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Options of {@linkcode runLoad}. */
export interface LoadOptions {
  readonly clients: number;
  readonly seconds: number;
  /** Requests per second of all clients together. Default: each sends the next when it has an answer. */
  readonly rate?: number;
  /** Ends the load early; requests under way are waited for. */
  readonly signal?: AbortSignal;
}

/** What became of a load. */
export interface LoadResult {
  /** Answers by status; `lost`: the connection ended without one. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Why connections ended. */
  readonly errors: readonly string[];
  /** Answers of status 200 per second, counted when they came. */
  readonly throughput: number;
  /** Milliseconds of the answers of status 200, ascending. */
  readonly latencies: readonly number[];
}

/** Requests of several formats, sizes and answers, made of a photo. */
export async function mixedRequests(photo: Uint8Array<ArrayBuffer>): Promise<LoadRequest[]> {
  const { data, width, height } = await decodeImage(photo);
  const png = (scale: number) => {
    const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
    return encodeRgbPng({
      width: w,
      height: h,
      data: resizeImage(data, width, height, 3, w, h),
    }) as Uint8Array<ArrayBuffer>;
  };
  const small = png(0.5);
  const large = png(2);
  return [
    { path: "/segment", body: photo },
    { path: "/segment?format=png", body: small },
    { path: "/cam?format=npz", body: photo },
    { path: "/segment?format=overlay", body: large },
    { path: "/cam?scales=1", body: small },
  ];
}

/** Sends requests in turn from many clients, and waits for all answers. */
export async function runLoad(
  url: string,
  requests: readonly LoadRequest[],
  { clients, seconds, rate, signal }: LoadOptions,
): Promise<LoadResult> {
  const statuses: Record<string, number> = {};
  const errors: string[] = [];
  const latencies: number[] = [];
  const start = performance.now();
  const end = start + 1000 * seconds;
  const between = rate === undefined ? 0 : 1000 * clients / rate;
  let turn = 0;
  let last = start;
  const client = async (number: number) => {
    let next = start + between * number / clients;
    while (!signal?.aborted) {
      const wait = next - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      next += between;
      const sent = performance.now();
      if (sent >= end || signal?.aborted) return;
      const { path, body } = requests[turn++ % requests.length]!;
      let status: string;
      try {
        const response = await fetch(url + path, { method: "POST", body });
        await response.arrayBuffer();
        status = String(response.status);
      } catch (error) {
        status = "lost";
        errors.push(describe(error as Error));
      }
      statuses[status] = (statuses[status] ?? 0) + 1;
      const now = performance.now();
      if (status === "200") {
        latencies.push(now - sent);
        last = now;
      }
      // Who is refused takes a moment before asking again.
      if (between === 0 && status !== "200") {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  latencies.sort((a, b) => a - b);
  const taken = (Math.max(last, end) - start) / 1000;
  return { statuses, errors, latencies, throughput: latencies.length / taken };
}

/** The value below which a share of sorted values lies; 0 of none. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

/** A sample of a service's metrics; `NaN` when there is none. */
export async function readMetric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split("\n").find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? NaN);
}

function describe(error: Error): string {
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}
