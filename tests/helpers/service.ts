/** The service in a process of its own. */

import { startServer } from "./processes.ts";
import type { RunningServer } from "./processes.ts";

/** Starts it with options of `deno task start` on a free port, with the permissions of that task. */
export async function startService(options: readonly string[] = []): Promise<RunningServer> {
  return await startServer([
    "run",
    "--no-prompt",
    "--allow-read",
    "--allow-ffi",
    "--allow-net=127.0.0.1,0.0.0.0,[::1],[::],localhost",
    "--allow-env=SILOP_MODELS",
    "scripts/start.ts",
    "--port=0",
    "--log=none",
    ...options,
  ], /Ready at (http:\S+)/);
}

/** Seconds of processor time a process has taken so far. */
export async function processorSeconds(pid: number): Promise<number> {
  // By a program: Deno itself opens files of /proc with all permissions only.
  const { stdout } = await new Deno.Command("cat", { args: [`/proc/${pid}/stat`] }).output();
  const stat = new TextDecoder().decode(stdout);
  // After the name, which may hold anything, the 12th and 13th are ticks of 10 ms.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Sends a POST over a connection of its own, and drops that after a while without reading an answer. */
export async function postAndLeave(
  url: string,
  body: Uint8Array,
  afterMs: number,
): Promise<void> {
  const { hostname, port, pathname, search } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const head = `POST ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}\r\n` +
    `Content-Length: ${body.length}\r\n\r\n`;
  const bytes = new Uint8Array([...new TextEncoder().encode(head), ...body]);
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  connection.close();
}
