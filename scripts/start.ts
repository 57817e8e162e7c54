/**
 * `deno task start`: the HTTP service.
 *
 * Listens on loopback unless told otherwise. SIGTERM and SIGINT end it after the requests under way have
 * been answered, within 20 seconds.
 */

import { createSilop } from "../core/silop.ts";
import { createApp } from "../functions/app.ts";
import {
  addWorkOptions,
  createCommand,
  fail,
  integerIn,
  readList,
  silopOptions,
  warnOfFallback,
  type WorkFlags,
} from "./cli.ts";

/** How long requests under way may take once the service has been told to end. */
const DRAIN_MS = 20_000;

interface StartFlags extends WorkFlags {
  port: number;
  host: string;
  allowModels?: string[];
}

const command = createCommand("start", "Segment photos over HTTP.")
  .option("--port <n>", "port to listen on; 0 takes a free one", integerIn(0, 65535), 8000)
  .option("--host <address>", "address to listen on; 0.0.0.0 is all of them", "127.0.0.1")
  .option("--allow-models <list>", "names of further models that requests may choose", readList);
addWorkOptions(command).parse(Deno.args, { from: "user" });
await start(command.opts<StartFlags>());

async function start(flags: StartFlags): Promise<void> {
  const silop = createSilop({
    ...silopOptions(flags),
    allowModels: flags.allowModels,
    onFault: (message, error) => console.error(message, error),
  });
  // Before the app hears of it, which would log what is said here.
  silop.ready.catch((error: Error) => fail(error.message));
  const server = listen(flags, createApp({ silop }).fetch);
  endOnSignals(() => server.shutdown());
  const ready = await silop.ready;
  warnOfFallback(ready);
  console.log(readyMessage(server.addr, ready.device, silop.plan));
}

function listen(
  { host, port }: StartFlags,
  handler: Deno.ServeHandler,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname: host, port, onListen: () => {} }, handler);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      fail(`Cannot listen on ${host}:${port}: another program does; choose another --port`);
    }
    fail(`Cannot listen on ${host}:${port}: ${(error as Error).message}`);
  }
}

function readyMessage(
  { hostname, port }: Deno.NetAddr,
  device: string,
  { workers, threads }: { workers: number; threads: number },
): string {
  const everywhere = hostname === "0.0.0.0" || hostname === "::";
  const host = everywhere ? "localhost" : hostname.includes(":") ? `[${hostname}]` : hostname;
  const url = `http://${host}:${port}`;
  return `Ready at ${url} (${device}, ${workers} × ${threads} threads). Try: ` +
    `curl --data-binary @examples/cat.jpg '${url}/segment?format=overlay' -o overlay.png`;
}

/** Ends the process after `drain`, after {@linkcode DRAIN_MS}, or at a second signal. */
function endOnSignals(drain: () => Promise<void>): void {
  let ending = false;
  const end = async () => {
    if (ending) Deno.exit(1);
    ending = true;
    console.log("Ending after the requests under way");
    Deno.unrefTimer(setTimeout(() => fail("Requests were still under way; ended them"), DRAIN_MS));
    await drain();
    Deno.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, end);
}
