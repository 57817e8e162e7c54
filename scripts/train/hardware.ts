/** What a figure was measured on, for model cards. */

import { cpus } from "node:os";
import type { SessionOptions } from "../../core/runtime/device.ts";

/** As `2026-11-23 on 2 threads of AMD EPYC (linux x86_64)`. */
export function dateAndHardware(
  { device, threads }: SessionOptions,
  now: Date = new Date(),
): string {
  const platform = `${Deno.build.os} ${Deno.build.arch}`;
  const where = device === "cuda"
    ? `CUDA (${platform})`
    : `${threads} ${threads === 1 ? "thread" : "threads"} of ${processor()} (${platform})`;
  return `${now.toISOString().slice(0, 10)} on ${where}`;
}

/** Its name where it may be asked for; else how many cores there are. */
function processor(): string {
  const cores = `${navigator.hardwareConcurrency} cores`;
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "cpus" });
  if (state !== "granted") return cores;
  const model = cpus()[0]?.model.trim().replace(/\s+/g, " ");
  return model === undefined || model === "" ? cores : `${cores}, ${model}`;
}
